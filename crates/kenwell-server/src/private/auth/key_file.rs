//! `data_dir/admin-key`: the hash of the admin key, readable by its owner alone.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use fs4::{FileExt, TryLockError};
use kenwell::connection::Secret;
use kenwell_journal::files;

use super::{digest::Digest, random};

/// Name of the file in the data directory.
const NAME: &str = "admin-key";
/// What stands before the hash, so that a reader knows what it is.
const KIND: &str = "sha256:";
/// More than the file ever holds.
const MAX_BYTES: u64 = 1024;
/// How long a running server gets to take up a new key. It looks twice a second.
const RESET_TIMEOUT: Duration = Duration::from_secs(10);
/// How often it is asked meanwhile.
const POLL: Duration = Duration::from_millis(20);

/// Why the admin key could not be kept or found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum KeyFileError {
    /// The file system refused.
    #[error("cannot {action} {path}", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The file belongs to another user.
    #[error("{path} belongs to another user and cannot be read: run `kenwell admin-key reset` as root, which gives it to the owner of the directory", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
    },
    /// The server could not read it.
    #[error("{path} cannot be given to the owner of its directory, so nothing was changed: run the command as that user", path = path.display())]
    OwnerNotChanged {
        /// The file.
        path: PathBuf,
    },
    /// A server runs here and goes on with another key.
    #[error(
        "the server that runs with {data_dir} did not take up the new key, so nothing was changed: its key is set in its \
         own configuration or in KENWELL_PRIVATE_ADMIN_KEY, or it may not read what is written there now; \
         change the key where it is set, or stop the server and try again",
        data_dir = data_dir.display()
    )]
    NotInForce {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// The journal's lock could not be looked at.
    #[error("cannot tell whether a server runs here, so nothing was changed")]
    Journal(#[from] kenwell_journal::Error),
    /// The file holds something else than a hash.
    #[error("{path} does not hold the hash of an admin key: make a new one with `kenwell admin-key reset`", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The system gave no random numbers.
    #[error("no random numbers for a new admin key")]
    Random(#[from] getrandom::Error),
}

/// Since when a new key is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResetEffect {
    /// The server that runs with this data directory has taken it up.
    InForce,
    /// No server runs with it: the next one will.
    AtNextStart,
}

/// Makes a new admin key in place of the one that was made before. A running server has it when this returns, and has
/// ended the sessions that were opened with the old one.
///
/// # Errors
/// [`KeyFileError::NotInForce`] when a server runs and goes on with another key; then, as after any error, the old key
/// is kept.
pub(crate) fn reset(data_dir: &Path) -> Result<(Secret, ResetEffect), KeyFileError> {
    let file = KeyFile::new(data_dir);
    let running = kenwell_journal::is_in_use(&data_dir.join("journal"))?;
    let key = random::new_key()?;
    let before = file.content()?;
    file.write(Digest::of(key.expose()))?;
    match file.wait_until_in_force(running) {
        Ok(effect) => Ok((key, effect)),
        Err(error) => {
            file.put_back(before.as_deref())?;
            Err(error)
        }
    }
}

/// The file, and which version of it is which.
#[derive(Debug)]
pub(super) struct KeyFile {
    path: PathBuf,
}

/// Tells one version of the file from the next: the file is replaced as a whole, so its inode changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileVersion {
    inode: u64,
    changed: (i64, i64),
}

/// A version of the file, while this process goes by it.
#[derive(Debug)]
pub(super) struct LockedKey {
    pub(super) digest: Digest,
    pub(super) version: FileVersion,
    /// Locked, shared, for as long as this version is in force: a reset tells by that lock that the new one is.
    _file: File,
}

impl FileVersion {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl KeyFile {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self {
            path: data_dir.join(NAME),
        }
    }

    /// The version that is there now; `None` when there is no such file.
    pub(super) fn version(&self) -> Option<FileVersion> {
        let metadata = fs::symlink_metadata(&self.path).ok()?;
        Some(FileVersion::of(&metadata))
    }

