//! From the bytes that a server sends to values, each no longer than its command can give.

use super::reply_limits::ReplyLimits;
use super::reply_scanner::{ReplyScanner, nothing_of_redis};
use crate::reply::Reply;
use crate::resp::Value;

/// The longest number that Redis writes, with its sign.
const DIGITS: usize = 20;

/// What a buffer keeps between replies, in bytes.
const KEPT_BYTES: usize = 64 * 1024;

/// Decodes replies in the order in which they come, cut anywhere.
#[derive(Default)]
pub(super) struct ReplyDecoder {
    scanner: ReplyScanner,
    /// The beginning of a reply of which the rest has not come yet.
    partial: Vec<u8>,
}

impl ReplyDecoder {
    /// Reads on, and hands over each reply that is complete; says what is wrong.
    pub(super) fn read(
        &mut self,
        mut bytes: &[u8],
        asked: &mut ReplyLimits,
        mut receive: impl FnMut(Value),
    ) -> Result<(), String> {
        while !bytes.is_empty() {
            if self.partial.is_empty()
                && let Some((value, rest)) = short_reply(bytes)
            {
                asked.expect_reply()?;
                receive(value);
                bytes = rest;
                continue;
            }
            let Some(end) = self.scanner.read(bytes, asked)? else {
                self.partial.extend_from_slice(bytes);
                return Ok(());
            };
            let (here, rest) = bytes.split_at_checked(end).unwrap_or((bytes, b""));
            let value = if self.partial.is_empty() {
                decode(here)
            } else {
                self.partial.extend_from_slice(here);
                let value = decode(&self.partial);
                self.partial.clear();
                self.partial.shrink_to(KEPT_BYTES);
                value
            };
            receive(value.ok_or_else(nothing_of_redis)?);
            bytes = rest;
        }
        Ok(())
    }
}

/// The reply that comes first, if it is one that writes are answered with: a number or `OK`. It is no longer than
/// any command may answer with.
fn short_reply(bytes: &[u8]) -> Option<(Value, &[u8])> {
    let Some(line) = bytes.strip_prefix(b":") else {
        let rest = bytes.strip_prefix(b"+OK\r\n")?;
        return Some((Value::Okay, rest));
    };
    let mut number: i64 = 0;
    for (place, byte) in line.iter().take(DIGITS - 2).enumerate() {
        match byte {
            b'0'..=b'9' => number = number * 10 + i64::from(byte - b'0'),
            b'\r' if place > 0 => {
                let rest = line.get(place + 1..)?.strip_prefix(b"\n")?;
                return Some((Value::Int(number), rest));
            }
            _ => return None,
        }
    }
    None
}

/// A reply of which the scanner found the end: its lists are not deep, and what they announce is there.
fn decode(mut bytes: &[u8]) -> Option<Value> {
    let value = take_value(&mut bytes)?;
    bytes.is_empty().then_some(value)
}

fn take_value(bytes: &mut &[u8]) -> Option<Value> {
    let (kind, line) = take_line(bytes)?;
    Some(match kind {
        b'+' if line == b"OK" => Value::Okay,
        b'+' => Value::SimpleString(String::from_utf8_lossy(line).into_owned()),
        b'-' => {
            let line = String::from_utf8_lossy(line);
            let (code, text) = line.split_once(' ').unwrap_or((&line, ""));
            Value::Error(Reply::new(code, text))
        }
        b':' => Value::Int(number(line)?),
        b'$' | b'*' => match (kind, usize::try_from(number(line)?)) {
            (_, Err(_negative)) => Value::Nil,
            (b'$', Ok(length)) => {
                let (value, rest) = bytes.split_at_checked(length)?;
                *bytes = rest.strip_prefix(b"\r\n")?;
                Value::BulkString(value.to_vec())
            }
            (_, Ok(count)) => {
                let mut values = Vec::with_capacity(count);
                for _item in 0..count {
                    values.push(take_value(bytes)?);
                }
                Value::Array(values)
            }
        },
        _ => return None,
    })
}

