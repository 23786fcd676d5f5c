//! A line of the log: a letter, or what must not be written of earlier ones any more.

use serde::{Deserialize, Serialize};

use super::letter::DeadLetter;
use crate::object::object;

/// How lines begin that are no letters. Versions that do not know them keep them as they are.
const MARKS: [&[u8]; 2] = [b"{\"superseded\":", b"{\"restored\":"];

/// What stands in one line.
#[derive(Debug)]
pub(super) enum Line {
    /// A letter.
    Letter(DeadLetter),
    /// A newer event is about to be written: letters above lose what it sets.
    Superseded(SupersededFields),
    /// That event was refused itself: they get it back.
    Restored(SupersededFields),
}

/// What a newer event takes from letters: those above the line with these offsets, of the same key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SupersededFields {
    /// The offset of the newer event.
    pub(super) by: u64,
    /// The offsets of the letters.
    pub(super) letters: Vec<u64>,
    /// Names of fields. Each letter had all of them.
    pub(super) fields: Vec<String>,
}

/// The JSON of a line that is no letter.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Marked {
    Superseded(#[serde(deserialize_with = "object")] SupersededFields),
    Restored(#[serde(deserialize_with = "object")] SupersededFields),
}

impl Line {
    /// Reads a line, with or without its newline.
    pub(super) fn parse(line: &[u8]) -> Result<Self, serde_json::Error> {
        if !MARKS.iter().any(|mark| line.starts_with(mark)) {
            return DeadLetter::parse_line(line).map(Self::Letter);
        }
        Ok(match serde_json::from_slice(line)? {
            Marked::Superseded(overtaken) => Self::Superseded(overtaken),
            Marked::Restored(overtaken) => Self::Restored(overtaken),
        })
    }

    /// Appends the line, newline included.
    pub(super) fn write(self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let marked = match self {
            Self::Letter(letter) => return letter.write_line(out),
            Self::Superseded(overtaken) => Marked::Superseded(overtaken),
            Self::Restored(overtaken) => Marked::Restored(overtaken),
        };
        serde_json::to_writer(&mut *out, &marked)?;
        out.push(b'\n');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_no_letters_come_back() {
        let overtaken = SupersededFields {
            by: 12,
            letters: vec![7, 9],
            fields: vec!["a\n".into()],
        };
        let mut line = Vec::new();
        Line::Superseded(overtaken.clone())
            .write(&mut line)
            .unwrap();
        assert_eq!(
            String::from_utf8(line.clone()).unwrap(),
            "{\"superseded\":{\"by\":12,\"letters\":[7,9],\"fields\":[\"a\\n\"]}}\n"
        );
        assert!(matches!(Line::parse(&line), Ok(Line::Superseded(read)) if read == overtaken));
        assert!(
            DeadLetter::parse_line(&line).is_err(),
            "what older versions make of it"
        );
        line.clear();
        Line::Restored(overtaken.clone()).write(&mut line).unwrap();
        assert!(matches!(Line::parse(&line), Ok(Line::Restored(read)) if read == overtaken));
        for wrong in [
            "{}",
            "[]",
            "[1,\"d\",2,\"s\",\"k\",\"r\",3,\"e\"]",
            "{\"superseded\":[12,[7],[]]}",
        ] {
            assert!(Line::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
