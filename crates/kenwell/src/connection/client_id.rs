//! What identifies one of our connections at the server, so that the server can be told to forget it.

use crate::resp::{Command, Value};

/// What identifies a connection at the server: its number and its address as the server sees them.
/// Both together, because a restarted server counts from one again.
#[derive(Debug, Clone)]
pub(super) struct ClientId {
    id: String,
    addr: String,
}

impl ClientId {
    /// Reads the answer to `CLIENT INFO`.
    pub(super) fn read(answer: &Value) -> Option<Self> {
        let Value::BulkString(text) = answer else {
            return None;
        };
        Self::read_line(&String::from_utf8_lossy(text))
    }

    /// Reads a line as `CLIENT INFO` and `CLIENT LIST` give them.
    pub(super) fn read_line(text: &str) -> Option<Self> {
        let value = |name: &str| {
            let found = text.split(' ').find_map(|pair| pair.strip_prefix(name));
            found.map(str::to_owned)
        };
        let (id, addr) = value("id=").zip(value("addr="))?;
        Some(Self { id, addr })
    }

    /// The command that makes the server forget this connection.
    pub(super) fn kill(&self) -> Command {
        Command::new("CLIENT")
            .arg("KILL")
            .arg("ID")
            .arg(&self.id)
            .arg("ADDR")
            .arg(&self.addr)
            .take()
    }
}
