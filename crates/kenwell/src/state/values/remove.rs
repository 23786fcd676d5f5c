//! Removing values.

use super::call::PreparedCall;
use super::{check_count, failure, group_for_keys};
use crate::connection::{Answers, Connection, Group};
use crate::resp::Value;
use crate::state::{Error, ValuePlace};

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
    let removed = answers.iter().flatten().map(|reply| match reply {
        Value::Int(count) => u64::try_from(*count).unwrap_or(0),
        _ => 0,
    });
    let removed = removed.sum();
    match failure(answers) {
        None => Ok(removed),
        Some((index, source)) => {
            let place = ValuePlace::new(index, keys.get(index).map_or(&[][..], |key| key));
            let source = source.clone();
            Err(Error::Value { place, source })
        }
    }
}
