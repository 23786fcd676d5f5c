//! A page of the letters, or of those with one reason, each read where it stands in the log.

use std::os::unix::fs::FileExt;

use super::error::Error;
use super::files::io;
use super::letter::DeadLetter;
use super::log_line::LogLine;
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

/// A page of letters.
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
    pub fn page(&self, query: &LetterQuery<'_>) -> Result<Option<LetterPage>, Error> {
        let mut page = LetterPage::default();
        let mut places = Vec::new();
        let position = self.follower.position();
        let index = self.follower.index();
        let after = query.after.map(parse_id);
        let mut begun = after.is_none();
        for (letter, code) in index.letters() {
            if !begun {
                begun = after == Some(Some((letter.offset, letter.at)));
                continue;
            }
            if query.reason.is_some_and(|reason| reason != code) {
                continue;
            }
            let full = page.bytes >= query.bytes && !places.is_empty();
            if places.len() >= query.letters || full {
                page.more = true;
                break;
            }
            page.bytes += letter.length;
            places.push((letter.position, letter.length));
        }
        drop(index);
        if !begun {
            return Ok(None);
        }
        let path = &self.log.files.log;
        for (begins, length) in places {
            let mut line = vec![0; length];
            if let Some(file) = &position.file {
                file.read_exact_at(&mut line, begins)
                    .map_err(io("read", path))?;
            }
            match LogLine::parse(&line) {
                Ok(LogLine::Letter(letter)) => page.letters.push(letter),
                Ok(LogLine::Fields(_)) => {}
                Err(error) => return Err(io("read", path)(error.into())),
            }
        }
        Ok(Some(page))
    }
}

/// Offset and time of an id, as [`DeadLetter::id`] makes it.
fn parse_id(id: &str) -> Option<(u64, u64)> {
    let (offset, at) = id.split_once('-')?;
    Some((offset.parse().ok()?, at.parse().ok()?))
}
