//! Replacing a destination's letters by those that remain, while others go on appending.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use kenwell_journal::ErrorChain;

use super::error::Error;
use super::files::{self, io};
use super::letter::DeadLetter;
use super::letter_reader::LetterReader;
use super::log::Log;
use super::log_line::{FieldsLine, LogLine};

/// Event bytes after which a batch ends, whatever its count: what a retry holds in memory.
const MAX_BATCH_BYTES: usize = 16 << 20;

/// A walk through the letters of a destination that ends with only the kept ones left.
///
/// Nothing changes before [`Rewrite::finish`]: dropped earlier, all letters stay. Letters appended
/// meanwhile stay in any case, behind the kept ones.
#[derive(Debug)]
pub struct Rewrite {
    log: Arc<Log>,
    letters: LetterReader,
    replacement: BufWriter<File>,
    /// Offsets of the letters in it: lines about fields of others only are dropped.
    kept: HashSet<u64>,
    _retry_lock: File,
}

/// Letters that stand one after the other in the log, with the lines between them.
#[derive(Debug, Default)]
pub struct LetterBatch {
    lines: Vec<BatchLine>,
}

/// One line, as it was read.
#[derive(Debug)]
enum BatchLine {
    /// A letter, and where its line begins.
    Letter(u64, DeadLetter),
    /// Anything else.
    Other(Vec<u8>),
}

impl LetterBatch {
    /// Whether the end was reached.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The letters, oldest first, each with the place in the log where its line begins.
    pub fn letters(&self) -> impl Iterator<Item = (u64, &DeadLetter)> {
        self.lines.iter().filter_map(|line| match line {
            BatchLine::Letter(position, letter) => Some((*position, letter)),
            BatchLine::Other(_) => None,
        })
    }
}

impl Rewrite {
    pub(super) fn begin(log: Arc<Log>) -> Result<Self, Error> {
        let Some(retry_lock) = log.files.try_retry_lock()? else {
            return Err(Error::Busy {
                destination: log.destination.clone(),
            });
        };
        let letters = log.list()?;
        // An earlier walk may have been killed half-way, and left one.
        let replacement = kenwell_journal::files::make_anew(&log.files.replacement);
        let replacement = replacement.map_err(io("make", &log.files.replacement))?;
        Ok(Self {
            log,
            letters,
            replacement: BufWriter::new(replacement),
            kept: HashSet::new(),
            _retry_lock: retry_lock,
        })
    }

    /// The next lines, oldest first, with at most `count` letters; none at the end.
    pub fn next(&mut self, count: usize) -> Result<LetterBatch, Error> {
        let mut lines = Vec::new();
        let (mut letters, mut bytes) = (0, 0);
        while letters < count && bytes < MAX_BATCH_BYTES {
            let Some((position, line)) = self.letters.next_line()? else {
                break;
            };
            bytes += line.len();
            match self.letters.parse(&line) {
                Ok(LogLine::Letter(letter)) => {
                    letters += 1;
                    lines.push(BatchLine::Letter(position, letter));
                }
                Ok(_) => lines.push(BatchLine::Other(line)),
                Err(error) => {
                    tracing::error!(error = %ErrorChain(&error), "a line of the dead letters cannot be read; it is kept");
                    lines.push(BatchLine::Other(line));
                }
            }
        }
        Ok(LetterBatch { lines })
    }

    /// Keeps of a batch what `keep` makes of each letter, in order. Lines that are no letters stay where they
    /// are, as long as they are about a letter that stays.
    pub fn keep(
        &mut self,
        batch: LetterBatch,
        mut keep: impl FnMut(DeadLetter) -> Option<DeadLetter>,
    ) -> Result<(), Error> {
        for line in batch.lines {
            match line {
                BatchLine::Other(line) => self.copy(&line)?,
                BatchLine::Letter(_, letter) => {
                    if let Some(letter) = keep(letter) {
                        self.kept.insert(letter.offset);
                        let mut line = Vec::new();
                        letter
                            .write_line(&mut line)
                            .map_err(self.log.cannot_encode())?;
                        self.write(&line)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Puts the kept letters, those not yet looked at, and those appended meanwhile in place of the
    /// old file, at once and durably.
    ///
    /// # Errors
    /// All letters are kept then.
    pub fn finish(mut self) -> Result<(), Error> {
        let replaced = self.replace();
        if replaced.is_err() {
            // Perhaps the disk is full: what cannot be used must not stand on it.
            let replacement = self.replacement.get_ref();
            if let Err(error) = self.log.files.disk.cut(replacement, 0) {
                let path = self.log.files.replacement.display();
                tracing::warn!(%path, %error, "cannot empty a file that is not needed any more");
            }
        }
        replaced
    }

    fn replace(&mut self) -> Result<(), Error> {
        while let Some((_, line)) = self.letters.next_line()? {
            self.copy(&line)?;
        }
        let log = Arc::clone(&self.log);
        let files = &log.files;
        let _lock = files.lock()?;
        self.copy_appended()?;
        self.replacement
            .flush()
            .and_then(|()| files.disk.sync(self.replacement.get_ref()))
            .map_err(io("write", &files.replacement))?;
        files
            .disk
            .replace(&files.replacement, &files.log)
            .map_err(io("replace", &files.log))?;
        if let Err(error) = log.make_durable(self.replacement.get_ref()) {
            tracing::error!(error = %ErrorChain(&error), "the dead letters were replaced, but a power cut could bring the old ones back; that is mended before anything else is written to them");
        }
        Ok(())
    }

    fn copy_appended(&mut self) -> Result<(), Error> {
        let log = Arc::clone(&self.log);
        let files = &log.files;
        let Some(mut file) = files.open_log()? else {
            return Ok(());
        };
        let failed = io("read", &files.log);
        let end = files::whole_lines(&mut file, &files.log)?;
        file.seek(SeekFrom::Start(self.letters.bytes))
            .map_err(&failed)?;
        let mut appended = BufReader::new(file.take(end.saturating_sub(self.letters.bytes)));
        let mut line = Vec::new();
        while appended.read_until(b'\n', &mut line).map_err(&failed)? > 0 {
            self.copy(&line)?;
            line.clear();
        }
        Ok(())
    }

    /// Keeps a line as it is, but for what it says of letters that are gone.
    fn copy(&mut self, line: &[u8]) -> Result<(), Error> {
        let mut fields_line = match LogLine::parse(line) {
            Ok(LogLine::Letter(letter)) => {
                self.kept.insert(letter.offset);
                return self.write(line);
            }
            Err(_) => return self.write(line), // reported by whoever looks at letters
            Ok(LogLine::Fields(fields_line)) => fields_line,
        };
        let (FieldsLine::Superseded(fields) | FieldsLine::Restored(fields)) = &mut fields_line;
        fields.letters.retain(|offset| self.kept.contains(offset));
        if fields.letters.is_empty() {
            return Ok(());
        }
        let mut line = Vec::new();
        fields_line
            .write(&mut line)
            .map_err(self.log.cannot_encode())?;
        self.write(&line)
    }

    fn write(&mut self, line: &[u8]) -> Result<(), Error> {
        self.replacement
            .write_all(line)
            .map_err(io("write", &self.log.files.replacement))
    }
}
