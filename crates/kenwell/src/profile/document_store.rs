//! JSON documents to and from Redis: `JSON.MERGE` where it does what is meant, else `JSON.GET` and a script that
//! writes only if nothing has changed since.

use super::document_merge::merge;
use super::limits::MAX_PIPELINE_BYTES;
use super::update::Merging;
use super::{Layout, ProfileUpdate};
use crate::Error;
use crate::connection::{CommandBuffer, Connection};
use crate::reply::CHANGED;
use crate::resp::{Command, Value};

/// The most documents that are read into memory at once.
const READ_TOGETHER: usize = 16;

/// How often a document is read again at once because others have changed it; then the update waits for the next
/// attempt, like after any error that may pass.
const ROUNDS: u32 = 5;

/// Merges several patches, of which none is refused that was not refused as the first: all or none of them. Errors
/// of Redis are handed on as they are, without the script's name and line.
const MERGE_ALL: &str = "\
for i = 1, #ARGV do \
local reply = redis.pcall('JSON.MERGE', KEYS[1], '$', ARGV[i]) \
if type(reply) == 'table' and reply.err then return reply end \
end \
return 'OK'";

/// Writes the document in the second argument if what is there is the first one; an empty text is none.
const REPLACE: &str = "\
local stored = redis.pcall('JSON.GET', KEYS[1]) \
if type(stored) == 'table' then return stored end \
if (stored or '') ~= ARGV[1] then \
return redis.error_reply('CHANGED the document was changed by others while it was merged') end \
return redis.pcall('JSON.SET', KEYS[1], '$', ARGV[2])";

/// Writes updates as [`apply`](super::apply) does, and gives one result for each. Each is one atomic step.
pub(super) async fn apply(
    connection: &Connection,
    updates: &[&ProfileUpdate],
) -> Vec<Result<(), Error>> {
    let mut results = Vec::with_capacity(updates.len());
    while let Some(rest) = updates.get(results.len()..).filter(|rest| !rest.is_empty()) {
        let now = rest.get(..count_together(rest)).unwrap_or(rest);
        let written = write(connection, now).await;
        let failed = |result: &Result<(), Error>| match result {
            Err(error) if !error.is_answer() => Some(error.clone()),
            _ => None,
        };
        let failure = written.iter().rev().find_map(failed);
        results.extend(written);
        if let Some(error) = failure {
            results.resize(updates.len(), Err(error));
        }
    }
    results
}

/// How many updates from the front fit into a pipeline, and need so few documents that these can be in memory
/// together; at least one.
fn count_together(updates: &[&ProfileUpdate]) -> usize {
    let (mut bytes, mut documents) = (0, 0);
    let fits = |update: &&&ProfileUpdate| {
        let is_first = bytes == 0;
        bytes += update.bytes();
        documents += usize::from(must_read(update));
        is_first || (bytes <= MAX_PIPELINE_BYTES && documents <= READ_TOGETHER)
    };
    updates.iter().take_while(fits).count().max(1)
}

fn must_read(update: &ProfileUpdate) -> bool {
    update.merging() == Some(Merging::Here)
}

/// Writes updates together, and those again whose documents were changed meanwhile.
async fn write(connection: &Connection, updates: &[&ProfileUpdate]) -> Vec<Result<(), Error>> {
    let mut results = vec![Ok(()); updates.len()];
    let mut open: Vec<usize> = (0..updates.len()).collect();
    for _round in 0..ROUNDS {
        let now: Vec<&ProfileUpdate> = open
            .iter()
            .filter_map(|&index| updates.get(index).copied())
            .collect();
        let written = write_once(connection, &now).await;
        for (&index, result) in open.iter().zip(written) {
            if let Some(entry) = results.get_mut(index) {
                *entry = result;
            }
        }
        open.retain(|&index| results.get(index).is_some_and(is_changed));
        if open.is_empty() {
            break;
        }
    }
    results
}

fn is_changed(result: &Result<(), Error>) -> bool {
    matches!(result, Err(Error::Refused { reply, .. }) if reply.code() == CHANGED)
}

