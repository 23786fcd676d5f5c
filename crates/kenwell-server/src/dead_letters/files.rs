//! The files of one destination's log, and the locks that processes share.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use fs4::FileExt;

use super::error::Error;

/// Bytes read at once when looking backwards for the end of the last whole line.
const STEP: u64 = 64 * 1024;

/// Paths of one destination's log. Only the owner may read it: events hold personal data.
#[derive(Debug, Clone)]
pub(super) struct Files {
    directory: PathBuf,
    pub(super) log: PathBuf,
    /// Held while the log changes. Never renamed, unlike the log itself.
    lock: PathBuf,
    /// Held for a whole retry, so that there is one at a time.
    retry_lock: PathBuf,
    /// What a retry leaves, before it takes the log's place.
    pub(super) rest: PathBuf,
}

impl Files {
    pub(super) fn new(directory: &Path, destination: &str) -> Self {
        Self {
            directory: directory.to_path_buf(),
            log: directory.join(format!("{destination}.jsonl")),
            lock: directory.join(format!("{destination}.lock")),
            retry_lock: directory.join(format!("{destination}.retry-lock")),
            rest: directory.join(format!("{destination}.jsonl.rest")),
        }
    }

    /// Waits for the right to change the log; ends when the file is dropped.
    pub(super) fn lock(&self) -> Result<File, Error> {
        let file = create(&self.lock)?;
        FileExt::lock(&file).map_err(io("lock", &self.lock))?;
        Ok(file)
    }

    /// Takes the right to retry, if nobody has it.
    pub(super) fn try_retry_lock(&self) -> Result<Option<File>, Error> {
        let file = create(&self.retry_lock)?;
        match FileExt::try_lock(&file) {
            Ok(()) => Ok(Some(file)),
            Err(fs4::TryLockError::WouldBlock) => Ok(None),
            Err(fs4::TryLockError::Error(source)) => Err(io("lock", &self.retry_lock)(source)),
        }
    }

    /// Opens the log for reading; `None` when there is none.
    pub(super) fn open_log(&self) -> Result<Option<File>, Error> {
        match File::open(&self.log) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io("open", &self.log)(error)),
        }
    }

    /// Makes a created, renamed or removed file survive a power cut.
    pub(super) fn sync_directory(&self) -> Result<(), Error> {
        File::open(&self.directory)
            .and_then(|directory| directory.sync_all())
            .map_err(io("sync", &self.directory))
    }
}

/// Opens a file for reading and writing, creating it when there is none.
///
/// A file that root creates is given to the directory's owner: a retry by root must not leave files
/// that the server may not open.
pub(super) fn create(path: &Path) -> Result<File, Error> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(io("open", path))?;
    let own = file.metadata().map_err(io("read", path))?;
    let directory = path.parent().unwrap_or(path);
    let owner = directory.metadata().map_err(io("read", directory))?;
    if own.uid() == 0 && owner.uid() != 0 {
        fchown(&file, Some(owner.uid()), Some(owner.gid()))
            .map_err(io("give to the owner", path))?;
    }
    Ok(file)
}

/// Bytes up to and with the last newline: all that was written whole.
pub(super) fn whole_lines(file: &mut File, path: &Path) -> Result<u64, Error> {
    let failed = io("read", path);
    let mut end = file.metadata().map_err(&failed)?.len();
    let mut buffer = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(STEP);
        buffer.clear();
        file.seek(SeekFrom::Start(start)).map_err(&failed)?;
        file.by_ref()
            .take(end - start)
            .read_to_end(&mut buffer)
            .map_err(&failed)?;
        if let Some(newline) = buffer.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + newline as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Names the failed action and the file.
pub(super) fn io(action: &'static str, path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io {
        action,
        path: path.clone(),
        source,
    }
}