    /// The hash that is there now, locked as being in force; `None` when there is no file.
    pub(super) fn open_locked(&self) -> Result<Option<LockedKey>, KeyFileError> {
        let Some(file) = self.open()? else {
            return Ok(None);
        };
        match FileExt::try_lock_shared(&file) {
            // Some file systems have no locks; then a reset cannot tell, and the key is in force all the same.
            Ok(()) | Err(TryLockError::Error(_)) => {}
            // A reset is looking whether it is locked, which takes no time.
            Err(TryLockError::WouldBlock) => {
                FileExt::lock_shared(&file).map_err(self.io("lock"))?;
            }
        }
        let version = FileVersion::of(&file.metadata().map_err(self.io("read"))?);
        let content = self.read(&file)?;
        let text = std::str::from_utf8(&content).ok();
        let hex = text.and_then(|text| text.trim().strip_prefix(KIND));
        let digest = hex.and_then(Digest::from_hex);
        let digest = digest.ok_or_else(|| KeyFileError::Damaged {
            path: self.path.clone(),
        })?;
        Ok(Some(LockedKey {
            digest,
            version,
            _file: file,
        }))
    }

    /// Replaces the file at once and durably.
    pub(super) fn write(&self, digest: Digest) -> Result<(), KeyFileError> {
        self.put(format!("{KIND}{}\n", digest.to_hex()).as_bytes())
    }

    /// Waits until a server that runs goes by the version that is there now.
    fn wait_until_in_force(&self, running: bool) -> Result<ResetEffect, KeyFileError> {
        let (path, directory) = (self.path.clone(), self.directory());
        let owner = directory.metadata().map_err(self.io("read"))?.uid();
        let own = path.metadata().map_err(self.io("read"))?.uid();
        if own == 0 && owner != 0 {
            return Err(KeyFileError::OwnerNotChanged { path });
        }
        if !running {
            return Ok(ResetEffect::AtNextStart);
        }
        let deadline = Instant::now() + RESET_TIMEOUT;
        while Instant::now() < deadline {
            if self.is_in_force()? {
                return Ok(ResetEffect::InForce);
            }
            sleep(POLL);
        }
        Err(KeyFileError::NotInForce {
            data_dir: directory.to_path_buf(),
        })
    }

    /// Whether a process goes by the version that is there now.
    fn is_in_force(&self) -> Result<bool, KeyFileError> {
        // Some file systems lock only what is open for writing.
        let file = files::open_for_writing(&self.path).map_err(self.io("open"))?;
        match FileExt::try_lock(&file) {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(self.io("lock")(error)),
        }
    }

    fn content(&self) -> Result<Option<Vec<u8>>, KeyFileError> {
        let file = self.open()?;
        file.map(|file| self.read(&file)).transpose()
    }

    fn put_back(&self, content: Option<&[u8]>) -> Result<(), KeyFileError> {
        match content {
            Some(content) => self.put(content),
            None => fs::remove_file(&self.path).map_err(self.io("remove")),
        }
    }

    fn put(&self, content: &[u8]) -> Result<(), KeyFileError> {
        files::make_directory(self.directory())
            .and_then(|()| files::replace(&self.path, content))
            .map_err(self.io("write"))
    }

    fn open(&self) -> Result<Option<File>, KeyFileError> {
        match files::open(&self.path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                Err(KeyFileError::Unreadable {
                    path: self.path.clone(),
                })
            }
            Err(error) => Err(self.io("read")(error)),
        }
    }

    fn read(&self, file: &File) -> Result<Vec<u8>, KeyFileError> {
        let mut content = Vec::new();
        file.take(MAX_BYTES)
            .read_to_end(&mut content)
            .map_err(self.io("read"))?;
        Ok(content)
    }

    fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    fn io(&self, action: &'static str) -> impl FnOnce(io::Error) -> KeyFileError {
        let path = self.path.clone();
        move |source| KeyFileError::Io {
            action,
            path,
            source,
        }
    }
}
