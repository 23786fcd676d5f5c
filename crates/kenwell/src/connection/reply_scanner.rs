//! Reads along as replies come in, and says at once what is no reply of Redis or more than its command can give.

use super::reply_limits::{ITEM, ReplyLimits, SHORT};
/// Lists in lists; those of `CLUSTER SLOTS` are the deepest, with four.
const MAX_DEPTH: usize = 8;

/// How far the reply that is being read has come.
#[derive(Default)]
pub(super) struct ReplyScanner {
    part: ReplyPart,
    /// How many items each open list still lacks, the innermost last.
    lists: Vec<usize>,
    /// What the reply may still take.
    room: usize,
    /// What it could take in all, for the error.
    allowed: usize,
}

#[derive(Default, Clone, Copy)]
enum ReplyPart {
    /// The first byte of a reply or of an item.
    #[default]
    Kind,
    /// The rest of a line of this kind: its bytes so far, and the number in it.
    Line {
        kind: u8,
        bytes: usize,
        number: PartialNumber,
    },
    /// So many bytes of a value and its line end.
    Value(usize),
}

/// A number on its way: its digits so far.
#[derive(Default, Clone, Copy)]
struct PartialNumber {
    is_negative: bool,
    value: usize,
    digits: usize,
    /// Whether something else stands in it.
    is_spoilt: bool,
    /// Whether the line's carriage return has come.
    has_ended: bool,
}

impl ReplyScanner {
    /// Reads along to the end of a reply, and gives its place if it comes; says what is wrong.
    pub(super) fn read(
        &mut self,
        all: &[u8],
        asked: &mut ReplyLimits,
    ) -> Result<Option<usize>, String> {
        let mut bytes = all;
        while let Some((&byte, rest)) = bytes.split_first() {
            match &mut self.part {
                ReplyPart::Kind => {
                    self.begin(byte, asked)?;
                    bytes = rest;
                }
                ReplyPart::Value(left) => {
                    let here = bytes.len().min(*left);
                    *left -= here;
                    if *left == 0 {
                        self.complete();
                    }
                    bytes = bytes.get(here..).unwrap_or_default();
                }
                ReplyPart::Line {
                    kind,
                    bytes: length,
                    number,
                } => {
                    let kind = *kind;
                    *length += 1;
                    if *length > SHORT {
                        return Err(format!("it sent a line of more than {SHORT} bytes"));
                    }
                    bytes = rest;
                    if number.has_ended && byte == b'\n' {
                        let number = *number;
                        self.line(kind, number)?;
                    } else {
                        number.push(byte);
                        self.take(1)?;
                    }
                }
            }
            if self.is_between_replies() {
                return Ok(Some(all.len() - bytes.len()));
            }
        }
        Ok(None)
    }

    /// Whether the latest reply is complete.
    fn is_between_replies(&self) -> bool {
        matches!(self.part, ReplyPart::Kind) && self.lists.is_empty()
    }

    /// A reply or an item of one begins.
    fn begin(&mut self, kind: u8, asked: &mut ReplyLimits) -> Result<(), String> {
        if !matches!(kind, b'+' | b'-' | b':' | b'$' | b'*') {
            return Err(nothing_of_redis());
        }
        if self.lists.is_empty() {
            self.allowed = asked.expect_reply()?;
            self.room = self.allowed;
        } else {
            self.take(ITEM)?;
        }
        self.part = ReplyPart::Line {
            kind,
            bytes: 0,
            number: PartialNumber::default(),
        };
        Ok(())
    }

    /// A line is complete.
    fn line(&mut self, kind: u8, number: PartialNumber) -> Result<(), String> {
        let size = match kind {
            b'+' | b'-' => None,
            _ if number.is_spoilt || number.digits == 0 => return Err(nothing_of_redis()),
            b':' => None,
            // Nothing: a null.
            _ if number.is_negative => None,
            _ => Some(number.value),
        };
        match (kind, size) {
            (b'$', Some(length)) => {
                self.take(length)?;
                self.part = ReplyPart::Value(length.saturating_add(2));
            }
            (_, Some(count)) if count > 0 => {
                if self.lists.len() >= MAX_DEPTH {
                    return Err(format!("it sent lists in lists, {MAX_DEPTH} deep"));
                }
                if count.saturating_mul(ITEM) > self.room {
                    return Err(self.too_long());
                }
                self.lists.push(count);
                self.part = ReplyPart::Kind;
            }
            _ => self.complete(),
        }
        Ok(())
    }

    /// Something is complete, and with it perhaps the lists that it ends.
    fn complete(&mut self) {
        self.part = ReplyPart::Kind;
        while let Some(lacking) = self.lists.last_mut() {
            *lacking -= 1;
            if *lacking > 0 {
                return;
            }
            self.lists.pop();
        }
    }

    fn take(&mut self, bytes: usize) -> Result<(), String> {
        self.room = self
            .room
            .checked_sub(bytes)
            .ok_or_else(|| self.too_long())?;
        Ok(())
    }

    fn too_long(&self) -> String {
        format!(
            "it sent a reply of more than {} bytes, the most that this command can answer with",
            self.allowed
        )
    }
}

