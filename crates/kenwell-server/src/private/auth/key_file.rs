//! `data_dir/admin-key`: the hash of the admin key, readable by its owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use kenwell::connection::Secret;

use super::{digest::Digest, random};

/// Name of the file in the data directory.
const NAME: &str = "admin-key";
/// What stands before the hash, so that a reader knows what it is.
const KIND: &str = "sha256:";
/// More than the file ever holds.
const MAX_BYTES: u64 = 1024;

/// Why the admin key could not be kept or found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
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

impl KeyFileError {
    /// Whether the same call may succeed later without anybody changing the file.
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::Damaged { .. })
    }
}

/// Makes a new admin key in place of the one that was made before. Running servers take the new one
/// at the next request, and end the sessions that were opened with the old one.
pub fn reset(data_dir: &Path) -> Result<Secret, KeyFileError> {
    let key = random::new_key()?;
    KeyFile::new(data_dir).write(Digest::of(key.expose()))?;
    Ok(key)
}

/// The file, and which version of it is which.
#[derive(Debug)]
pub(super) struct KeyFile {
    path: PathBuf,
}

/// Tells one version of the file from the next: it is replaced as a whole, so its inode changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    inode: u64,
    changed: (i64, i64),
}

impl KeyFile {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self {
            path: data_dir.join(NAME),
        }
    }

    /// The version that is there now; `None` when there is no such file.
    pub(super) fn version(&self) -> Option<Version> {
        let metadata = fs::metadata(&self.path).ok()?;
        Some(Version {
            inode: metadata.ino(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// The hash; `None` when there is no file.
    pub(super) fn read(&self) -> Result<Option<Digest>, KeyFileError> {
        let mut text = String::new();
        let read =
            File::open(&self.path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
        match read {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.io("read")(error)),
        }
        let digest = text.trim().strip_prefix(KIND).and_then(Digest::from_hex);
        digest.map(Some).ok_or_else(|| KeyFileError::Damaged {
            path: self.path.clone(),
        })
    }

    /// Replaces the file at once and durably.
    pub(super) fn write(&self, digest: Digest) -> Result<(), KeyFileError> {
        let new = self.path.with_extension("new");
        let written = || {
            if let Some(directory) = self.path.parent() {
                fs::create_dir_all(directory)?;
            }
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&new)?;
            writeln!(file, "{KIND}{}", digest.to_hex())?;
            file.sync_all()?;
            fs::rename(&new, &self.path)
        };
        written().map_err(self.io("write"))
    }

    fn io(&self, action: &'static str) -> impl FnOnce(std::io::Error) -> KeyFileError {
        let path = self.path.clone();
        move |source| KeyFileError::Io {
            action,
            path,
            source,
        }
    }
}
