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
    /// Which fields earlier letters may write.
    Fields(FieldsLine),
}

/// A line about fields of earlier letters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FieldsLine {
    /// A newer event is about to be written: earlier letters lose the fields that it sets.
    Superseded(#[serde(deserialize_with = "object")] SupersededFields),
    /// That event was refused itself: the letters get the fields back.
    Restored(#[serde(deserialize_with = "object")] SupersededFields),
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

impl LogLine {
    /// Reads a line, with or without its newline.
    pub(super) fn parse(line: &[u8]) -> Result<Self, serde_json::Error> {
        if !FIELDS_LINES
            .iter()
            .any(|beginning| line.starts_with(beginning))
        {
            return DeadLetter::parse_line(line).map(Self::Letter);
        }
        serde_json::from_slice(line).map(Self::Fields)
    }
}

impl FieldsLine {
    /// Appends the line, newline included.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        serde_json::to_writer(&mut *out, self)?;
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
        FieldsLine::Superseded(superseded.clone())
            .write(&mut line)
            .unwrap();
        assert_eq!(
            String::from_utf8(line.clone()).unwrap(),
            "{\"superseded\":{\"by\":12,\"letters\":[7,9],\"fields\":[\"a\\n\"]}}\n"
        );
        assert!(
            matches!(LogLine::parse(&line), Ok(LogLine::Fields(FieldsLine::Superseded(read))) if read == superseded)
        );
        assert!(
            DeadLetter::parse_line(&line).is_err(),
            "what older versions make of it"
        );
        line.clear();
        FieldsLine::Restored(superseded.clone())
            .write(&mut line)
            .unwrap();
        assert!(
            matches!(LogLine::parse(&line), Ok(LogLine::Fields(FieldsLine::Restored(read))) if read == superseded)
        );
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
