//! Showing some of the letters: those of one reason, a page at a time, read where they stand.

use std::os::unix::fs::FileExt;

use super::error::Error;
use super::files::io;
use super::letter::DeadLetter;
use super::line::Line;
use super::outstanding::OutstandingLetters;

/// Which letters are to be shown.
#[derive(Debug)]
pub struct LetterQuery<'a> {
    /// Only those with this code; all when it is missing.
    pub reason: Option<&'a str>,
    /// Only those behind the one with this id.
    pub after: Option<&'a str>,
    /// How many at most.
    pub letters: usize,
    /// Bytes of lines after which the page ends, whatever its count; one letter is shown in any case.
    pub bytes: usize,
}

/// The letters that were found.
#[derive(Debug, Default)]
pub struct LetterPage {
    /// Oldest first.
    pub letters: Vec<DeadLetter>,
    /// Bytes of their lines.
    pub bytes: usize,
    /// Whether there are more behind them.
    pub more: bool,
}

impl OutstandingLetters {
    /// Finds letters in memory, and reads only these from the log. `None` when the letter behind which to
    /// look is not there any more. Blocks on files.
    ///
    /// # Errors
    /// [`Error::Io`], also when somebody has changed the file by hand.
    pub fn page(&self, wanted: &LetterQuery<'_>) -> Result<Option<LetterPage>, Error> {
        let mut picked = LetterPage::default();
        let mut places = Vec::new();
        let (followed, index) = self.reading();
        let after = wanted.after.map(parse_id);
        let mut begun = after.is_none();
        for (entry, code) in index.entries() {
            if !begun {
                begun = after == Some(Some((entry.offset, entry.at)));
                continue;
            }
            if wanted.reason.is_some_and(|reason| reason != code) {
                continue;
            }
            let full = picked.bytes >= wanted.bytes && !places.is_empty();
            if places.len() >= wanted.letters || full {
                picked.more = true;
                break;
            }
            picked.bytes += entry.length;
            places.push((entry.position, entry.length));
        }
        drop(index);
        if !begun {
            return Ok(None);
        }
        let path = &self.log.files.log;
        for (position, length) in places {
            let mut line = vec![0; length];
            if let Some(file) = &followed.file {
                file.read_exact_at(&mut line, position)
                    .map_err(io("read", path))?;
            }
            match Line::parse(&line) {
                Ok(Line::Letter(letter)) => picked.letters.push(letter),
                Ok(Line::Superseded(_) | Line::Restored(_)) => {}
                Err(error) => return Err(io("read", path)(error.into())),
            }
        }
        Ok(Some(picked))
    }
}

/// Offset and time of an id, as [`DeadLetter::id`] makes it.
fn parse_id(id: &str) -> Option<(u64, u64)> {
    let (offset, at) = id.split_once('-')?;
    Some((offset.parse().ok()?, at.parse().ok()?))
}
