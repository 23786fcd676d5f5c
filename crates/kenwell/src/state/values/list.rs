//! A list that grows at its head and is cut at its end: one item more, whatever its length.

use super::expiry::{ValueType, add_expiry};
use super::presence::read;
use super::unrepeated::UnrepeatedCall;
use super::{check_ttl, refused};
use crate::connection::{CommandBuffer, Connection, Group};
use crate::resp::{Argument, Value};
use crate::state::Error;

/// Items to put at the head of a list.
pub struct Append<'a> {
    /// The list's key.
    pub key: &'a [u8],
    /// At least one; the last one becomes the head.
    pub items: &'a [&'a [u8]],
    /// How many items stay.
    pub size: usize,
    /// How long the list lives from now on; `None` and 0 leave its time as it is.
    pub ttl_seconds: Option<u64>,
}

/// Puts items at the head of a list, cuts the list, and sets its time to live, in one atomic step.
///
/// Never repeated: after a lost connection it is not known whether the item is there, and a second attempt could put it
/// there twice.
///
/// # Errors
///
/// [`Error::Uncertain`] when the connection broke.
pub async fn append(connection: &Connection, append: &Append<'_>) -> Result<(), Error> {
    let Append { key, items, .. } = append;
    let mut commands = CommandBuffer::default();
    commands.add_arguments(&[&[&b"LPUSH"[..], key][..], items].concat());
    append.size.saturating_sub(1).with_bytes(|last| {
        commands.add_arguments(&[b"LTRIM", key, b"0", last]);
    });
    if let Some(seconds) = check_ttl(0, key, append.ttl_seconds)? {
        add_expiry(&mut commands, key, ValueType::List, seconds);
    }
    let call = UnrepeatedCall {
        command: "LPUSH",
        group: Group::new(commands),
        keys: vec![*key],
    };
    let answer = call.send(connection).await?;
    if answer.replies.is_empty() {
        return Err(Error::Uncertain {
            source: connection.unexpected("LPUSH"),
        });
    }
    answer.changed(())
}

/// The items at the head of a list, at most `size`. Repeated once when the connection was lost.
pub async fn items(
    connection: &Connection,
    key: &[u8],
    size: usize,
) -> Result<Vec<Vec<u8>>, Error> {
    let mut commands = CommandBuffer::default();
    size.saturating_sub(1).with_bytes(|last| {
        commands.add_arguments(&[b"LRANGE", key, b"0", last]);
    });
    let mut answers = read(connection, "LRANGE", 1, commands).await?;
    refused(&answers, 1, |_| Some(key))?;
    let Some(Ok(Value::Array(items))) = answers.pop() else {
        return Err(connection.unexpected("LRANGE").into());
    };
    let items = items.into_iter().map(|item| match item {
        Value::BulkString(bytes) => Ok(bytes),
        _ => Err(connection.unexpected("LRANGE").into()),
    });
    items.collect()
}
