//! Commands as they go over the wire, one after the other in one piece of memory.

use super::spare_buffers::SPARE;
use crate::resp::{Command, Pipeline, push_argument, push_number};

/// What ends the last argument of a command.
const END: &[u8] = b"\r\n";

/// Commands, encoded as they are added.
#[derive(Debug, Default, Clone)]
pub(crate) struct CommandBuffer {
    bytes: Vec<u8>,
    /// Where each command ends.
    ends: Vec<usize>,
    /// Whether one of them may answer with more than a status or a number.
    answers_more: bool,
}

impl CommandBuffer {
    /// Room for so many commands, and for this many bytes of them.
    pub(crate) fn with_capacity(commands: usize, bytes: usize) -> Self {
        Self {
            bytes: SPARE.take(bytes),
            ends: Vec::with_capacity(commands),
            answers_more: false,
        }
    }

    /// How many commands there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Adds an `HSET` with these fields, of which there are `count`.
    pub(crate) fn add_hset<'a>(
        &mut self,
        key: &[u8],
        count: usize,
        fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) {
        self.begin_hset(count);
        push_argument(key, &mut self.bytes);
        for (name, value) in fields {
            push_argument(name, &mut self.bytes);
            push_argument(value, &mut self.bytes);
        }
        self.end_command();
    }

    /// Adds an `HSET` of `count` fields, of which the key and these are encoded as
    /// [`push_argument`] does.
    pub(crate) fn add_encoded_hset(&mut self, count: usize, arguments: &[u8]) {
        self.begin_hset(count);
        self.bytes.extend_from_slice(arguments);
        self.end_command();
    }

    fn begin_hset(&mut self, count: usize) {
        push_number(b'*', 2 + 2 * count, &mut self.bytes);
        self.bytes.extend_from_slice(b"\r\n$4\r\nHSET");
    }

    fn end_command(&mut self) {
        self.bytes.extend_from_slice(END);
        self.ends.push(self.bytes.len());
    }

    /// Adds any command.
    pub(crate) fn add_command(&mut self, command: &Command) {
        command.write_to(&mut self.bytes);
        self.ends.push(self.bytes.len());
        self.answers_more = true;
    }

    /// Adds a command of these arguments, its name first.
    pub(crate) fn add_arguments(&mut self, arguments: &[&[u8]]) {
        let bytes = &mut self.bytes;
        push_number(b'*', arguments.len(), bytes);
        for argument in arguments {
            push_argument(argument, bytes);
        }
        bytes.extend_from_slice(b"\r\n");
        self.ends.push(self.bytes.len());
        self.answers_more = true;
    }

    /// Adds a command of another buffer, as [`commands`](Self::commands) gave it.
    pub(crate) fn add_encoded(&mut self, command: &[u8]) {
        self.bytes.extend_from_slice(command);
        self.ends.push(self.bytes.len());
        self.answers_more = true;
    }

    /// The bytes of the largest command.
    pub(super) fn largest(&self) -> usize {
        self.commands().map(<[u8]>::len).max().unwrap_or(0)
    }

    /// The commands, encoded.
    pub(crate) fn commands(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let command = self.bytes.get(start..end).unwrap_or_default();
            start = end;
            command
        })
    }

    /// Whether no command answers with more than a status or a number.
    pub(super) fn has_short_replies(&self) -> bool {
        !self.answers_more
    }

    /// All commands, encoded.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All commands, encoded.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl From<&Pipeline> for CommandBuffer {
    fn from(pipeline: &Pipeline) -> Self {
        pipeline.commands().collect()
    }
}

impl<'a> FromIterator<&'a Command> for CommandBuffer {
    fn from_iter<I: IntoIterator<Item = &'a Command>>(commands: I) -> Self {
        let mut buffer = Self::default();
        for command in commands {
            buffer.add_command(command);
        }
        buffer
    }
}

/// The key of an encoded command: its first argument. A script has its text and the number of keys before it.
pub(crate) fn key_of(command: &[u8]) -> &[u8] {
    let mut arguments = arguments_of(command);
    let place = match arguments.next() {
        Some(b"EVAL" | b"EVALSHA") => 2,
        _ => 0,
    };
    arguments.nth(place).unwrap_or_default()
}

/// The arguments of an encoded command, its name first.
pub(crate) fn arguments_of(command: &[u8]) -> impl Iterator<Item = &[u8]> {
    let head = command.iter().position(|&byte| byte == b'\n');
    let mut rest = head
        .and_then(|end| command.get(end + 1..))
        .unwrap_or_default();
    std::iter::from_fn(move || {
        let (argument, after) = split_argument(rest)?;
        rest = after;
        Some(argument)
    })
}

/// The first of encoded arguments, and those behind it.
fn split_argument(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = bytes.iter().position(|&byte| byte == b'\r')?;
    let length: usize = std::str::from_utf8(bytes.get(1..line)?)
        .ok()?
        .parse()
        .ok()?;
    let (argument, after) = bytes.get(line + 2..)?.split_at_checked(length)?;
    Some((argument, after.get(2..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hset_is_encoded_as_the_client_library_encodes_it() {
        for length in [0, 1, 9, 10, 99, 100, 999, 1_000, 65_536, 1_234_567] {
            let value = vec![b'v'; length];
            let fields = [(&b"name"[..], &value[..]), (b"", b"\r\n$3")];
            let mut buffer = CommandBuffer::default();
            buffer.add_hset(b"user:1", 2, fields.into_iter());
            let mut arguments = Vec::new();
            for argument in [
                b"user:1",
                fields[0].0,
                fields[0].1,
                fields[1].0,
                fields[1].1,
            ] {
                push_argument(argument, &mut arguments);
            }
            let mut of_arguments = CommandBuffer::default();
            of_arguments.add_encoded_hset(2, &arguments);
            assert!(of_arguments.into_bytes() == buffer.clone().into_bytes());
            let mut command = Command::new("HSET");
            command.arg(b"user:1");
            for (name, value) in fields {
                command.arg(name).arg(value);
            }
            assert!(buffer.has_short_replies());
            assert!(buffer.clone().into_bytes() == command.encoded());
            buffer.add_command(&command);
            assert!(!buffer.has_short_replies());
            let commands: Vec<_> = buffer.commands().collect();
            assert!(commands.iter().all(|it| **it == command.encoded()));
            assert_eq!(commands.len(), buffer.len());
        }
    }

    #[test]
    fn keys_are_found_in_encoded_commands() {
        let long = vec![b'k'; 300];
        let mut pipeline = Pipeline::new();
        pipeline.cmd("HSET").arg(&long).arg("f").arg("v");
        pipeline
            .cmd("EVAL")
            .arg("return 1")
            .arg(1)
            .arg("key")
            .arg("x");
        pipeline
            .cmd("EVALSHA")
            .arg("0a")
            .arg(2)
            .arg("\r\n$9")
            .arg("x");
        pipeline.cmd("GET").arg("");
        pipeline.cmd("PING");
        let buffer = CommandBuffer::from(&pipeline);
        let keys: Vec<_> = buffer.commands().map(key_of).collect();
        assert_eq!(keys, [&long[..], b"key", b"\r\n$9", b"", b""]);
    }
}
