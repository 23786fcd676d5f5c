//! What lies at a key: the fields of a hash, and how long Redis will keep it.

use std::time::Duration;

use crate::Error;
use crate::connection::Connection;
use crate::resp::{Command, Value};

/// Names and values of a profile's fields, in no particular order.
pub type StoredFields = Vec<(Vec<u8>, Vec<u8>)>;

/// What `HGETALL` answered.
pub(crate) fn stored_fields(reply: Value) -> Option<StoredFields> {
    let Value::Array(values) = reply else {
        return None;
    };
    let mut texts = values.into_iter().map(|value| match value {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    });
    let mut fields = Vec::with_capacity(texts.len() / 2);
    while let Some(name) = texts.next() {
        fields.push((name?, texts.next()??));
    }
    Some(fields)
}

/// How long Redis will keep a key; `None` when there is none, or when it never expires.
pub(crate) async fn key_expires_in(
    connection: &Connection,
    key: &[u8],
) -> Result<Option<Duration>, Error> {
    let command = Command::new("PTTL").arg(key).take();
    match connection.one("PTTL", command).await? {
        Value::Int(milliseconds) => Ok(u64::try_from(milliseconds).ok().map(Duration::from_millis)),
        _ => Err(connection.unexpected("PTTL")),
    }
}
