//! A line of the log: a letter, or fields that earlier letters must not write any more.

use serde::{Deserialize, Serialize};

use super::letter::DeadLetter;
use crate::object::object;

/// How lines begin that are no letters. Versions that do not know them keep them as they are.
const FIELDS_LINES: [&[u8]; 2] = [b"{\"superseded\":", b"{\"restored\":"];

/// A line of the log.
#[derive(Debug)]
pub(super) enum LogLine {
    /// A letter.
    Letter(DeadLetter),
    /// A newer event is about to be written: earlier letters lose the fields that it sets.
    Superseded(SupersededFields),
    /// That event was refused itself: the letters get the fields back.
    Restored(SupersededFields),
}

/// Fields that a newer event takes from earlier letters of the same key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SupersededFields {
    /// The offset of the newer event.
    pub(super) by: u64,
    /// The offsets of the letters, which stand above this line.
    pub(super) letters: Vec<u64>,
    /// Names of fields. Each letter had all of them.
    pub(super) fields: Vec<String>,
}

/// The JSON of a line that is no letter.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FieldsLine {
    Superseded(#[serde(deserialize_with = "object")] SupersededFields),
    Restored(#[serde(deserialize_with = "object")] SupersededFields),
}

impl LogLine {
    /// Reads a line, with or without its newline.
    pub(super) fn parse(line: &[u8]) -> Result<Self, serde_json::Error> {
        if !FIELDS_LINES
            .iter()
            .any(|beginning| line.starts_with(beginning))
        {
            return DeadLetter::parse_line(line).map(Self::Letter);
        }
        Ok(match serde_json::from_slice(line)? {
            FieldsLine::Superseded(superseded) => Self::Superseded(superseded),
            FieldsLine::Restored(superseded) => Self::Restored(superseded),
        })
    }

    /// Appends the line, newline included.
    pub(super) fn write(self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let fields_line = match self {
            Self::Letter(letter) => return letter.write_line(out),
            Self::Superseded(superseded) => FieldsLine::Superseded(superseded),
            Self::Restored(superseded) => FieldsLine::Restored(superseded),
        };
        serde_json::to_writer(&mut *out, &fields_line)?;
        out.push(b'\n');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_no_letters_come_back() {
        let superseded = SupersededFields {
            by: 12,
            letters: vec![7, 9],
            fields: vec!["a\n".into()],
        };
        let mut line = Vec::new();
        LogLine::Superseded(superseded.clone())
            .write(&mut line)
            .unwrap();
        assert_eq!(
            String::from_utf8(line.clone()).unwrap(),
            "{\"superseded\":{\"by\":12,\"letters\":[7,9],\"fields\":[\"a\\n\"]}}\n"
        );
        assert!(
            matches!(LogLine::parse(&line), Ok(LogLine::Superseded(read)) if read == superseded)
        );
        assert!(
            DeadLetter::parse_line(&line).is_err(),
            "what older versions make of it"
        );
        line.clear();
        LogLine::Restored(superseded.clone())
            .write(&mut line)
            .unwrap();
        assert!(matches!(LogLine::parse(&line), Ok(LogLine::Restored(read)) if read == superseded));
        for wrong in [
            "{}",
            "[]",
            "[1,\"d\",2,\"s\",\"k\",\"r\",3,\"e\"]",
            "{\"superseded\":[12,[7],[]]}",
        ] {
            assert!(LogLine::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
