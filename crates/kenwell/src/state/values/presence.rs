//! Whether values are there, how long they stay, and letting them stay longer.

use super::call::PreparedCall;
use super::expiry::{ValueType, add_expiry};
use super::{check_count, check_ttl, refused};
use crate::connection::{Access, Answers, CommandBuffer, Connection, Group};
use crate::resp::Value;
use crate::state::Error;

/// A value whose time to live is to begin anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// Its key.
    pub key: Vec<u8>,
    /// What it is. Something else at this key keeps its time.
    pub value_type: ValueType,
    /// How long it lives from now on; `None` and 0 leave its time as it is.
    pub ttl_seconds: Option<u64>,
}

/// What lies at a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Presence {
    /// `None` when it is no string.
    pub value: Option<Vec<u8>>,
    /// How long it stays, in milliseconds; `None` for ever.
    pub left: Option<u64>,
}

impl std::fmt::Debug for Presence {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Presence")
            .field("bytes", &self.value.as_ref().map(Vec::len))
            .field("left", &self.left)
            .finish()
    }
}

/// Lets values live on (`EXPIRE`), all together, and says whether there were any. Repeated once when the connection
/// was lost.
///
/// # Errors
///
/// [`Error::Value`] where something of another type is: its time stays as it is.
pub async fn touch(connection: &Connection, touches: &[Touch]) -> Result<bool, Error> {
    check_count(touches.len())?;
    let mut commands = CommandBuffer::default();
    for (index, touch) in touches.iter().enumerate() {
        match check_ttl(index, &touch.key, touch.ttl_seconds)? {
            None => commands.add_arguments(&[b"EXISTS", &touch.key]),
            Some(seconds) => add_expiry(&mut commands, &touch.key, touch.value_type, seconds),
        }
    }
    let call = PreparedCall::changing(Group::new(commands));
    let answers = call.send(connection, "EXPIRE").await?;
    let answers = answers.into_iter().next().unwrap_or_default();
    any(answers, |index| touches.get(index).map(|it| &it.key[..]))
}

/// Whether any of these values is there (`EXISTS`), all asked together.
pub async fn exist(connection: &Connection, keys: &[Vec<u8>]) -> Result<bool, Error> {
    let mut commands = CommandBuffer::default();
    for key in keys {
        commands.add_arguments(&[b"EXISTS", key]);
    }
    let answers = read(connection, "EXISTS", keys.len(), commands).await?;
    any(answers, |index| keys.get(index).map(|key| &key[..]))
}

/// What lies at each key, and how long it stays, all asked together; `None` where there is nothing.
pub async fn inspect(
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
    refused(&answers, 2, |index| keys.get(index).map(|key| &key[..]))?;
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

/// Whether a group answered with a number other than 0.
fn any<'a>(answers: Answers, key: impl Fn(usize) -> Option<&'a [u8]>) -> Result<bool, Error> {
    refused(&answers, 1, key)?;
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
