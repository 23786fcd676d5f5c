//! Appending dead letters so that they survive, and finding them again.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::Error;
use super::files::{self, Files, io};
use super::letter::DeadLetter;
use super::letters::Letters;
use super::rewrite::Rewrite;

/// The dead letters of all destinations: one file each, `<destination>.jsonl`, a JSON object a line.
///
/// Several processes may use the same directory at once: the server appends while the command line
/// lists and retries. All calls block on files and locks: from async code, use a blocking task.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    directory: PathBuf,
    max_bytes: u64,
}

impl DeadLetters {
    /// Uses `directory`, which is created when missing, with room for `max_bytes` per destination.
    pub fn open(directory: &Path, max_bytes: u64) -> Result<Self, Error> {
        std::fs::create_dir_all(directory).map_err(io("create", directory))?;
        Ok(Self {
            directory: directory.to_path_buf(),
            max_bytes,
        })
    }

    /// Writes the letters, all or none; returns when they are on disk.
    ///
    /// # Errors
    /// [`Error::Full`] when they do not fit, and [`Error::Io`]; nothing was kept then.
    pub fn append(&self, destination: &str, letters: &[DeadLetter]) -> Result<(), Error> {
        if letters.is_empty() {
            return Ok(());
        }
        let files = Files::new(&self.directory, destination);
        let mut lines = Vec::new();
        for letter in letters {
            letter
                .write_line(&mut lines)
                .map_err(|error| io("encode a letter for", &files.log)(error.into()))?;
        }
        let _lock = files.lock()?;
        // Opened by its path each time: a retry may have put a new file in its place.
        let mut log = files::create(&files.log)?;
        let end = cut_torn_line(&mut log, &files.log)?;
        if end.saturating_add(lines.len() as u64) > self.max_bytes {
            return Err(Error::Full {
                destination: destination.to_owned(),
                max_bytes: self.max_bytes,
            });
        }
        if let Err(error) = write_at(&mut log, end, &lines) {
            // What a full disk has taken of the lines goes, so that "nothing was kept" holds.
            if let Err(error) = log.set_len(end) {
                tracing::error!(path = %files.log.display(), %error, "cannot cut a half-written dead letter");
            }
            return Err(io("write", &files.log)(error));
        }
        if end == 0 {
            files.sync_directory()?;
        }
        Ok(())
    }

    /// The letters of a destination as they are now, oldest first.
    pub fn list(&self, destination: &str) -> Result<Letters, Error> {
        let files = Files::new(&self.directory, destination);
        let _lock = files.lock()?;
        Letters::open(&files)
    }

    /// Begins to go through the letters of a destination, keeping some and dropping others.
    ///
    /// # Errors
    /// [`Error::Busy`] when another process is at it.
    pub fn rewrite(&self, destination: &str) -> Result<Rewrite, Error> {
        Rewrite::begin(Files::new(&self.directory, destination), destination)
    }
}

fn write_at(log: &mut File, end: u64, lines: &[u8]) -> std::io::Result<()> {
    log.seek(SeekFrom::Start(end))?;
    log.write_all(lines)?;
    log.sync_data()
}

/// Cuts what a crash has left of a line that was never confirmed; returns the file's length.
fn cut_torn_line(log: &mut File, path: &Path) -> Result<u64, Error> {
    let length = log.metadata().map_err(io("read", path))?.len();
    let whole = files::whole_lines(log, path)?;
    if whole < length {
        tracing::warn!(
            path = %path.display(),
            bytes = length - whole,
            "cut an unfinished line from the dead letters; its event will be delivered again"
        );
        log.set_len(whole).map_err(io("cut", path))?;
    }
    Ok(whole)
}
