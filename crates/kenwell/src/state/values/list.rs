//! A list that grows at its head and is cut at its end: one item more, whatever its length.

use super::compare::failed;
use super::presence::{read, refused};
use super::{check_ttl, failure};
use crate::connection::{Access, CommandBuffer, Connection, Group, SendOptions};
use crate::resp::{Argument, Value};
use crate::state::Error;

/// An item to put at the head of a list.
pub(crate) struct Append<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) item: &'a [u8],
    /// How many items stay.
    pub(crate) size: usize,
    /// How long the list lives from now on; `None` and 0 leave its time as it is.
    pub(crate) ttl_seconds: Option<u64>,
}

/// Puts an item at the head of a list, cuts the list, and sets its time to live, in one atomic step.
///
/// Never repeated: after a lost connection it is not known whether the item is there, and a second attempt could put it
/// there twice.
pub(crate) async fn append(connection: &Connection, append: &Append<'_>) -> Result<(), Error> {
    let Append { key, item, .. } = append;
    let mut commands = CommandBuffer::default();
    commands.add_arguments(&[b"LPUSH", key, item]);
    append.size.saturating_sub(1).with_bytes(|last| {
        commands.add_arguments(&[b"LTRIM", key, b"0", last]);
    });
    if let Some(seconds) = check_ttl(0, key, append.ttl_seconds)? {
        seconds.with_bytes(|seconds| commands.add_arguments(&[b"EXPIRE", key, seconds]));
    }
    let limit = connection.limit();
    let entry = (Access::Changes, vec![connection.order().hash(key)]);
    let tickets = connection.order().begin([entry], limit);
    connection.check_open()?;
    let tickets: Vec<_> = tickets.iter().collect();
    let options = SendOptions {
        limit: Some(limit),
        tickets: &tickets,
    };
    let sent = connection
        .send_groups("LPUSH", &[Group::new(commands)], options)
        .await;
    let answers = sent.map_err(|source| failed(source, "LPUSH", key))?;
    let answers = answers.into_iter().next().unwrap_or_default();
    match failure(&answers) {
        Some((_, source)) => Err(failed(source.clone(), "LPUSH", key)),
        None if answers.is_empty() => Err(Error::Uncertain {
            source: connection.unexpected("LPUSH"),
        }),
        None if tickets.iter().any(|ticket| ticket.is_unsettled()) => Err(Error::Unsettled),
        None => Ok(()),
    }
}

/// The items at the head of a list, at most `size`.
pub(crate) async fn items(
    connection: &Connection,
    key: &[u8],
    size: usize,
) -> Result<Vec<Vec<u8>>, Error> {
    let mut commands = CommandBuffer::default();
    size.saturating_sub(1).with_bytes(|last| {
        commands.add_arguments(&[b"LRANGE", key, b"0", last]);
    });
    let mut answers = read(connection, "LRANGE", 1, commands).await?;
    refused(&answers, |_| Some(key))?;
    let Some(Ok(Value::Array(items))) = answers.pop() else {
        return Err(connection.unexpected("LRANGE").into());
    };
    let items = items.into_iter().map(|item| match item {
        Value::BulkString(bytes) => Ok(bytes),
        _ => Err(connection.unexpected("LRANGE").into()),
    });
    items.collect()
}