impl PartialNumber {
    fn push(&mut self, byte: u8) {
        self.has_ended = byte == b'\r';
        match byte {
            b'0'..=b'9' => {
                let digit = usize::from(byte - b'0');
                self.value = self.value.saturating_mul(10).saturating_add(digit);
                self.digits += 1;
            }
            b'-' if self.digits == 0 && !self.is_negative => self.is_negative = true,
            b'\r' => {}
            _ => self.is_spoilt = true,
        }
    }
}

/// What is wrong with something that is no reply at all.
pub(super) fn nothing_of_redis() -> String {
    "it sent something that is no reply of Redis".to_owned()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::connection::CommandBuffer;
    use crate::resp::Pipeline;

    /// What is wrong with an answer to this command, however it is cut.
    fn judged(command: &str, answer: &[u8]) -> Result<(), String> {
        let mut pipeline = Pipeline::new();
        for word in command.split(' ') {
            pipeline.cmd(word).arg("k");
        }
        let judge = |size: usize| {
            let (mut asked, mut replies) = (ReplyLimits::default(), ReplyScanner::default());
            asked.written(&CommandBuffer::from(&pipeline).into_bytes());
            let mut chunks = answer.chunks(size);
            chunks.try_for_each(|mut chunk| {
                while let Some(end) = replies.read(chunk, &mut asked)? {
                    chunk = &chunk[end..];
                }
                Ok::<_, String>(())
            })
        };
        let judgement = judge(answer.len());
        for size in [1, 3, 1000] {
            assert_eq!(judge(size), judgement, "{size}");
        }
        judgement
    }

    #[test]
    fn replies_of_redis_pass() {
        for answer in [
            "+OK\r\n",
            "+\r\n",
            "-ERR no\r\n",
            ":1\r\n:-1\r\n",
            "$3\r\n\r\n1\r\n",
            "$0\r\n\r\n$-1\r\n",
            "*-1\r\n*0\r\n+OK\r\n",
            "*2\r\n*1\r\n*1\r\n*2\r\n$1\r\na\r\n:1\r\n*0\r\n+OK\r\n",
            "+a\rb\r\r\n:1\r\n",
        ] {
            let judged = judged("SET SET SET", answer.as_bytes());
            assert_eq!(judged, Ok(()), "{answer:?}");
        }
        let mut value = format!("${}\r\n", 2_000_000).into_bytes();
        value.extend(vec![b'*'; 2_000_000]);
        value.extend(b"\r\n");
        assert_eq!(judged("GET", &value), Ok(()));
        let mut hash = "*20000\r\n".to_owned();
        for field in 0..20_000 {
            write!(hash, "$5\r\n{field:05}\r\n").unwrap();
        }
        assert_eq!(judged("HGETALL", hash.as_bytes()), Ok(()));
    }

    #[test]
    fn what_a_command_cannot_answer_with_is_refused_at_its_head() {
        for (command, answer, says) in [
            ("HSET", "$2000000000\r\n", "more than 65536"),
            ("HSET", "$65536\r\n", "more than 65536"),
            ("HSET", "*1000000000\r\n", "more than 65536"),
            ("HSET", "*99999999999999999999999\r\n", "more than 65536"),
            ("DEL", "*1025\r\n", "more than 65536"),
            ("INFO", "$16777217\r\n", "more than 16777216"),
            ("CLUSTER", "*262145\r\n", "more than 16777216"),
            ("HGETALL", "$2000000000\r\n", "more than 67108864"),
            ("HGETALL", "*2\r\n$1\r\na\r\n$67108864\r\n", "more than"),
            ("GET", "$2000000000\r\n", "more than 536936448"),
            ("GET HSET", "$1\r\na\r\n$65536\r\n", "more than 65536"),
            ("GET", "$1\r\na\r\n+OK\r\n", "nobody had asked for"),
        ] {
            let error = judged(command, answer.as_bytes()).unwrap_err();
            assert!(error.contains(says), "{answer:?}: {error}");
        }
    }

    #[test]
    fn what_never_ends_does() {
        let nested = "*1\r\n".repeat(9);
        let line = format!("-{}", "x".repeat(SHORT + 1));
        let number = format!(":{}", "1".repeat(SHORT + 1));
        let items = format!("*1000\r\n{}", "$60\r\n".to_owned() + &"x".repeat(60));
        assert_eq!(judged("HSET", items.as_bytes()), Ok(()));
        for (answer, says) in [
            (nested, "lists in lists"),
            (line, "line of more than 65536"),
            (number, "line of more than 65536"),
        ] {
            let error = judged("GET", answer.as_bytes()).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn what_is_no_reply_is_none() {
        for answer in [
            "HTTP/1.1 400 Bad Request\r\n",
            "\r\n",
            "%1\r\n",
            ">2\r\n",
            "$abc\r\n",
            "*\r\n",
            ":1.5\r\n",
            "$1\r\nabc\r\n",
            "*1\r\nx",
        ] {
            let error = judged("GET", answer.as_bytes()).unwrap_err();
            assert!(error.contains("no reply of Redis"), "{answer:?}: {error}");
        }
    }
}
