//! Writing only if what is stored is still what was read: one atomic step.

use super::unrepeated::UnrepeatedCall;
use super::{Write, check_count, check_ttl};
use crate::connection::{Access, Connection, Deadline, OrderTicket, slot_of};
use crate::resp::{Command, Value};
use crate::state::{Error, ValuePlace};

/// What a value is expected to be.
#[derive(Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its key.
    pub key: Vec<u8>,
    /// What was stored when it was read; `None` when nothing was.
    pub value: Option<Vec<u8>>,
}

impl std::fmt::Debug for Expected {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.value.as_ref().map(Vec::len);
        formatter
            .debug_struct("Expected")
            .field("key", &String::from_utf8_lossy(&self.key))
            .field("bytes", &bytes)
            .finish()
    }
}

/// First the expected values, as pairs of `1` and the value or `0` and nothing; then the new values,
/// as pairs of the value and its time to live, `0` for ever. The first argument says how many are
/// expected. Errors of Redis are handed on as they are, without the script's name and line.
///
/// Nothing is written before everything was compared. After the first `SET` none can fail: rights
/// are checked for all keys before a script begins, memory at its first write, and times to live
/// before it is sent.
const SCRIPT: &str = "\
local expected = tonumber(ARGV[1]) \
for i = 1, expected do \
local stored = redis.pcall('GET', KEYS[i]) \
if type(stored) == 'table' then return stored end \
local exists = ARGV[2 * i] == '1' \
if exists ~= (stored ~= false) or (exists and stored ~= ARGV[2 * i + 1]) then return 0 end \
end \
for i = expected + 1, #KEYS do \
local reply \
if ARGV[2 * i + 1] == '0' then reply = redis.pcall('SET', KEYS[i], ARGV[2 * i]) \
else reply = redis.pcall('SET', KEYS[i], ARGV[2 * i], 'EX', ARGV[2 * i + 1]) end \
if reply.err then return reply end \
end \
return 1";

/// Writes values if what is stored is what was expected, in one atomic step (`EVAL`), and says
/// whether it was. `false`: another writer was faster, and nothing was written.
///
/// Never repeated: after a lost connection it is not known whether it happened, and a second attempt
/// would take its own success for another writer's.
///
/// # Errors
///
/// [`Error::Uncertain`] when the connection broke; [`Error::SeveralSlots`] in a cluster, for keys that
/// do not share a slot.
pub async fn store_unchanged(
    connection: &Connection,
    expected: &[Expected],
    writes: &[Write],
) -> Result<bool, Error> {
    let comparison = Comparison::new(connection, expected, writes)?;
    let limit = connection.limit();
    let tickets = connection
        .order()
        .begin([comparison.entry(connection)], limit);
    comparison.send(connection, &tickets, limit).await
}

/// A comparison, ready to be sent.
pub(super) struct Comparison<'a>(UnrepeatedCall<'a>);

impl<'a> Comparison<'a> {
    pub(super) fn new(
        connection: &Connection,
        expected: &'a [Expected],
        writes: &'a [Write],
    ) -> Result<Self, Error> {
        let known = expected.iter().map(|expected| &expected.key[..]);
        let written = writes.iter().map(|write| &write.key[..]);
        let keys: Vec<&[u8]> = known.chain(written).collect();
        check_count(keys.len())?;
        if connection.is_cluster() {
            one_slot(keys.iter().copied())?;
        }
        let mut command = Command::new("EVAL");
        command.arg(SCRIPT).arg(keys.len());
        for key in &keys {
            command.arg(*key);
        }
        command.arg(expected.len());
        for expected in expected {
            let flag = if expected.value.is_some() { "1" } else { "0" };
            command
                .arg(flag)
                .arg(expected.value.as_deref().unwrap_or_default());
        }
        for (index, write) in writes.iter().enumerate() {
            let seconds = check_ttl(index, &write.key, write.ttl_seconds)?;
            command.arg(&write.value[..]).arg(seconds.unwrap_or(0));
        }
        Ok(Self(UnrepeatedCall {
            command: "EVAL",
            group: [command].into_iter().collect(),
            keys,
        }))
    }

    /// What it needs to take its turn.
    pub(super) fn entry(&self, connection: &Connection) -> (Access, Vec<u64>) {
        self.0.entry(connection)
    }

    /// Sends it in its turn, and says whether it was written.
    pub(super) async fn send(
        self,
        connection: &Connection,
        tickets: &[OrderTicket],
        limit: Deadline,
    ) -> Result<bool, Error> {
        if self.0.keys.is_empty() {
            return Ok(true);
        }
        let answer = self.0.send_begun(connection, tickets, limit).await?;
        match answer.replies.first() {
            Some(Value::Int(1)) => answer.changed(true),
            Some(Value::Int(0)) => Ok(false),
            _ => Err(Error::Uncertain {
                source: connection.unexpected("EVAL"),
            }),
        }
    }
}

fn one_slot<'a>(keys: impl Iterator<Item = &'a [u8]>) -> Result<(), Error> {
    let mut slot = None;
    for (index, key) in keys.enumerate() {
        if *slot.get_or_insert_with(|| slot_of(key)) != slot_of(key) {
            let place = ValuePlace::new(index, key);
            return Err(Error::SeveralSlots { place });
        }
    }
    Ok(())
}
