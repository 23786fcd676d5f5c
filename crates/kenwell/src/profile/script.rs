//! The script that writes updates which do more than setting fields, and its arguments.
//!
//! | argument | content |
//! |---|---|
//! | key 1 | the profile |
//! | key 2 | its clocks; none where the order is that of arrival |
//! | 1 | four numbers with spaces between them: the number of groups, of which there is one in the order of arrival; |
//! | | milliseconds after which profile and clocks expire, 0 if nothing changes about that; |
//! | | 1 if only a profile that does not expire so far does; 1 if a group removes something; |
//! | | and 1 more if the update is watched |
//! | for each group, the newest first: 3 | its stamp and source, as clocks have them; empty in the order of arrival |
//! | | its names with their length, as clocks have them, sorted |
//! | | number of fields that it sets |
//! | then | names and values of the fields, in the order of the names |
//!
//! It answers how many fields it left alone, because what is stored is newer; of an update that is watched also which
//! ones, and what it removed, see [`script_reply`](super::script_reply). Where the server does not allow it what a
//! time to live needs, the error begins with the name of that command.

use super::ProfileUpdate;
use super::clocks::{Change, clocks_key, push_name};
use super::limits::MAX_FIELDS;
use super::merge::{Merge, MergeGroup};
use crate::Error;
use crate::connection::{CommandBuffer, Connection, key_of};
use crate::resp::{Command, Value};

/// Its text.
const SCRIPT: &str = include_str!("merge.lua");

/// By what servers know it once they have seen it: the SHA-1 of the text. A wrong one would cost a round trip each
/// time; a test compares it with what a server makes of the text.
const HASH: &str = "9786b93864d69ca22d7f1d9df4002b765276957a";

/// What the script does about when a profile and its clocks expire. By default nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lifetime {
    /// Milliseconds until they do; 0: nothing changes about that.
    pub(super) ttl_ms: u64,
    /// Whether they keep the time that they have, if they expire so far.
    pub(super) is_set_once: bool,
}

/// Names and values.
type Fields<'a> = [(&'a [u8], &'a [u8])];

/// Adds the commands of an update, and gives their number: one, unless it has more than [`MAX_FIELDS`] fields.
pub(super) fn push_commands(
    update: &ProfileUpdate,
    merge: &Merge,
    lifetime: Lifetime,
    commands: &mut CommandBuffer,
) -> usize {
    let fields: Vec<_> = update.fields().collect();
    if fields.len() <= MAX_FIELDS {
        commands.add_command(&command(update, &merge.groups, &fields, lifetime));
        return 1;
    }
    // Piece by piece: with stamps in any order, without in this one. What an event removes goes with its first piece.
    let mut added = 0;
    let mut rest = &fields[..];
    for group in &merge.groups {
        let (of_group, behind) = rest.split_at_checked(group.fields).unwrap_or((rest, &[]));
        rest = behind;
        let pieces = of_group.chunks(MAX_FIELDS);
        let none = pieces.len() == 0;
        for (place, piece) in pieces.chain(none.then_some(&[][..])).enumerate() {
            let mut group = MergeGroup {
                fields: piece.len(),
                ..group.clone()
            };
            if place > 0 {
                group.removals.clear();
            }
            commands.add_command(&command(update, &[group], piece, lifetime));
            added += 1;
        }
    }
    added
}

/// The command of an update that has a merge and at most [`MAX_FIELDS`] fields.
pub(super) fn whole(update: &ProfileUpdate, lifetime: Lifetime) -> Command {
    let groups = update.merge().map_or(&[][..], |merge| &merge.groups);
    let fields: Vec<_> = update.fields().collect();
    command(update, groups, &fields, lifetime)
}

