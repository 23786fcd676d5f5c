//! Replacing a destination's letters by those that remain, while others go on appending.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};

use super::error::Error;
use super::files::{self, Files, io};
use super::letter::DeadLetter;
use super::letters::Letters;

/// Event bytes after which a batch ends, whatever its count: what a retry holds in memory.
const MAX_BATCH_BYTES: usize = 16 << 20;

/// A walk through the letters of a destination that ends with only the kept ones left.
///
/// Nothing changes before [`Rewrite::finish`]: dropped earlier, all letters stay. Letters appended
/// meanwhile stay in any case, behind the kept ones.
#[derive(Debug)]
pub struct Rewrite {
    files: Files,
    letters: Letters,
    rest: BufWriter<File>,
    _retry_lock: File,
}

impl Rewrite {
    pub(super) fn begin(files: Files, destination: &str) -> Result<Self, Error> {
        let Some(retry_lock) = files.try_retry_lock()? else {
            return Err(Error::Busy {
                destination: destination.to_owned(),
            });
        };
        let letters = {
            let _lock = files.lock()?;
            Letters::open(&files)?
        };
        let rest = files::create(&files.rest)?;
        // An earlier walk may have been killed half-way.
        rest.set_len(0).map_err(io("empty", &files.rest))?;
        Ok(Self {
            files,
            letters,
            rest: BufWriter::new(rest),
            _retry_lock: retry_lock,
        })
    }

    /// The next letters, oldest first, at most `count`; none at the end. Lines that are no letters
    /// are kept as they are, and reported.
    pub fn next(&mut self, count: usize) -> Result<Vec<DeadLetter>, Error> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < count && bytes < MAX_BATCH_BYTES {
            let Some(line) = self.letters.next_line()? else {
                break;
            };
            match self.letters.parse(&line) {
                Ok(letter) => {
                    bytes += letter.event.len();
                    batch.push(letter);
                }
                Err(error) => {
                    tracing::error!(%error, "a line of the dead letters cannot be read; it is kept");
                    self.write(&line)?;
                }
            }
        }
        Ok(batch)
    }

    /// Keeps a letter, perhaps with a new reason.
    pub fn keep(&mut self, letter: &DeadLetter) -> Result<(), Error> {
        let mut line = Vec::new();
        letter
            .write_line(&mut line)
            .map_err(|error| io("encode a letter for", &self.files.rest)(error.into()))?;
        self.write(&line)
    }

    /// Puts the kept letters, those not yet looked at, and those appended meanwhile in place of the
    /// old file, at once and durably.
    pub fn finish(mut self) -> Result<(), Error> {
        while let Some(line) = self.letters.next_line()? {
            self.write(&line)?;
        }
        let _lock = self.files.lock()?;
        if let Some(mut log) = self.files.open_log()? {
            let end = files::whole_lines(&mut log, &self.files.log)?;
            log.seek(SeekFrom::Start(self.letters.bytes))
                .map_err(io("read", &self.files.log))?;
            let mut appended = log.take(end.saturating_sub(self.letters.bytes));
            std::io::copy(&mut appended, &mut self.rest).map_err(io("write", &self.files.rest))?;
        }
        self.rest
            .flush()
            .and_then(|()| self.rest.get_ref().sync_all())
            .map_err(io("write", &self.files.rest))?;
        std::fs::rename(&self.files.rest, &self.files.log)
            .map_err(io("replace", &self.files.log))?;
        self.files.sync_directory()
    }

    fn write(&mut self, line: &[u8]) -> Result<(), Error> {
        self.rest
            .write_all(line)
            .map_err(io("write", &self.files.rest))
    }
}
