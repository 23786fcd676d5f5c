//! Which limit of Redis an update has met, when the server closes the connection over it without a word.

use std::fmt;

use redis::{Pipeline, Value};

use super::ProfileUpdate;
use crate::connection::Connection;

/// The most bytes of one name or value; default 512 MiB.
const VALUE: &str = "proto-max-bulk-len";
/// The most bytes of a client that wait to be understood, which a whole command may be; default 1 GiB.
const COMMAND: &str = "client-query-buffer-limit";

/// The limit of a server that an update exceeds, over which it closes the connection. As text it names the setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exceeded {
    /// A name or value is larger than `proto-max-bulk-len`.
    Value,
    /// The whole update is larger than `client-query-buffer-limit`.
    Command,
    /// Both.
    Both,
    /// Neither of them.
    Neither,
    /// The server does not tell what they are.
    Unknown,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value => write!(formatter, "a value is larger than its `{VALUE}`"),
            Self::Command => write!(formatter, "all of it is larger than its `{COMMAND}`"),
            Self::Both => write!(
                formatter,
                "a value is larger than its `{VALUE}`, and all of it than its `{COMMAND}`"
            ),
            Self::Neither => write!(
                formatter,
                "neither its `{VALUE}` nor its `{COMMAND}` is in the way, so perhaps something between here and there is"
            ),
            Self::Unknown => write!(
                formatter,
                "perhaps a value is larger than its `{VALUE}`, or all of it than its `{COMMAND}`, which it does not tell"
            ),
        }
    }
}

impl Exceeded {
    /// Asks the server that has the update's key.
    pub(super) async fn by(update: &ProfileUpdate, connection: &Connection) -> Self {
        let sizes = update
            .fields()
            .map(|(name, value)| name.len().max(value.len()));
        let largest = sizes.max().unwrap_or(0);
        match limits(connection, update).await {
            [Some(value), Some(command)] => Self::of([largest, update.bytes()], [value, command]),
            _ => Self::Unknown,
        }
    }

    /// Sizes and limits of a single value, and of the whole.
    fn of(sizes: [usize; 2], limits: [u64; 2]) -> Self {
        let [largest, whole] = sizes.map(|size| u64::try_from(size).unwrap_or(u64::MAX));
        let [value, command] = limits;
        // Some relatives of Redis say 0 where there is no limit.
        match (largest > value, command > 0 && whole > command) {
            (true, false) => Self::Value,
            (false, true) => Self::Command,
            (true, true) => Self::Both,
            (false, false) => Self::Neither,
        }
    }
}

/// Both, as far as the server tells them.
async fn limits(connection: &Connection, update: &ProfileUpdate) -> [Option<u64>; 2] {
    let mut question = Pipeline::new();
    for name in [VALUE, COMMAND] {
        question.cmd("CONFIG").arg("GET").arg(name);
    }
    let asked = connection.send_to_holder(update.key(), "CONFIG", &question);
    let mut replies = asked.await.unwrap_or_default().into_iter();
    [replies.next(), replies.next()].map(|reply| number(&reply?.ok()?))
}

/// The value of the one setting in a reply to `CONFIG GET`.
fn number(reply: &Value) -> Option<u64> {
    let value = match reply {
        Value::Array(pair) => pair.get(1)?,
        Value::Map(pairs) => &pairs.first()?.1,
        _ => return None,
    };
    match value {
        Value::BulkString(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        Value::SimpleString(text) => text.parse().ok(),
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exceeded_is_named_and_nothing_else() {
        for (sizes, limits, exceeded, named) in [
            ([10, 30], [9, 40], Exceeded::Value, [true, false]),
            ([10, 30], [20, 29], Exceeded::Command, [false, true]),
            ([10, 30], [9, 29], Exceeded::Both, [true, true]),
            ([10, 30], [10, 30], Exceeded::Neither, [true, true]),
            ([10, 30], [10, 0], Exceeded::Neither, [true, true]),
        ] {
            let found = Exceeded::of(sizes, limits);
            assert_eq!(found, exceeded, "{sizes:?} of {limits:?}");
            let said = found.to_string();
            assert_eq!(
                [said.contains(VALUE), said.contains(COMMAND)],
                named,
                "{said}"
            );
        }
    }
}
