//! Profiles to and from Redis: pipelines of `HSET`, `HGETALL`, `DEL`, `PTTL`. Documents have commands of their own.

use std::time::Duration;

use super::clocks::clocks_key;
use super::limits::{MAX_FIELDS, MAX_PIPELINE_BYTES};
use super::script::Lifetime;
use super::{Layout, ProfileUpdate, document_store, script, script_reply};
use crate::Error;
use crate::connection::{CommandBuffer, Connection};
use crate::resp::{Command, Value};
use crate::stored::{StoredFields, key_expires_in, stored_fields};

/// Writes updates in order, and gives one result for each.
///
/// Usually one round trip: all updates go in one pipeline, and every reply is read. An update's
/// fields are added to the user's hash or replace what was there; nothing is removed. A document is merged with the
/// update's [patches](ProfileUpdate::patches) in one atomic step, for which it may have to be read before. It may take as long
/// as something moves. When the connection breaks or falls silent, the updates whose replies are missing
/// get the (transient) error; they may or may not have been written, and writing them again does no harm.
///
/// Give each key once: a [`Fold`](super::Fold) sees to that. Otherwise an update that fails, and is
/// written again later, overwrites a newer one that succeeded.
pub async fn apply<U: AsRef<ProfileUpdate>>(
    connection: &Connection,
    updates: &[U],
) -> Vec<Result<(), Error>> {
    apply_expiring(connection, updates, Lifetime::default()).await
}

/// The same, and what the script writes gets this time to live.
pub(super) async fn apply_expiring<U: AsRef<ProfileUpdate>>(
    connection: &Connection,
    updates: &[U],
    lifetime: Lifetime,
) -> Vec<Result<(), Error>> {
    if updates.iter().any(|it| it.as_ref().merging().is_some()) {
        let updates: Vec<&ProfileUpdate> = updates.iter().map(AsRef::as_ref).collect();
        return document_store::apply(connection, &updates).await;
    }
    let mut results = Vec::with_capacity(updates.len());
    let mut rest = updates;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(prefix_within(rest, MAX_PIPELINE_BYTES));
        results.extend(write(connection, now, lifetime).await);
        let failed = |result: &Result<(), Error>| match result {
            Err(error) if !error.is_answer() => Some(error.clone()),
            _ => None,
        };
        if let Some(error) = results.iter().rev().find_map(failed) {
            results.resize(updates.len(), Err(error));
            return results;
        }
        rest = later;
    }
    results
}

/// How many updates from the front fit into so many bytes; at least one.
fn prefix_within<U: AsRef<ProfileUpdate>>(updates: &[U], limit: usize) -> usize {
    let mut bytes = 0;
    updates
        .iter()
        .take_while(|update| {
            let first = bytes == 0;
            bytes += update.as_ref().bytes();
            first || bytes <= limit
        })
        .count()
}

/// Sends updates in one pipeline; each reply counts that came.
async fn write<U: AsRef<ProfileUpdate>>(
    connection: &Connection,
    updates: &[U],
    lifetime: Lifetime,
) -> Vec<Result<(), Error>> {
    let sizes = updates.iter().map(|update| encoded_bytes(update.as_ref()));
    let mut commands = CommandBuffer::with_capacity(updates.len(), sizes.sum());
    let mut counts = Vec::with_capacity(updates.len());
    for update in updates {
        counts.push(push_commands(update.as_ref(), lifetime, &mut commands));
    }
    let has_script = updates
        .iter()
        .any(|update| update.as_ref().merge().is_some());
    let again = has_script.then(|| commands.clone());
    let mut replies = connection.send_while_moving("HSET", commands).await;
    if let Some(again) = again {
        script::repeat_unknown(connection, &again, &mut replies).await;
        script_reply::note(updates, &counts, &replies);
    }
    let mut replies = replies.into_iter();
    counts
        .into_iter()
        .map(|count| {
            let mut result = Ok(());
            // Every reply is taken; the first error is the update's result.
            for reply in replies.by_ref().take(count) {
                result = result.and(reply.map(drop));
            }
            result
        })
        .collect()
}

/// About the most that an update's `HSET`s take, encoded.
fn encoded_bytes(update: &ProfileUpdate) -> usize {
    /// What stands before and behind the arguments of one `HSET` of few fields.
    const AROUND: usize = 24;
    AROUND + update.arguments().0.len()
}

