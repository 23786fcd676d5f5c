//! Removing values.

use super::call::PreparedCall;
use super::{check_count, group_for_keys, refused};
use crate::connection::{Answers, Connection, Group};
use crate::resp::Value;
use crate::state::Error;

/// Removes values together (`DEL`), and gives how many there were.
///
/// In a cluster they are removed together for each slot. Repeated once when the connection was lost;
/// what the first attempt removed does not count then.
///
/// # Errors
///
/// As for [`store`](super::store).
pub async fn remove(connection: &Connection, keys: &[Vec<u8>]) -> Result<u64, Error> {
    let call = PreparedCall::changing(group_of(keys)?);
    let answers = call.send(connection, "DEL").await?;
    removed(keys, &answers.into_iter().next().unwrap_or_default())
}

pub(super) fn group_of(keys: &[Vec<u8>]) -> Result<Group, Error> {
    check_count(keys.len())?;
    Ok(group_for_keys("DEL", keys.iter().map(|key| &key[..])))
}

/// What the group of these keys was answered with.
pub(super) fn removed(keys: &[Vec<u8>], answers: &Answers) -> Result<u64, Error> {
    refused(answers, 1, |index| keys.get(index).map(|key| &key[..]))?;
    let removed = answers.iter().map(|answer| match answer {
        Ok(Value::Int(count)) => u64::try_from(*count).ok(),
        _ => None,
    });
    let removed = removed.sum::<Option<u64>>();
    let removed = removed.filter(|_| answers.len() == keys.len());
    // Neither confirmed nor refused.
    removed.ok_or_else(|| {
        Error::Redis(crate::Error::Unexpected {
            address: "the server".into(),
            command: "DEL",
        })
    })
}
