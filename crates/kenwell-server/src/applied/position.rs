//! The place of a request's events in the journal, as a text that its sender keeps and shows to a read.

use std::{fmt, ops::Range, str::FromStr};

use http::HeaderName;
use kenwell_journal::Offset;

use super::journal_id::JournalId;

/// The header that carries a position.
pub const POSITION: HeaderName = HeaderName::from_static("kenwell-position");

/// The form that is written, and the only one that is read.
const VERSION: &str = "1";

/// Where the events of a request are. As text it is at most 60 characters of `[0-9a-f.]`, and says nothing secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Whose offsets they are.
    pub journal: JournalId,
    /// The request's events. Where they are not next to each other, those of others in between count as its own.
    pub events: Range<Offset>,
}

/// A text that is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "Kenwell-Position is not one that a gateway of this version gave: send it back as it came, or leave it out"
)]
pub struct NotAPosition;

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.events;
        write!(formatter, "{VERSION}.{}.{start}.{end}", self.journal)
    }
}

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let parts: Vec<&str> = text.splitn(5, '.').collect();
        let [VERSION, journal, start, end] = parts[..] else {
            return Err(NotAPosition);
        };
        let journal = JournalId::from_digits(journal).ok_or(NotAPosition)?;
        let events = offset(start)?..offset(end)?;
        if events.is_empty() {
            return Err(NotAPosition);
        }
        Ok(Self { journal, events })
    }
}

fn offset(text: &str) -> Result<Offset, NotAPosition> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_number);
    number.map(Offset).ok_or(NotAPosition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_was_written() {
        let text = "1.00000000000000ff.12.18446744073709551615";
        let position: Position = text.parse().unwrap();
        assert_eq!(position.events, Offset(12)..Offset(u64::MAX));
        assert_eq!(position.to_string(), text);
        let longest = Position {
            journal: JournalId::from_digits("ffffffffffffffff").unwrap(),
            events: Offset(u64::MAX - 1)..Offset(u64::MAX),
        };
        assert_eq!(longest.to_string().len(), 60);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "1",
            "2.00000000000000ff.1.2",
            "1.ff.1.2",
            "1.00000000000000ff.1",
            "1.00000000000000ff.2.2",
            "1.00000000000000ff.3.2",
            "1.00000000000000ff.+1.2",
            "1.00000000000000ff.-1.2",
            "1.00000000000000ff.1.18446744073709551616",
            "1.00000000000000ff.1.2.3",
            "1.+0000000000000ff.1.2",
            " 1.00000000000000ff.1.2",
        ] {
            assert_eq!(text.parse::<Position>(), Err(NotAPosition), "{text}");
        }
    }
}
