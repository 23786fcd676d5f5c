//! A value that Redis keeps until a moment: created, replaced, or written where nobody else has written meanwhile.

use super::call::PreparedCall;
use super::refused;
use super::unrepeated::UnrepeatedCall;
use crate::connection::{CommandBuffer, Connection, Group};
use crate::resp::{Argument, Command, Value};
use crate::state::{Error, Timestamp};

/// A value to write.
pub(crate) struct DatedValue<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    /// When Redis forgets it, in milliseconds since 1970 by our clock.
    pub(crate) until: u64,
}

impl DatedValue<'_> {
    /// How long Redis keeps it, in milliseconds, at least one. Redis is told that, and not the moment: one whose clock is
    /// ahead of ours would confirm a value and forget it at once.
    fn ttl_ms(&self, now: Timestamp) -> u64 {
        let now = u64::try_from(now.as_milliseconds()).unwrap_or_default();
        self.until.saturating_sub(now).max(1)
    }
}

/// What became of a value that was to be written over an expected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exchange {
    Written,
    /// Nothing is stored, so nothing was written.
    Absent,
    /// Something else is stored than what was expected, so nothing was written.
    Changed,
}

/// First what is expected, then what is to be written, and for how long. Errors of Redis are handed on as they are.
const SCRIPT: &str = "\
local stored = redis.pcall('GET', KEYS[1]) \
if type(stored) == 'table' then return stored end \
if not stored then return -1 end \
if stored ~= ARGV[1] then return 0 end \
local reply = redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) \
if reply.err then return reply end \
return 1";

/// Writes a value where none is stored, and says whether that is so. Repeated once when the connection was lost; then
/// `false` may mean that the first attempt has written it.
pub(crate) async fn create(connection: &Connection, value: &DatedValue<'_>) -> Result<bool, Error> {
    set(connection, value, b"NX").await
}

/// Writes a value over whatever is stored, and says whether anything was: otherwise nothing is written. Repeated once
/// when the connection was lost.
pub(crate) async fn replace(
    connection: &Connection,
    value: &DatedValue<'_>,
) -> Result<bool, Error> {
    set(connection, value, b"XX").await
}

async fn set(
    connection: &Connection,
    dated: &DatedValue<'_>,
    condition: &[u8],
) -> Result<bool, Error> {
    let DatedValue { key, value, .. } = dated;
    let mut commands = CommandBuffer::default();
    dated.ttl_ms(Timestamp::now()).with_bytes(|ttl| {
        commands.add_arguments(&[b"SET", key, value, b"PX", ttl, condition]);
    });
    let call = PreparedCall::changing(Group::new(commands));
    let answers = call.send(connection, "SET").await?;
    let mut answers = answers.into_iter().next().unwrap_or_default();
    refused(&answers, 1, |_| Some(key))?;
    match answers.pop() {
        Some(Ok(Value::Okay)) => Ok(true),
        Some(Ok(Value::Nil)) => Ok(false),
        _ => Err(connection.unexpected("SET").into()),
    }
}

/// Writes a value if what is stored is what was expected, in one atomic step.
///
/// Never repeated: after a lost connection it is not known whether it was written, [`Error::Uncertain`].
pub(crate) async fn exchange(
    connection: &Connection,
    expected: &[u8],
    dated: &DatedValue<'_>,
) -> Result<Exchange, Error> {
    let DatedValue { key, value, .. } = dated;
    let ttl = dated.ttl_ms(Timestamp::now());
    let mut command = Command::new("EVAL");
    command.arg(SCRIPT).arg(1_u32).arg(*key);
    command.arg(expected).arg(*value).arg(ttl);
    let call = UnrepeatedCall {
        command: "EVAL",
        group: [command].into_iter().collect(),
        keys: vec![*key],
    };
    let answer = call.send(connection).await?;
    match answer.replies.first() {
        Some(Value::Int(1)) => answer.changed(Exchange::Written),
        Some(Value::Int(0)) => Ok(Exchange::Changed),
        Some(Value::Int(-1)) => Ok(Exchange::Absent),
        _ => Err(Error::Uncertain {
            source: connection.unexpected("EVAL"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_kept_for_what_is_left_and_never_for_ever() {
        let kept = |until, now| {
            let dated = DatedValue {
                key: b"k",
                value: b"v",
                until,
            };
            dated.ttl_ms(Timestamp::from_milliseconds(now))
        };
        assert_eq!(kept(70_000, 10_000), 60_000);
        assert_eq!((kept(10_000, 10_000), kept(10_000, 70_000)), (1, 1));
    }
}
