//! Whether values are there, how long they stay, and letting them stay longer.

use super::call::PreparedCall;
use super::{check_count, check_ttl, failure};
use crate::connection::{Access, Answers, CommandBuffer, Connection, Group};
use crate::resp::{Argument, Value};
use crate::state::{Error, ValuePlace};

/// A value whose time to live is to begin anew.
pub(crate) struct Touch {
    pub(crate) key: Vec<u8>,
    /// `None` and 0 leave its time as it is.
    pub(crate) ttl_seconds: Option<u64>,
}

/// What lies at a key.
pub(crate) struct Presence {
    /// `None` when it is no string.
    pub(crate) value: Option<Vec<u8>>,
    /// How long it stays, in milliseconds; `None` for ever.
    pub(crate) left: Option<u64>,
}

/// Lets values live on (`EXPIRE`), all together, and says whether there were any. Repeated once when the connection
/// was lost.
pub(crate) async fn touch(connection: &Connection, touches: &[Touch]) -> Result<bool, Error> {
    check_count(touches.len())?;
    let mut commands = CommandBuffer::default();
    for (index, touch) in touches.iter().enumerate() {
        match check_ttl(index, &touch.key, touch.ttl_seconds)? {
            None => commands.add_arguments(&[b"EXISTS", &touch.key]),
            Some(seconds) => seconds.with_bytes(|seconds| {
                commands.add_arguments(&[b"EXPIRE", &touch.key, seconds]);
            }),
        }
    }
    let call = PreparedCall::changing(Group::new(commands));
    let answers = call.send(connection, "EXPIRE").await?;
    let answers = answers.into_iter().next().unwrap_or_default();
    any(answers, |index| touches.get(index).map(|it| &it.key[..]))
}

/// Whether any of these values is there (`EXISTS`), all asked together.
pub(crate) async fn exist(connection: &Connection, keys: &[Vec<u8>]) -> Result<bool, Error> {
    let mut commands = CommandBuffer::default();
    for key in keys {
        commands.add_arguments(&[b"EXISTS", key]);
    }
    let answers = read(connection, "EXISTS", keys.len(), commands).await?;
    any(answers, |index| keys.get(index).map(|key| &key[..]))
}

/// What lies at each key, and how long it stays, all asked together; `None` where there is nothing.
pub(crate) async fn inspect(
    connection: &Connection,
    keys: &[Vec<u8>],
) -> Result<Vec<Option<Presence>>, Error> {
    let mut commands = CommandBuffer::default();
    for key in keys {
        commands.add_arguments(&[b"GET", key]);
        commands.add_arguments(&[b"PTTL", key]);
    }
    let mut answers = read(connection, "GET", 2 * keys.len(), commands).await?;
    for answer in &mut answers {
        // Something else than a string is there too.
        if matches!(answer, Err(crate::Error::Refused { reply, .. }) if reply.code() == "WRONGTYPE")
        {
            *answer = Ok(Value::Okay);
        }
    }
    refused(&answers, |index| keys.get(index / 2).map(|key| &key[..]))?;
    let mut replies = answers.into_iter().flatten();
    let mut found = Vec::with_capacity(keys.len());
    while let (Some(value), Some(left)) = (replies.next(), replies.next()) {
        let value = match value {
            Value::Nil => None,
            Value::BulkString(bytes) => Some(Some(bytes)),
            Value::Okay => Some(None),
            _ => return Err(connection.unexpected("GET").into()),
        };
        let left = number(&left);
        found.push(value.map(|value| Presence { value, left }));
    }
    Ok(found)
}

/// Sends commands that only read, as one group.
pub(super) async fn read(
    connection: &Connection,
    command: &'static str,
    count: usize,
    commands: CommandBuffer,
) -> Result<Answers, Error> {
    check_count(count)?;
    let call = PreparedCall {
        groups: vec![Group::new(commands)],
        effect: Access::Reads,
    };
    let answers = call.send(connection, command).await?;
    Ok(answers.into_iter().next().unwrap_or_default())
}

/// The error of a group that was refused.
pub(super) fn refused<'a>(
    answers: &Answers,
    key: impl Fn(usize) -> Option<&'a [u8]>,
) -> Result<(), Error> {
    match failure(answers) {
        None => Ok(()),
        Some((_, source @ (crate::Error::Lost { .. } | crate::Error::Timeout { .. }))) => {
            Err(Error::Redis(source.clone()))
        }
        Some((index, source)) => Err(Error::Value {
            place: ValuePlace::new(index, key(index).unwrap_or_default()),
            source: source.clone(),
        }),
    }
}

/// Whether a group answered with a number other than 0.
fn any<'a>(answers: Answers, key: impl Fn(usize) -> Option<&'a [u8]>) -> Result<bool, Error> {
    refused(&answers, key)?;
    let numbers = answers.into_iter().flatten();
    let mut numbers = numbers.filter_map(|reply| number(&reply));
    Ok(numbers.any(|number| number > 0))
}

fn number(reply: &Value) -> Option<u64> {
    match reply {
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}
