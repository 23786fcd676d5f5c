//! Reading the letters of one destination, one after the other.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Take};
use std::path::PathBuf;

use super::error::Error;
use super::files::{self, Files, io};
use super::letter::DeadLetter;
use super::log_line::LogLine;

/// The letters that were there when it was made, oldest first, read as they are asked for.
///
/// A line that is no letter is an [`Error::Corrupt`]; the lines after it follow.
#[derive(Debug)]
pub struct LetterReader {
    path: PathBuf,
    lines: Option<BufReader<Take<File>>>,
    line: u64,
    /// Bytes of the lines read so far.
    read: u64,
    /// Bytes of whole lines when it was made.
    pub(super) bytes: u64,
}

impl LetterReader {
    /// Opens what is there. The caller holds the lock, so that no line is half-written.
    pub(super) fn open(files: &Files) -> Result<Self, Error> {
        let mut letters = Self {
            path: files.log.clone(),
            lines: None,
            line: 0,
            read: 0,
            bytes: 0,
        };
        if let Some(mut log) = files.open_log()? {
            letters.bytes = files::whole_lines(&mut log, &files.log)?;
            log.rewind().map_err(io("read", &files.log))?;
            letters.lines = Some(BufReader::new(log.take(letters.bytes)));
        }
        Ok(letters)
    }

    /// Where the next line begins, and its bytes, newline included; `None` at the end.
    pub(super) fn next_line(&mut self) -> Result<Option<(u64, Vec<u8>)>, Error> {
        let Some(lines) = &mut self.lines else {
            return Ok(None);
        };
        let mut line = Vec::new();
        let count = lines
            .read_until(b'\n', &mut line)
            .map_err(io("read", &self.path))?;
        let position = self.read;
        self.line += 1;
        self.read += count as u64;
        Ok((count > 0).then_some((position, line)))
    }

    /// Reads a line that [`LetterReader::next_line`] just returned.
    pub(super) fn parse(&self, line: &[u8]) -> Result<LogLine, Error> {
        LogLine::parse(line).map_err(|source| Error::Corrupt {
            path: self.path.clone(),
            line: self.line,
            source,
        })
    }
}

impl Iterator for LetterReader {
    type Item = Result<DeadLetter, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_line() {
                Ok(None) => return None,
                Ok(Some((_, line))) => match self.parse(&line) {
                    Ok(LogLine::Letter(letter)) => return Some(Ok(letter)),
                    Ok(LogLine::Fields(_)) => {}
                    Err(error) => return Some(Err(error)),
                },
                Err(error) => {
                    self.lines = None;
                    return Some(Err(error));
                }
            }
        }
    }
}