async fn write_once(connection: &Connection, updates: &[&ProfileUpdate]) -> Vec<Result<(), Error>> {
    let wanted = updates.iter().filter(|update| must_read(update));
    let keys: Vec<&[u8]> = wanted.map(|update| update.key()).collect();
    let mut documents = read(connection, &keys).await.into_iter();
    let mut commands = Vec::with_capacity(updates.len());
    for update in updates {
        commands.push(match update.merging() {
            // There are none among documents.
            None => Ok(as_it_is(update)),
            Some(Merging::InRedis) => Ok(merge_in_redis(update)),
            Some(Merging::Here) => documents
                .next()
                .unwrap_or_else(|| Err(connection.unexpected("JSON.GET")))
                .and_then(|document| replace(connection, update, document)),
        });
    }
    let mut failures = commands.iter().filter_map(|command| command.as_ref().err());
    if let Some(error) = failures.find(|error| !error.is_answer()).cloned() {
        // Nothing was written yet.
        return vec![Err(error); updates.len()];
    }
    send(connection, commands).await
}

/// Sends the commands that there are.
async fn send(
    connection: &Connection,
    commands: Vec<Result<Command, Error>>,
) -> Vec<Result<(), Error>> {
    let mut buffer = CommandBuffer::default();
    let mut sent = Vec::with_capacity(commands.len());
    for command in commands {
        sent.push(command.map(|command| buffer.add_command(&command)));
    }
    let replies = if buffer.len() == 0 {
        Vec::new()
    } else {
        connection.send_while_moving("JSON.MERGE", buffer).await
    };
    let mut replies = replies.into_iter();
    let mut next = || {
        let none = || Err(connection.unexpected("JSON.MERGE"));
        replies.next().unwrap_or_else(none).map(drop)
    };
    let results = sent.into_iter().map(|sent| sent.and_then(|()| next()));
    results.collect()
}

fn as_it_is(update: &ProfileUpdate) -> Command {
    let mut command = Command::default();
    for word in update.words() {
        command.arg(word);
    }
    command
}

/// One patch, or several in one step.
fn merge_in_redis(update: &ProfileUpdate) -> Command {
    let mut command = Command::with_capacity(64 + update.bytes());
    let mut patches = update.patches().into_iter().flatten();
    match (patches.next(), patches.next()) {
        (Some(patch), None) => {
            command
                .arg("JSON.MERGE")
                .arg(update.key())
                .arg("$")
                .arg(patch);
        }
        (first, second) => {
            command.arg("EVAL").arg(MERGE_ALL).arg(1).arg(update.key());
            for patch in first.into_iter().chain(second).chain(patches) {
                command.arg(patch);
            }
        }
    }
    command
}

/// The document with all patches, in the place of the one that was read.
fn replace(
    connection: &Connection,
    update: &ProfileUpdate,
    document: Option<Vec<u8>>,
) -> Result<Command, Error> {
    let mut merged: Option<Vec<u8>> = None;
    for patch in update.patches().into_iter().flatten() {
        let mut next = Vec::with_capacity(document.as_ref().map_or(0, Vec::len) + patch.len());
        let before = merged.as_deref().or(document.as_deref());
        merge(before, patch, &mut next).map_err(|_| connection.unexpected("JSON.GET"))?;
        merged = Some(next);
    }
    let (before, merged) = (document.unwrap_or_default(), merged.unwrap_or_default());
    let mut command = Command::with_capacity(512 + before.len() + merged.len());
    command.arg("EVAL").arg(REPLACE).arg(1).arg(update.key());
    command.arg(before).arg(merged);
    Ok(command)
}

/// The documents at these keys; `None` where there is none.
async fn read(connection: &Connection, keys: &[&[u8]]) -> Vec<Result<Option<Vec<u8>>, Error>> {
    if keys.is_empty() {
        return Vec::new();
    }
    let mut commands = CommandBuffer::default();
    for key in keys {
        commands.add_command(&get(key));
    }
    let replies = connection.send_while_moving("JSON.GET", commands).await;
    let open = |reply: Result<Value, Error>| reply.and_then(|reply| document(connection, reply));
    replies.into_iter().map(open).collect()
}

/// Reads a user's profile that is a document: its JSON text, or `None` when there is none.
///
/// Integers from −2⁶³ to 2⁶⁴ − 1 come back as they were written; RedisJSON keeps all other numbers as doubles.
pub async fn read_document(
    connection: &Connection,
    layout: &Layout,
    user_id: &str,
) -> Result<Option<Vec<u8>>, Error> {
    let reply = connection
        .one("JSON.GET", get(&layout.key(user_id)))
        .await?;
    document(connection, reply)
}

fn get(key: &[u8]) -> Command {
    Command::new("JSON.GET").arg(key).take()
}

fn document(connection: &Connection, reply: Value) -> Result<Option<Vec<u8>>, Error> {
    match reply {
        Value::Nil => Ok(None),
        Value::BulkString(json) => Ok(Some(json)),
        _ => Err(connection.unexpected("JSON.GET")),
    }
}