fn command(
    update: &ProfileUpdate,
    groups: &[MergeGroup],
    fields: &Fields<'_>,
    lifetime: Lifetime,
) -> Command {
    let mut command = Command::with_capacity(256 + 2 * update.bytes());
    command.arg("EVALSHA").arg(HASH);
    if groups.iter().any(|group| group.stamp.is_some()) {
        command
            .arg(2)
            .arg(update.key())
            .arg(clocks_key(update.key()));
    } else {
        command.arg(1).arg(update.key());
    }
    let removes = groups.iter().any(|group| !group.removals.is_empty());
    let Lifetime {
        ttl_ms,
        is_set_once,
    } = lifetime;
    let flags = [is_set_once, removes].map(u8::from);
    let (count, [once, removes]) = (groups.len(), flags);
    let is_watched = update.merge().is_some_and(|it| it.report.is_watched());
    let watched = if is_watched { " 1" } else { "" };
    command.arg(format!("{count} {ttl_ms} {once} {removes}{watched}"));
    let mut rest = fields;
    let mut bytes = Vec::new();
    for group in groups {
        let (own, behind) = rest.split_at_checked(group.fields).unwrap_or((rest, &[]));
        rest = behind;
        bytes.clear();
        push_head(group, &mut bytes);
        command.arg(&bytes);
        bytes.clear();
        push_names(group, own, &mut bytes);
        command.arg(&bytes).arg(own.len());
    }
    for (name, value) in fields {
        command.arg(name).arg(value);
    }
    command
}

/// Appends stamp and source of a group.
pub(super) fn push_head(group: &MergeGroup, out: &mut Vec<u8>) {
    let Some(stamp) = group.stamp else { return };
    stamp.write(out);
    let source = group.source.as_bytes();
    // Ids of sources have at most 64 characters.
    let source = source.get(..source.len().min(usize::from(u8::MAX)));
    let source = source.unwrap_or_default();
    out.push(u8::try_from(source.len()).unwrap_or_default());
    out.extend_from_slice(source);
}

/// Appends the names of a group in their order, each once, behind their length: both lists are sorted.
pub(super) fn push_names(group: &MergeGroup, fields: &Fields<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    let mut removals = group.removals.iter().map(|name| &**name).peekable();
    for (name, _) in fields {
        while let Some(removed) = removals.next_if(|removed| removed < name) {
            push_name(Change::Removed, removed, out);
        }
        let both = removals.next_if_eq(name).is_some();
        let change = if both { Change::Replaced } else { Change::Set };
        push_name(change, name, out);
    }
    for removed in removals {
        push_name(Change::Removed, removed, out);
    }
    // The flattener's bound keeps it far below 4 GiB.
    let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut) {
        *place = length.to_be_bytes();
    }
}

/// Sends those commands again that a server refused because it does not know the script, with the script: after
/// a restart, a failover or `SCRIPT FLUSH`. Their new replies take the places of the refusals.
pub(super) async fn repeat_unknown(
    connection: &Connection,
    commands: &CommandBuffer,
    replies: &mut [Result<Value, Error>],
) {
    let is_unknown = |reply: &Result<Value, Error>| matches!(reply, Err(Error::Refused { reply, .. }) if reply.code() == "NOSCRIPT");
    if !replies.iter().any(is_unknown) {
        return;
    }
    let mut told = Vec::new();
    let mut again = CommandBuffer::default();
    let unknown = commands.commands().zip(&*replies);
    for (command, _) in unknown.filter(|(_, reply)| is_unknown(reply)) {
        let node = connection.node_of(key_of(command));
        if told.contains(&node) {
            again.add_encoded(command);
        } else {
            // The first at each server; the others come behind it.
            again.add_encoded(&with_text(command));
            told.push(node);
        }
    }
    let repeated = connection.send_while_moving("HSET", again).await;
    let unknown = replies.iter_mut().filter(|reply| is_unknown(reply));
    for (reply, repeated) in unknown.zip(repeated) {
        *reply = repeated;
    }
}

/// The encoded command with the script's text in the place of its hash.
fn with_text(command: &[u8]) -> Vec<u8> {
    let by_hash = format!("$7\r\nEVALSHA\r\n${}\r\n{HASH}\r\n", HASH.len());
    let by_text = format!("$4\r\nEVAL\r\n${}\r\n{SCRIPT}\r\n", SCRIPT.len());
    let count = command
        .iter()
        .position(|&byte| byte == b'\n')
        .map_or(0, |end| end + 1);
    let (count, arguments) = command.split_at_checked(count).unwrap_or((command, &[]));
    match arguments.strip_prefix(by_hash.as_bytes()) {
        Some(rest) => [count, by_text.as_bytes(), rest].concat(),
        None => command.to_vec(),
    }
}