/// Adds an update's `HSET`s, or what takes their place, and gives their number.
fn push_commands(
    update: &ProfileUpdate,
    lifetime: Lifetime,
    commands: &mut CommandBuffer,
) -> usize {
    if let Some(merge) = update.merge() {
        return script::push_commands(update, merge, lifetime, commands);
    }
    let (arguments, count) = update.arguments();
    if (1..=MAX_FIELDS).contains(&count) {
        commands.add_encoded_hset(count, arguments);
        return 1;
    }
    let mut fields = update.fields();
    let mut added = 0;
    while fields.len() > 0 {
        let count = fields.len().min(MAX_FIELDS);
        commands.add_hset(update.key(), count, fields.by_ref().take(count));
        added += 1;
    }
    added
}

/// Reads a user's profile: all fields of the hash, or `None` when there is none.
pub async fn read(
    connection: &Connection,
    layout: &Layout,
    user_id: &str,
) -> Result<Option<StoredFields>, Error> {
    let command = Command::new("HGETALL").arg(layout.key(user_id)).take();
    let reply = connection.one("HGETALL", command).await?;
    let fields = stored_fields(reply).ok_or_else(|| connection.unexpected("HGETALL"))?;
    Ok(Some(fields).filter(|fields| !fields.is_empty()))
}

/// Deletes a user's profile, a hash or a document (`DEL`), and its [clocks](super::Clocks) where there can be any, and says whether there
/// was a profile.
pub async fn delete(
    connection: &Connection,
    layout: &Layout,
    user_id: &str,
) -> Result<bool, Error> {
    let key = layout.key(user_id);
    if layout.rules.is_by_time() {
        // First: should an event be written between the two, it has clocks without a profile, which count as gone.
        let command = Command::new("DEL").arg(clocks_key(&key)).take();
        connection.one("DEL", command).await?;
    }
    let command = Command::new("DEL").arg(key).take();
    match connection.one("DEL", command).await? {
        Value::Int(deleted) => Ok(deleted > 0),
        _ => Err(connection.unexpected("DEL")),
    }
}

/// Reads what is stored beside the profile of this key (`GET`), for [`Clocks::read`](super::Clocks::read): when its
/// fields were set. `None` where it is not written in the order of events.
pub async fn read_clocks(
    connection: &Connection,
    profile_key: &[u8],
) -> Result<Option<Vec<u8>>, Error> {
    let command = Command::new("GET").arg(clocks_key(profile_key)).take();
    match connection.one("GET", command).await? {
        Value::BulkString(bytes) => Ok(Some(bytes)),
        Value::Nil => Ok(None),
        _ => Err(connection.unexpected("GET")),
    }
}

/// How long Redis will keep a user's profile (`PTTL`): `None` when there is no profile, or when
/// nothing makes it expire.
pub async fn expires_in(
    connection: &Connection,
    layout: &Layout,
    user_id: &str,
) -> Result<Option<Duration>, Error> {
    key_expires_in(connection, &layout.key(user_id)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::update;

    fn with_fields(count: usize) -> ProfileUpdate {
        let traits: Vec<_> = (0..count)
            .map(|index| format!("\"f{index}\":{index}"))
            .collect();
        let event = format!(r#"{{"userId":"u","traits":{{{}}}}}"#, traits.join(","));
        update(event.as_bytes(), &Layout::default()).unwrap()
    }

    #[test]
    fn large_updates_are_split() {
        for (fields, commands) in [(1, 1), (5_000, 1), (5_001, 2), (12_000, 3)] {
            let mut buffer = CommandBuffer::default();
            let update = with_fields(fields);
            assert_eq!(
                push_commands(&update, Lifetime::default(), &mut buffer),
                commands
            );
            assert_eq!(buffer.len(), commands);
            let arguments = buffer.commands().map(|command| {
                let line = command.split(|&byte| byte == b'\r').next().unwrap();
                let number = std::str::from_utf8(&line[1..]).unwrap();
                number.parse::<usize>().unwrap()
            });
            assert_eq!(arguments.sum::<usize>(), 2 * fields + 2 * commands);
        }
    }

    #[test]
    fn pipelines_are_bounded_but_take_at_least_one() {
        let updates = [with_fields(10), with_fields(10), with_fields(10)];
        let one = updates[0].bytes();
        assert_eq!(prefix_within(&updates, 0), 1);
        assert_eq!(prefix_within(&updates, 2 * one), 2);
        assert_eq!(prefix_within(&updates, 3 * one), 3);
    }
}
