//! Following one destination's log, whoever changes it, to keep the index up to date.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard};

use kenwell::profile::{Flattener, Layout};

use super::error::Error;
use super::files::{self, io};
use super::index::Index;
use super::log::{Log, is_same};
use super::log_line::{FieldsLine, LogLine};
use crate::mutex::lock;

/// Reads a log into an index.
#[derive(Debug)]
pub(super) struct LogFollower {
    pub(super) log: Arc<Log>,
    pub(super) layout: Layout,
    position: Mutex<ReadPosition>,
    index: Mutex<Index>,
}

/// How far a log was read.
#[derive(Debug, Default)]
pub(super) struct ReadPosition {
    /// The file, kept open so that no other one gets its number; `None` when there is none.
    pub(super) file: Option<File>,
    /// Bytes of it that are in the index.
    read: u64,
}

impl LogFollower {
    /// Nothing is read yet.
    pub(super) fn new(log: Arc<Log>, layout: Layout) -> Self {
        Self {
            log,
            layout,
            position: Mutex::default(),
            index: Mutex::default(),
        }
    }

    /// How far the log was read; nobody else reads on until this is dropped.
    pub(super) fn position(&self) -> MutexGuard<'_, ReadPosition> {
        lock(&self.position)
    }

    /// What was read. Taken behind the position by whoever needs both.
    pub(super) fn index(&self) -> MutexGuard<'_, Index> {
        lock(&self.index)
    }

    /// Whether nobody reads the log at the moment.
    #[cfg(test)]
    pub(super) fn is_at_rest(&self) -> bool {
        self.position.try_lock().is_ok()
    }

    /// Reads what the log has behind `position`, or all of it when another file has taken its place. Blocks on
    /// files.
    ///
    /// # Errors
    /// [`Error::Io`]; what was known before stays.
    pub(super) fn catch_up(&self, position: &mut ReadPosition) -> Result<(), Error> {
        let files = &self.log.files;
        let failed = io("read", &files.log);
        let (file, end) = {
            let _lock = files.lock()?;
            let Some(mut file) = files.open_log()? else {
                *position = ReadPosition::default();
                *self.index() = Index::default();
                return Ok(());
            };
            let end = files::whole_lines(&mut file, &files.log)?;
            (file, end)
        };
        // From here on without the lock: lines of this file, once whole, do not change.
        let same = position.file.as_ref().map(|known| is_same(known, &file));
        let goes_on = same.transpose().map_err(&failed)?.unwrap_or(false) && position.read <= end;
        if goes_on {
            let read = &mut position.read;
            return self.read(&file, read, end, |add| add(&mut self.index()));
        }
        self.log.make_durable(&file)?;
        let (mut index, mut read) = (Index::default(), 0);
        self.read(&file, &mut read, end, |add| add(&mut index))?;
        *self.index() = index;
        *position = ReadPosition {
            file: Some(file),
            read,
        };
        Ok(())
    }

    /// Reads the lines from `from` to `end`, and moves `from` behind each that was added.
    fn read(
        &self,
        file: &File,
        from: &mut u64,
        end: u64,
        mut add: impl FnMut(&dyn Fn(&mut Index)),
    ) -> Result<(), Error> {
        let path = &self.log.files.log;
        let mut file = file;
        file.seek(SeekFrom::Start(*from))
            .map_err(io("read", path))?;
        let mut lines = BufReader::new(file.take(end.saturating_sub(*from)));
        let rules = &self.layout.rules;
        let mut flattener = Flattener::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = lines
                .read_until(b'\n', &mut line)
                .map_err(io("read", path))?;
            if length == 0 {
                return Ok(());
            }
            match LogLine::parse(&line) {
                Ok(LogLine::Letter(letter)) => {
                    let receipt = letter.receipt();
                    let update = flattener.received(&letter.event, &self.layout, &receipt);
                    let update = update.ok();
                    let begins = *from;
                    add(&|index| {
                        index.add((begins, length), &letter, update.as_ref(), rules);
                    });
                }
                Ok(LogLine::Fields(FieldsLine::Superseded(fields))) => {
                    add(&|index| index.supersede(&fields));
                }
                Ok(LogLine::Fields(FieldsLine::Restored(fields))) => {
                    add(&|index| index.restore(&fields));
                }
                Err(error) => {
                    tracing::error!(path = %path.display(), position = *from, %error, "a line of the dead letters cannot be read; it is kept");
                }
            }
            *from += length as u64;
        }
    }
}