/// The kind of the value that comes first, and the rest of its line.
fn take_line<'a>(bytes: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (kind, after) = bytes.split_first()?;
    let mut from = 0;
    loop {
        let end = from + after.get(from..)?.iter().position(|&byte| byte == b'\r')?;
        if after.get(end + 1) == Some(&b'\n') {
            *bytes = after.get(end + 2..)?;
            return Some((*kind, after.get(..end)?));
        }
        from = end + 1;
    }
}

fn number(line: &[u8]) -> Option<i64> {
    std::str::from_utf8(line).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What answers decode to, however they are cut, and what the client library makes of them.
    fn decoded(answer: &[u8], count: u64) -> Result<Vec<Value>, String> {
        let decode = |size: usize| {
            let (mut asked, mut decoder) = (ReplyLimits::default(), ReplyDecoder::default());
            asked.sent_short(count);
            let mut values = Vec::new();
            let mut chunks = answer.chunks(size);
            let read = |chunk| decoder.read(chunk, &mut asked, |value| values.push(value));
            chunks.try_for_each(read).map(|()| values)
        };
        let values = decode(answer.len());
        for size in [1, 2, 3, 5] {
            assert_eq!(decode(size), values, "{size}");
        }
        values
    }

    /// Our value for one of the client library.
    fn same(value: redis::Value) -> Value {
        match value {
            redis::Value::Nil => Value::Nil,
            redis::Value::Int(number) => Value::Int(number),
            redis::Value::BulkString(bytes) => Value::BulkString(bytes),
            redis::Value::Array(values) => Value::Array(values.into_iter().map(same).collect()),
            redis::Value::SimpleString(text) => Value::SimpleString(text),
            redis::Value::Okay => Value::Okay,
            redis::Value::ServerError(error) => {
                let text = error.details().unwrap_or_default();
                Value::Error(Reply::new(error.code(), text))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn replies_decode_as_the_client_library_decodes_them() {
        for reply in [
            ":0\r\n",
            ":8\r\n",
            ":-1\r\n",
            ":9223372036854775807\r\n",
            ":-9223372036854775808\r\n",
            ":123456789012345678\r\n",
            "+OK\r\n",
            "+OKAY\r\n",
            "+\r\n",
            "+a\rb\r\r\n",
            "-ERR no\r\n",
            "-LOADING Redis is loading the dataset in memory\r\n",
            "-WRONGTYPE Operation against a key\r\n",
            "$3\r\n\r\n1\r\n",
            "$0\r\n\r\n",
            "$-1\r\n",
            "*-1\r\n",
            "*0\r\n",
            "*3\r\n*1\r\n*1\r\n*2\r\n$1\r\na\r\n:1\r\n*0\r\n-ERR in a list\r\n",
        ] {
            let value = same(redis::parse_redis_value(reply.as_bytes()).unwrap());
            let between = format!("{reply}:3\r\n{reply}");
            let expected = vec![value.clone(), Value::Int(3), value];
            assert_eq!(decoded(between.as_bytes(), 3), Ok(expected), "{reply:?}");
        }
    }

    #[test]
    fn what_redis_never_sends_is_refused() {
        for answer in [
            ":9223372036854775808\r\n",
            ":12345678901234567890123\r\n",
            ":\r\n",
            ":--1\r\n",
            "$1\r\nabc\r\n",
            "%1\r\n",
        ] {
            let error = decoded(answer.as_bytes(), 2).unwrap_err();
            assert!(error.contains("no reply of Redis"), "{answer:?}: {error}");
        }
        let error = decoded(b":1\r\n:2\r\n", 1).unwrap_err();
        assert!(error.contains("nobody had asked for"), "{error}");
        let error = decoded(b"+OK\r\n+OK\r\n", 1).unwrap_err();
        assert!(error.contains("nobody had asked for"), "{error}");
    }
}
