//! From any JSON to the text that JavaScript would write for it. Nothing recurses.
//!
//! Members are copied in the order they come. An object whose order JavaScript would change, because
//! it has keys that are numbers or come twice, is remembered and put right at the end.

use std::ops::Range;

use kenwell_json::{Kind, Number, Reader, SyntaxError};

use super::error::{JsonError, MAX_JSON_DEPTH};
use super::text::push_quoted;
use crate::json_order::{Reorder, array_index};

/// Up to this many members, keys are compared one by one.
const MAX_COMPARED: usize = 16;
/// Deeper values make room for themselves.
const USUAL_DEPTH: usize = 8;

/// An object or array that is being read.
struct OpenContainer {
    is_object: bool,
    start: usize,
    first_member: usize,
    empty: bool,
}

/// A member of an open object: its place in the text, and how long its quoted key is.
#[derive(Clone)]
struct Member {
    text: Range<usize>,
    key: usize,
}

struct Writer {
    out: String,
    open: Vec<OpenContainer>,
    members: Vec<Member>,
    unsorted: Reorder,
}

pub(super) fn write(json: &[u8]) -> Result<String, JsonError> {
    let mut reader = Reader::new(json);
    let mut writer = Writer {
        out: String::with_capacity(json.len()),
        open: Vec::with_capacity(USUAL_DEPTH),
        members: Vec::with_capacity(MAX_COMPARED),
        unsorted: Reorder::default(),
    };
    loop {
        writer.value(&mut reader)?;
        if !writer.next(&mut reader)? {
            break;
        }
    }
    reader.end()?;
    let mut text = writer.out.into_bytes();
    writer.unsorted.apply(0, &mut text);
    // Whole members changed their places, so it is still UTF-8 and this copies nothing.
    Ok(String::from_utf8(text)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

impl Writer {
    /// Reads a scalar, or opens an object or array.
    fn value(&mut self, reader: &mut Reader<'_>) -> Result<(), JsonError> {
        let kind = reader.kind()?;
        match kind {
            Kind::Object | Kind::Array => {
                if self.open.len() >= MAX_JSON_DEPTH {
                    return Err(JsonError::TooDeep);
                }
                let is_object = kind == Kind::Object;
                self.open.push(OpenContainer {
                    is_object,
                    start: self.out.len(),
                    first_member: self.members.len(),
                    empty: true,
                });
                if is_object {
                    reader.enter_object()?;
                    self.out.push('{');
                } else {
                    reader.enter_array()?;
                    self.out.push('[');
                }
            }
            Kind::String => push_quoted(reader.string()?, &mut self.out),
            Kind::Number => push_number(reader.number()?, &mut self.out),
            Kind::True | Kind::False | Kind::Null => {
                let offset = reader.position();
                reader.literal()?;
                // The reader is lenient with `NaN` and `Infinity`, and JavaScript is not.
                match reader.since(offset) {
                    b"true" => self.out.push_str("true"),
                    b"false" => self.out.push_str("false"),
                    b"null" => self.out.push_str("null"),
                    _ => {
                        let expected = "a value";
                        return Err(SyntaxError { offset, expected }.into());
                    }
                }
            }
        }
        Ok(())
    }

    /// Behind a value or an opening bracket: closes what ends here; `false` when all is closed.
    fn next(&mut self, reader: &mut Reader<'_>) -> Result<bool, JsonError> {
        loop {
            let Some(open) = self.open.last_mut() else {
                return Ok(false);
            };
            let comma = !std::mem::take(&mut open.empty);
            if open.is_object {
                if comma && let Some(member) = self.members.last_mut() {
                    member.text.end = self.out.len();
                }
                if let Some(key) = reader.next_key()? {
                    if comma {
                        self.out.push(',');
                    }
                    let start = self.out.len();
                    push_quoted(key, &mut self.out);
                    self.members.push(Member {
                        text: start..start,
                        key: self.out.len() - start,
                    });
                    self.out.push(':');
                    return Ok(true);
                }
                self.out.push('}');
                self.close();
            } else {
                if reader.next_element()? {
                    if comma {
                        self.out.push(',');
                    }
                    return Ok(true);
                }
                self.out.push(']');
                self.open.pop();
            }
        }
    }

    /// Closes the innermost object, and notes it when JavaScript has another order for its members.
    fn close(&mut self) {
        let Some(open) = self.open.pop() else {
            return;
        };
        let out = self.out.as_bytes();
        let members = self.members.get(open.first_member..).unwrap_or_default();
        let numbered = |member: &Member| array_index(member.key_in(out));
        if !repeats(members, out) && members.iter().all(|member| numbered(member).is_none()) {
            self.members.truncate(open.first_member);
            return;
        }
        let key = |index: usize| members.get(index).map(|member| member.key_in(out));
        let mut by_key: Vec<usize> = (0..members.len()).collect();
        by_key.sort_by_key(|&index| key(index));
        // Of each key: where it first stood, and what it last was. The sort was stable.
        let mut order: Vec<(Option<u32>, usize, &Member)> = by_key
            .chunk_by(|&a, &b| key(a) == key(b))
            .filter_map(|group| {
                let (first, last) = (*group.first()?, members.get(*group.last()?)?);
                Some((numbered(last), first, last))
            })
            .collect();
        order.sort_by_key(|(number, first, _)| (number.is_none(), *number, *first));
        self.unsorted.object(open.start..self.out.len());
        for (_, _, member) in order {
            self.unsorted.member(member.text.clone());
        }
        self.members.truncate(open.first_member);
    }
}

impl Member {
    /// Its key as it stands in the text, without the quotes.
    fn key_in<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let (start, length) = (self.text.start, self.key);
        text.get(start + 1..start + length - 1).unwrap_or_default()
    }
}

/// Whether two members have the same key.
fn repeats(members: &[Member], text: &[u8]) -> bool {
    if members.len() > MAX_COMPARED {
        let mut keys: Vec<&[u8]> = members.iter().map(|member| member.key_in(text)).collect();
        keys.sort_unstable();
        return keys.windows(2).any(|pair| matches!(pair, [a, b] if a == b));
    }
    let mut rest = members;
    while let Some((last, before)) = rest.split_last() {
        if before
            .iter()
            .any(|member| member.key_in(text) == last.key_in(text))
        {
            return true;
        }
        rest = before;
    }
    false
}

/// Integers keep their digits; everything else has ECMAScript's text.
fn push_number(number: Number<'_>, out: &mut String) {
    if number.is_integer() {
        let digits = str::from_utf8(number.raw()).unwrap_or_default();
        out.push_str(if digits == "-0" { "0" } else { digits });
        return;
    }
    let value = number.to_f64();
    if value.is_finite() {
        out.push_str(ryu_js::Buffer::new().format_finite(value));
    } else {
        out.push_str("null");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> String {
        write(json.as_bytes()).unwrap()
    }

    /// What Node 20 gave for `JSON.stringify(JSON.parse(…))`.
    #[test]
    fn it_writes_what_javascript_writes() {
        for (json, expected) in [
            (
                " [ 1.0 , -0 , -0.0, 1e21, 1e-7, 0.1, 1e400, true, [ ], { } ] ",
                "[1,0,0,1e+21,1e-7,0.1,null,true,[],{}]",
            ),
            (
                r#"{"b":1,"10":2,"01":3,"9":4,"4294967295":5,"4294967294":6,"":7,"-1":8}"#,
                r#"{"9":4,"10":2,"4294967294":6,"b":1,"01":3,"4294967295":5,"":7,"-1":8}"#,
            ),
            (
                r#"{"a":1,"b":2,"a":{"2":1,"1":2},"__proto__":3}"#,
                r#"{"a":{"1":2,"2":1},"b":2,"__proto__":3}"#,
            ),
            (r#"{"\u0061":1,"a":2}"#, r#"{"a":2}"#),
            (
                r#"["\ud83d","\ud83d\ude00","\ude00\ud83d","\uD83D\n"]"#,
                "[\"\\ud83d\",\"\u{1f600}\",\"\\ude00\\ud83d\",\"\\ud83d\\n\"]",
            ),
            (
                r#""\u0041\/\u00e9\u2028\u007f\"\\\b\f\n\r\t\u0000\u001f\u0022\u005c""#,
                "\"A/\u{e9}\u{2028}\u{7f}\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\\\"\\\\\"",
            ),
            ("null", "null"),
        ] {
            assert_eq!(text(json), expected, "{json}");
        }
        assert_eq!(write(b"\"a\xff\"").unwrap(), "\"a\u{fffd}\"");
    }

    #[test]
    fn large_objects_are_no_exception() {
        let members: Vec<String> = (0..100).map(|n| format!("\"k{n}\":{n}")).collect();
        let plain = format!("{{{}}}", members.join(","));
        assert_eq!(text(&plain), plain);
        let repeated = plain.replace("\"k99\":99", "\"k0\":99");
        let expected = plain
            .replace(",\"k99\":99", "")
            .replace("\"k0\":0", "\"k0\":99");
        assert_eq!(text(&repeated), expected);
    }

    #[test]
    fn integers_keep_their_digits() {
        let digits = "[9007199254740993,123456789012345678901234567890]";
        assert_eq!(text(digits), digits);
    }

    #[test]
    fn what_javascript_refuses_is_refused() {
        for json in [
            "",
            "NaN",
            "[Infinity]",
            "[-Infinity]",
            "[1,]",
            "{\"a\":}",
            "01",
            "\u{feff}1",
            "1 2",
            "{a:1}",
            "nulls",
            "\"\n\"",
        ] {
            assert!(write(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn depth_is_bounded_and_order_is_put_right_at_every_level() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(text(&nested(MAX_JSON_DEPTH)), nested(MAX_JSON_DEPTH));
        let deeper = write(nested(MAX_JSON_DEPTH + 1).as_bytes());
        assert!(matches!(deeper, Err(JsonError::TooDeep)));
        let depth = MAX_JSON_DEPTH - 1;
        let json = format!("{}0{}", "{\"b\":".repeat(depth), ",\"1\":2}".repeat(depth));
        let sorted = format!("{}0{}", "{\"1\":2,\"b\":".repeat(depth), "}".repeat(depth));
        assert_eq!(text(&json), sorted);
    }
}
