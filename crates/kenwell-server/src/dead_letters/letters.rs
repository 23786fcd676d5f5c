//! Going through the letters of one destination.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Take};
use std::path::PathBuf;

use super::error::Error;
use super::files::{self, Files, io};
use super::letter::DeadLetter;

/// The letters that were there when it was made, oldest first, read as they are asked for.
///
/// A line that is no letter is an [`Error::Corrupt`]; the lines after it follow.
#[derive(Debug)]
pub struct Letters {
    path: PathBuf,
    lines: Option<BufReader<Take<File>>>,
    line: u64,
    /// Bytes of whole lines when it was made.
    pub(super) bytes: u64,
}

impl Letters {
    /// Opens what is there. The caller holds the lock, so that no line is half-written.
    pub(super) fn open(files: &Files) -> Result<Self, Error> {
        let mut letters = Self {
            path: files.log.clone(),
            lines: None,
            line: 0,
            bytes: 0,
        };
        if let Some(mut log) = files.open_log()? {
            letters.bytes = files::whole_lines(&mut log, &files.log)?;
            log.rewind().map_err(io("read", &files.log))?;
            letters.lines = Some(BufReader::new(log.take(letters.bytes)));
        }
        Ok(letters)
    }

    /// The next line's bytes, newline included; `None` at the end.
    pub(super) fn next_line(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let Some(lines) = &mut self.lines else {
            return Ok(None);
        };
        let mut line = Vec::new();
        let count = lines
            .read_until(b'\n', &mut line)
            .map_err(io("read", &self.path))?;
        self.line += 1;
        Ok((count > 0).then_some(line))
    }

    /// Reads a line that [`Letters::next_line`] just returned.
    pub(super) fn parse(&self, line: &[u8]) -> Result<DeadLetter, Error> {
        DeadLetter::parse_line(line).map_err(|source| Error::Corrupt {
            path: self.path.clone(),
            line: self.line,
            source,
        })
    }
}

impl Iterator for Letters {
    type Item = Result<DeadLetter, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_line() {
            Ok(line) => line.map(|line| self.parse(&line)),
            Err(error) => {
                self.lines = None;
                Some(Err(error))
            }
        }
    }
}
