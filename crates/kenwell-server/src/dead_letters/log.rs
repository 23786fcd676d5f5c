//! Appending to one destination's log so that it survives.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Mutex;

use super::error::Error;
use super::files::{self, Files, io};
use super::letter::DeadLetter;
use super::letter_reader::LetterReader;
use super::log_line::FieldsLine;
use crate::mutex::lock;

/// The log of one destination: a file with a line for each letter, and lines about fields that letters lost.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) files: Files,
    pub(super) destination: String,
    max_bytes: u64,
    state: Mutex<LogState>,
}

/// What this process knows of the file.
#[derive(Debug, Default)]
struct LogState {
    /// The file whose name is known to be durable. Open, so that no other file gets its number.
    durable: Option<File>,
    /// What a failed append has left and could not be cut: where it begins, and where it ends.
    left: Option<(u64, u64)>,
}

impl Log {
    pub(super) fn new(directory: &Path, destination: &str, max_bytes: u64) -> Self {
        Self {
            files: Files::new(directory, destination),
            destination: destination.to_owned(),
            max_bytes,
            state: Mutex::default(),
        }
    }

    /// Writes letters, and behind them what older ones get back, all or none; returns when they are on disk. After an
    /// error nothing was kept.
    pub(super) fn append_letters(
        &self,
        letters: &[DeadLetter],
        fields: impl Iterator<Item = FieldsLine>,
    ) -> Result<(), Error> {
        let mut lines = Vec::new();
        for letter in letters {
            letter
                .write_line(&mut lines)
                .map_err(self.cannot_encode())?;
        }
        self.encode(fields, &mut lines)?;
        self.append(&lines, self.max_bytes)
    }

    /// The same with lines about fields of letters that are there, for which there is as much room again.
    pub(super) fn append_fields(
        &self,
        fields: impl Iterator<Item = FieldsLine>,
    ) -> Result<(), Error> {
        let mut lines = Vec::new();
        self.encode(fields, &mut lines)?;
        self.append(&lines, self.max_bytes.saturating_mul(2))
    }

    fn encode(
        &self,
        fields: impl Iterator<Item = FieldsLine>,
        lines: &mut Vec<u8>,
    ) -> Result<(), Error> {
        for line in fields {
            line.write(lines).map_err(self.cannot_encode())?;
        }
        Ok(())
    }

    fn append(&self, lines: &[u8], room: u64) -> Result<(), Error> {
        if lines.is_empty() {
            return Ok(());
        }
        let Files {
            log: path, disk, ..
        } = &self.files;
        let _lock = self.files.lock()?;
        // Opened by its path each time: a retry may have put a new file in its place.
        let mut log = files::create(path)?;
        self.cut_what_was_left(&log)?;
        let end = self.cut_torn_line(&mut log)?;
        if end.saturating_add(lines.len() as u64) > room {
            return Err(Error::Full {
                destination: self.destination.clone(),
                max_bytes: self.max_bytes,
            });
        }
        // First, so that a failure leaves no lines behind.
        self.make_durable(&log)?;
        if let Err(error) = disk.write_at(&log, lines, end) {
            if let Err(error) = disk.cut(&log, end) {
                tracing::error!(path = %path.display(), %error, "cannot cut a half-written dead letter; it is tried again before the next one");
                let length = log.metadata().map_err(io("read", path))?.len();
                lock(&self.state).left = Some((end, length));
            }
            return Err(io("write", path)(error));
        }
        Ok(())
    }

    /// Makes the file keep its name when the power fails. Before that, nothing may rely on what stands in it, or
    /// does not stand in it any more.
    pub(super) fn make_durable(&self, log: &File) -> Result<(), Error> {
        let path = &self.files.log;
        let mut state = lock(&self.state);
        if let Some(durable) = &state.durable
            && is_same(durable, log).map_err(io("read", path))?
        {
            return Ok(());
        }
        self.files.sync_directory()?;
        state.durable = Some(log.try_clone().map_err(io("open", path))?);
        Ok(())
    }

    /// The letters as they are now, oldest first.
    pub(super) fn list(&self) -> Result<LetterReader, Error> {
        let _lock = self.files.lock()?;
        LetterReader::open(&self.files)
    }

    pub(super) fn cannot_encode(&self) -> impl Fn(serde_json::Error) -> Error {
        let failed = io("encode a line for", &self.files.log);
        move |error| failed(error.into())
    }

    fn cut_what_was_left(&self, log: &File) -> Result<(), Error> {
        let path = &self.files.log;
        let mut state = lock(&self.state);
        let Some((end, length)) = state.left else {
            return Ok(());
        };
        // Otherwise a retry has replaced the file meanwhile, or somebody else has appended.
        if log.metadata().map_err(io("read", path))?.len() == length {
            self.files.disk.cut(log, end).map_err(io("cut", path))?;
        }
        state.left = None;
        Ok(())
    }

    /// Cuts what a crash has left of a line that was never confirmed; returns the file's length.
    fn cut_torn_line(&self, log: &mut File) -> Result<u64, Error> {
        let path = &self.files.log;
        let length = log.metadata().map_err(io("read", path))?.len();
        let whole = files::whole_lines(log, path)?;
        if whole < length {
            tracing::warn!(
                path = %path.display(),
                bytes = length - whole,
                "cut an unfinished line from the dead letters; its event will be delivered again"
            );
            self.files.disk.cut(log, whole).map_err(io("cut", path))?;
        }
        Ok(whole)
    }
}

/// Whether both are the same file.
pub(super) fn is_same(one: &File, other: &File) -> std::io::Result<bool> {
    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}
