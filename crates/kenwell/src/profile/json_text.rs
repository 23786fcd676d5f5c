//! JSON text as JavaScript writes it: no spaces, few escapes, keys in one order.
//!
//! The text of an object has its keys sorted: array indices first, by their number, then all others
//! by their bytes. The writer copies members in the order they come and remembers, for each object
//! that came unsorted, where its members lie; one final pass puts them right. So every byte is copied
//! at most twice, however deep the nesting.

use std::cmp::Ordering;
use std::ops::Range;

use kenwell_json::{Kind, Reader, Text};

use super::Ignored;
use super::js::{self, NumberContext};
use super::limits::MAX_DEPTH;
use crate::json_order::{Reorder, order, slice};

/// Writes values as JSON text; its buffers are reused from value to value.
#[derive(Debug, Default)]
pub(super) struct JsonText {
    open: Vec<OpenContainer>,
    /// Decoded keys of the open objects.
    keys: Vec<u8>,
    /// Members of the open objects.
    members: Vec<Member>,
    /// Objects whose members must be put into another order.
    unsorted: Reorder,
    scratch: Vec<u8>,
}

/// An object or array that is being read.
#[derive(Debug)]
struct OpenContainer {
    is_object: bool,
    start: usize,
    first_member: usize,
    keys_start: usize,
    sorted: bool,
    empty: bool,
}

#[derive(Debug)]
struct Member {
    key: Range<usize>,
    text: Range<usize>,
    removed: bool,
}

