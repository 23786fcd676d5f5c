//! Replacing a destination's letters by those that remain, while others go on appending.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use super::error::Error;
use super::files::{self, io};
use super::letter::DeadLetter;
use super::letters::Letters;
use super::line::{Line, SupersededFields};
use super::log::Log;

/// Event bytes after which a batch ends, whatever its count: what a retry holds in memory.
const MAX_BATCH_BYTES: usize = 16 << 20;

/// A walk through the letters of a destination that ends with only the kept ones left.
///
/// Nothing changes before [`Rewrite::finish`]: dropped earlier, all letters stay. Letters appended
/// meanwhile stay in any case, behind the kept ones.
#[derive(Debug)]
pub struct Rewrite {
    log: Arc<Log>,
    letters: Letters,
    rest: BufWriter<File>,
    /// Offsets of the letters in `rest`: what concerns others only is dropped with them.
    kept: HashSet<u64>,
    _retry_lock: File,
}

/// Letters that lie one after the other in the log, with what stands between them.
#[derive(Debug, Default)]
pub struct LetterBatch {
    pieces: Vec<Piece>,
}

/// One line, as it was read.
#[derive(Debug)]
enum Piece {
    /// A letter, and where its line begins.
    Letter(u64, DeadLetter),
    /// Anything else.
    Other(Vec<u8>),
}

impl LetterBatch {
    /// Whether the end was reached.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The letters, oldest first, each with the place in the log where its line begins.
    pub fn letters(&self) -> impl Iterator<Item = (u64, &DeadLetter)> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Letter(position, letter) => Some((*position, letter)),
            Piece::Other(_) => None,
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
        let rest = kenwell_journal::files::make_anew(&log.files.rest);
        let rest = rest.map_err(io("make", &log.files.rest))?;
        Ok(Self {
            log,
            letters,
            rest: BufWriter::new(rest),
            kept: HashSet::new(),
            _retry_lock: retry_lock,
        })
    }

    /// The next lines, oldest first, with at most `count` letters; none at the end.
    pub fn next(&mut self, count: usize) -> Result<LetterBatch, Error> {
        let mut pieces = Vec::new();
        let (mut letters, mut bytes) = (0, 0);
        while letters < count && bytes < MAX_BATCH_BYTES {
            let Some((position, line)) = self.letters.next_line()? else {
                break;
            };
            bytes += line.len();
            match self.letters.parse(&line) {
                Ok(Line::Letter(letter)) => {
                    letters += 1;
                    pieces.push(Piece::Letter(position, letter));
                }
                Ok(_) => pieces.push(Piece::Other(line)),
                Err(error) => {
                    tracing::error!(%error, "a line of the dead letters cannot be read; it is kept");
                    pieces.push(Piece::Other(line));
                }
            }
        }
        Ok(LetterBatch { pieces })
    }

    /// Keeps of a batch what `rest` makes of each letter, in order; lines that are no letters stay where
    /// they are, as long as they concern a letter that does.
    pub fn keep(
        &mut self,
        batch: LetterBatch,
        mut rest: impl FnMut(DeadLetter) -> Option<DeadLetter>,
    ) -> Result<(), Error> {
        for piece in batch.pieces {
            match piece {
                Piece::Other(line) => self.copy(&line)?,
                Piece::Letter(_, letter) => {
                    if let Some(letter) = rest(letter) {
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
            let rest = self.rest.get_ref();
            if let Err(error) = self.log.files.disk.cut(rest, 0) {
                let path = self.log.files.rest.display();
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
        self.rest
            .flush()
            .and_then(|()| files.disk.sync(self.rest.get_ref()))
            .map_err(io("write", &files.rest))?;
        files
            .disk
            .replace(&files.rest, &files.log)
            .map_err(io("replace", &files.log))?;
        if let Err(error) = log.make_durable(self.rest.get_ref()) {
            tracing::error!(%error, "the dead letters were replaced, but a power cut could bring the old ones back; that is mended before anything else is written to them");
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
        let make: fn(SupersededFields) -> Line;
        let mut overtaken = match Line::parse(line) {
            Ok(Line::Letter(letter)) => {
                self.kept.insert(letter.offset);
                return self.write(line);
            }
            Err(_) => return self.write(line), // reported by whoever looks at letters
            Ok(Line::Superseded(overtaken)) => {
                make = Line::Superseded;
                overtaken
            }
            Ok(Line::Restored(overtaken)) => {
                make = Line::Restored;
                overtaken
            }
        };
        let kept = |offset: &u64| self.kept.contains(offset);
        overtaken.letters.retain(kept);
        if overtaken.letters.is_empty() {
            return Ok(());
        }
        let mut line = Vec::new();
        make(overtaken)
            .write(&mut line)
            .map_err(self.log.cannot_encode())?;
        self.write(&line)
    }

    fn write(&mut self, line: &[u8]) -> Result<(), Error> {
        self.rest
            .write_all(line)
            .map_err(io("write", &self.log.files.rest))
    }
}
