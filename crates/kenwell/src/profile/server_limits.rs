//! Asks a server for its limits, to tell which of them an update exceeds.

use super::ProfileUpdate;
use crate::connection::Connection;
use crate::exceeded::{COMMAND, Exceeded, VALUE};
use crate::resp::{Pipeline, Value};

/// Which limit the update exceeds at the server that has its key.
pub(super) async fn exceeded_by(update: &ProfileUpdate, connection: &Connection) -> Exceeded {
    let sizes = update
        .fields()
        .map(|(name, value)| name.len().max(value.len()));
    let largest = match update.merging() {
        // The whole document may go as one value.
        Some(_) => update.bytes(),
        None => sizes.max().unwrap_or(0),
    };
    match limits(connection, update).await {
        [Some(value), Some(command)] => Exceeded::of([largest, update.bytes()], [value, command]),
        _ => Exceeded::Unknown,
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
        _ => return None,
    };
    match value {
        Value::BulkString(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        Value::SimpleString(text) => text.parse().ok(),
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}
