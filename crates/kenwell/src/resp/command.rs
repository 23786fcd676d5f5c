//! One command for Redis.

use super::argument::Argument;
use super::arguments::{push_argument, push_number};

/// A command, its arguments encoded as they are added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Command {
    arguments: Vec<u8>,
    /// How many there are, its name included.
    count: usize,
}

impl Command {
    /// A command of this name without arguments.
    pub(crate) fn new(name: &str) -> Self {
        let mut command = Self::default();
        command.arg(name);
        command
    }

    /// A command without a name yet, and room for so many bytes of its arguments.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self {
            arguments: Vec::with_capacity(bytes),
            count: 0,
        }
    }

    /// Adds an argument.
    pub(crate) fn arg(&mut self, argument: impl Argument) -> &mut Self {
        argument.with_bytes(|bytes| push_argument(bytes, &mut self.arguments));
        self.count += 1;
        self
    }

    /// Adds arguments.
    pub(crate) fn args<A: Argument>(
        &mut self,
        arguments: impl IntoIterator<Item = A>,
    ) -> &mut Self {
        for argument in arguments {
            self.arg(argument);
        }
        self
    }

    /// The command as it is by now; what is left has no arguments.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Adds it, encoded.
    pub(crate) fn write_to(&self, bytes: &mut Vec<u8>) {
        push_number(b'*', self.count, bytes);
        bytes.extend_from_slice(&self.arguments);
        bytes.extend_from_slice(b"\r\n");
    }

    /// Encoded.
    pub(crate) fn encoded(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.arguments.len() + 16);
        self.write_to(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_encoded_as_the_client_library_encodes_them() {
        for length in [0, 1, 9, 10, 99, 100, 999, 1_000, 65_536] {
            let value = vec![b'v'; length];
            let mut ours = Command::new("SET");
            ours.arg("key")
                .arg(&value)
                .arg("EX")
                .arg(u64::MAX)
                .arg(0_usize);
            ours.arg(i64::MIN).arg(-1).args([b"a", b"b"]);
            let mut theirs = redis::cmd("SET");
            theirs
                .arg("key")
                .arg(&value)
                .arg("EX")
                .arg(u64::MAX)
                .arg(0_usize);
            theirs.arg(i64::MIN).arg(-1).arg("a").arg("b");
            assert!(ours.encoded() == theirs.get_packed_command());
        }
    }
}
