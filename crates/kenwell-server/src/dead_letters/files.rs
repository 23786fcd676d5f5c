//! The files of one destination's log, and the locks that processes share.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use fs4::FileExt;
use kenwell_journal::files;
use tokio::time::{Duration, Instant, sleep};

use super::disk::Disk;
use super::error::Error;

/// Bytes read at once when looking backwards for the end of the last whole line.
const BACKWARDS_BYTES: u64 = 64 * 1024;

/// How long to wait for the lock on the fields of letters.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How often the lock is tried meanwhile. The system does not wait for it, because that would keep the process
/// from ending.
const LOCK_POLL: Duration = Duration::from_millis(5);

/// Paths of one destination's log. Only the owner may read it: events hold personal data.
#[derive(Debug, Clone)]
pub(super) struct Files {
    directory: PathBuf,
    pub(super) log: PathBuf,
    /// Held while the log changes. Never renamed, unlike the log itself.
    lock: PathBuf,
    /// Held for a whole retry, so that there is one at a time.
    retry_lock: PathBuf,
    /// Held by whoever takes fields from letters or writes what they hold: the one must not happen between the
    /// other's reading and its writing.
    write_lock: PathBuf,
    /// Held while waiting for `write_lock`, so that who takes that one again and again leaves it to others.
    turn_lock: PathBuf,
    /// The letters that a retry leaves, until this file takes the log's place.
    pub(super) replacement: PathBuf,
    pub(super) disk: Disk,
}

impl Files {
    pub(super) fn new(directory: &Path, destination: &str) -> Self {
        Self {
            directory: directory.to_path_buf(),
            log: directory.join(format!("{destination}.jsonl")),
            lock: directory.join(format!("{destination}.lock")),
            retry_lock: directory.join(format!("{destination}.retry-lock")),
            write_lock: directory.join(format!("{destination}.write-lock")),
            turn_lock: directory.join(format!("{destination}.turn-lock")),
            replacement: directory.join(format!("{destination}.jsonl.rest")),
            disk: Disk::default(),
        }
    }

    /// Waits for the lock on the log, which ends when the file is dropped.
    pub(super) fn lock(&self) -> Result<File, Error> {
        let file = create(&self.lock)?;
        FileExt::lock(&file).map_err(io("lock", &self.lock))?;
        Ok(file)
    }

    /// Takes the lock of a retry, if nobody has it.
    pub(super) fn try_retry_lock(&self) -> Result<Option<File>, Error> {
        try_lock(&self.retry_lock)
    }

    /// Waits for the lock on the fields of letters: for taking them, or for writing what they hold. It ends when
    /// the file is dropped. `None` when somebody else keeps it for too long.
    pub(super) async fn lock_fields(&self) -> Result<Option<File>, Error> {
        let deadline = Instant::now() + LOCK_TIMEOUT;
        let Some(turn) = lock_until(&self.turn_lock, deadline).await? else {
            return Ok(None);
        };
        let locked = lock_until(&self.write_lock, deadline).await?;
        drop(turn);
        Ok(locked)
    }

    /// Opens the log for reading; `None` when there is none.
    pub(super) fn open_log(&self) -> Result<Option<File>, Error> {
        match files::open(&self.log) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io("open", &self.log)(error)),
        }
    }

    /// Makes a created, renamed or removed file survive a power cut.
    pub(super) fn sync_directory(&self) -> Result<(), Error> {
        self.disk
            .sync_directory(&self.directory)
            .map_err(io("sync", &self.directory))
    }
}

fn try_lock(path: &Path) -> Result<Option<File>, Error> {
    let file = create(path)?;
    match FileExt::try_lock(&file) {
        Ok(()) => Ok(Some(file)),
        Err(fs4::TryLockError::WouldBlock) => Ok(None),
        Err(fs4::TryLockError::Error(source)) => Err(io("lock", path)(source)),
    }
}

async fn lock_until(path: &Path, deadline: Instant) -> Result<Option<File>, Error> {
    loop {
        let locked = try_lock(path)?;
        if locked.is_some() || Instant::now() >= deadline {
            return Ok(locked);
        }
        sleep(LOCK_POLL).await;
    }
}

/// Opens a file for reading and writing, creating it when there is none.
pub(super) fn create(path: &Path) -> Result<File, Error> {
    files::open_or_make(path).map_err(io("open", path))
}

/// Bytes up to and with the last newline: all that was written whole.
pub(super) fn whole_lines(file: &mut File, path: &Path) -> Result<u64, Error> {
    let failed = io("read", path);
    let mut end = file.metadata().map_err(&failed)?.len();
    let mut buffer = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(BACKWARDS_BYTES);
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