impl JsonText {
    /// Appends the text of the value that comes next, as long as `out` does not get more than `most` bytes. `depth`
    /// containers are open around it; the string at position `removed` of the reader's input counts as absent.
    pub(super) fn write(
        &mut self,
        reader: &mut Reader<'_>,
        depth: usize,
        removed: Option<usize>,
        most: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Ignored> {
        self.open.clear();
        self.keys.clear();
        self.members.clear();
        self.unsorted.clear();
        let start = out.len();
        loop {
            self.value(reader, depth, removed, out)?;
            if out.len() > most {
                return Err(Ignored::TooLarge);
            }
            if !self.next(reader, out)? {
                break;
            }
        }
        self.unsorted.apply(start, out);
        Ok(())
    }

    /// Reads a scalar, or opens an object or array.
    fn value(
        &mut self,
        reader: &mut Reader<'_>,
        depth: usize,
        removed: Option<usize>,
        out: &mut Vec<u8>,
    ) -> Result<(), Ignored> {
        let kind = reader.kind()?;
        match kind {
            Kind::Object | Kind::Array => {
                if depth + self.open.len() >= MAX_DEPTH {
                    return Err(Ignored::TooDeep);
                }
                let is_object = kind == Kind::Object;
                self.open.push(OpenContainer {
                    is_object,
                    start: out.len(),
                    first_member: self.members.len(),
                    keys_start: self.keys.len(),
                    sorted: true,
                    empty: true,
                });
                if is_object {
                    reader.enter_object()?;
                    out.push(b'{');
                } else {
                    reader.enter_array()?;
                    out.push(b'[');
                }
            }
            Kind::String => {
                if removed == Some(reader.position()) {
                    self.remove();
                }
                let text = reader.string()?;
                self.string(text, out);
            }
            Kind::Number => js::push_number(reader.number()?, NumberContext::Json, out)?,
            Kind::True | Kind::False | Kind::Null => {
                reader.literal()?;
                out.extend_from_slice(match kind {
                    Kind::True => b"true",
                    Kind::False => b"false",
                    _ => b"null",
                });
            }
        }
        Ok(())
    }

    /// Behind a value or an opening bracket: closes what ends here; `false` when all is closed.
    fn next(&mut self, reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<bool, Ignored> {
        loop {
            let Some(open) = self.open.last_mut() else {
                return Ok(false);
            };
            let comma = !open.empty;
            if open.is_object {
                if comma && let Some(member) = self.members.last_mut() {
                    member.text.end = out.len();
                }
                if let Some(key) = reader.next_key()? {
                    open.empty = false;
                    if comma {
                        out.push(b',');
                    }
                    self.member(key, out);
                    return Ok(true);
                }
                out.push(b'}');
                self.close(out.len());
            } else {
                if reader.next_element()? {
                    open.empty = false;
                    if comma {
                        out.push(b',');
                    }
                    return Ok(true);
                }
                out.push(b']');
                self.open.pop();
            }
        }
    }

    /// Starts a member: its key, decoded for the order and escaped for the text.
    fn member(&mut self, key: Text<'_>, out: &mut Vec<u8>) {
        let key_start = self.keys.len();
        key.decode_into(&mut self.keys);
        let name = key_start..self.keys.len();
        let start = out.len();
        push_quoted(slice(&self.keys, &name), key.is_plain(), out);
        out.push(b':');
        if let Some(open) = self.open.last_mut()
            && open.sorted
            && let Some(before) = self.members.get(open.first_member..).and_then(<[_]>::last)
        {
            let before = slice(&self.keys, &before.key);
            open.sorted = order(before, slice(&self.keys, &name)) == Ordering::Less;
        }
        self.members.push(Member {
            key: name,
            text: start..start,
            removed: false,
        });
    }

    /// The value of the current member counts as absent.
    fn remove(&mut self) {
        if let Some(open) = self.open.last_mut().filter(|open| open.is_object) {
            open.sorted = false;
            if let Some(member) = self.members.last_mut() {
                member.removed = true;
            }
        }
    }

    fn string(&mut self, text: Text<'_>, out: &mut Vec<u8>) {
        if text.is_plain() {
            out.push(b'"');
            text.decode_into(out);
            out.push(b'"');
        } else {
            self.scratch.clear();
            text.decode_into(&mut self.scratch);
            push_quoted(&self.scratch, false, out);
        }
    }

    /// Closes the innermost object, whose text ends at `end`.
    fn close(&mut self, end: usize) {
        let Some(open) = self.open.pop() else {
            return;
        };
        if !open.sorted {
            let keys = &self.keys;
            let members = self
                .members
                .get_mut(open.first_member..)
                .unwrap_or_default();
            // Stable: of members with the same key the last one stays last, and wins.
            members.sort_by(|a, b| order(slice(keys, &a.key), slice(keys, &b.key)));
            self.unsorted.object(open.start..end);
            let mut rest = &*members;
            while let Some((member, after)) = rest.split_first() {
                let repeated = after
                    .first()
                    .is_some_and(|next| slice(keys, &next.key) == slice(keys, &member.key));
                if !repeated && !member.removed {
                    self.unsorted.member(member.text.clone());
                }
                rest = after;
            }
        }
        self.members.truncate(open.first_member);
        self.keys.truncate(open.keys_start);
    }

    /// Gives back what an unusually large value made it allocate.
    pub(super) fn shrink(&mut self, bytes: usize) {
        self.keys.shrink_to(bytes);
        self.scratch.shrink_to(bytes);
        self.open.shrink_to(bytes / size_of::<OpenContainer>());
        self.members.shrink_to(bytes / size_of::<Member>());
        self.unsorted.shrink(bytes);
    }
}

/// Appends a decoded string in quotes. `plain`: it is known to need no escape.
pub(super) fn push_quoted(text: &[u8], plain: bool, out: &mut Vec<u8>) {
    out.push(b'"');
    if plain {
        out.extend_from_slice(text);
    } else {
        for &byte in text {
            push_escaped(byte, out);
        }
    }
    out.push(b'"');
}

fn push_escaped(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0..0x20 => {
            let digit = |value: u8| {
                char::from_digit(u32::from(value), 16).map_or(b'0', |digit| digit as u8)
            };
            out.extend_from_slice(b"\\u00");
            out.extend([digit(byte >> 4), digit(byte & 15)]);
            return;
        }
        _ => {
            out.push(byte);
            return;
        }
    };
    out.extend([b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1 << 20;

    fn text(json: &str) -> String {
        let mut out = b"before".to_vec();
        JsonText::default()
            .write(&mut Reader::new(json.as_bytes()), 0, None, MOST, &mut out)
            .unwrap();
        String::from_utf8(out).unwrap().split_off(6)
    }

    #[test]
    fn writes_what_json_stringify_writes() {
        for (json, expected) in [
            (
                " [ 1.0 , -0 , -0.0, 1e21, null, NaN, true, [], {} ] ",
                "[1,0,0,1e+21,null,null,true,[],{}]",
            ),
            (
                r#"["\u0041\/\u00e9\u2028\u007f"]"#,
                "[\"A/\u{e9}\u{2028}\u{7f}\"]",
            ),
            (
                r#"["\"\\\b\f\n\r\t\u0000\u001f"]"#,
                r#"["\"\\\b\f\n\r\t\u0000\u001f"]"#,
            ),
            (r#"["\ud800\u0041"]"#, "[\"\u{fffd}A\"]"),
            ("9007199254740993", "9007199254740993"),
            (r#""a""#, r#""a""#),
        ] {
            assert_eq!(text(json), expected, "{json}");
        }
    }

    #[test]
    fn sorts_keys_at_every_level() {
        assert_eq!(text(r#"{"b":1,"a":2}"#), r#"{"a":2,"b":1}"#);
        assert_eq!(
            text(
                r#"[{"z":{"d":[{"y":1,"x":2}],"c":0},"a":[],"m":{"k":{},"j":{"2":1,"1":2}}},{"b":1,"a":1}]"#
            ),
            r#"[{"a":[],"m":{"j":{"1":2,"2":1},"k":{}},"z":{"c":0,"d":[{"x":2,"y":1}]}},{"a":1,"b":1}]"#
        );
        assert_eq!(
            text(r#"{"b":1,"10":2,"01":3,"9":4,"4294967295":5,"4294967294":6,"":7,"-1":8}"#),
            r#"{"9":4,"10":2,"4294967294":6,"":7,"-1":8,"01":3,"4294967295":5,"b":1}"#
        );
        assert_eq!(
            text(r#"{"\u00e9":1,"a\"":2}"#),
            "{\"a\\\"\":2,\"\u{e9}\":1}"
        );
    }

    #[test]
    fn of_repeated_keys_the_last_wins() {
        assert_eq!(text(r#"{"a":1,"a":2}"#), r#"{"a":2}"#);
        assert_eq!(
            text(r#"[{"a":{"x":1},"b":0,"\u0061":{"y":{"z":1,"z":2}},"b":null}]"#),
            r#"[{"a":{"y":{"z":2}},"b":null}]"#
        );
    }

    #[test]
    fn a_removed_member_is_gone_with_its_earlier_self() {
        let json = br#"{"a":{"t":"old","t":"x"},"b":1}"#;
        let at = json.windows(3).position(|three| three == b"\"x\"");
        let mut out = Vec::new();
        JsonText::default()
            .write(&mut Reader::new(json), 0, at, MOST, &mut out)
            .unwrap();
        assert_eq!(out, br#"{"a":{},"b":1}"#);
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let write = |json: String, around| {
            JsonText::default().write(
                &mut Reader::new(json.as_bytes()),
                around,
                None,
                MOST,
                &mut Vec::new(),
            )
        };
        assert_eq!(write(nested(MAX_DEPTH), 0), Ok(()));
        assert_eq!(write(nested(MAX_DEPTH), 1), Err(Ignored::TooDeep));
    }

    #[test]
    fn deep_and_unsorted_stays_linear() {
        let depth = MAX_DEPTH - 1;
        let json = format!("{}0{}", "{\"b\":".repeat(depth), ",\"a\":1}".repeat(depth));
        assert_eq!(
            text(&json),
            format!("{}0{}", "{\"a\":1,\"b\":".repeat(depth), "}".repeat(depth))
        );
    }
}
