//! Removing values.

use redis::Value;

use super::{check_count, command, failure, send_repeatable};
use crate::connection::{Connection, Group};
use crate::state::{Error, Place};

/// Removes values together (`DEL`), and gives how many there were.
///
/// In a cluster they are removed together for each slot. Repeated once when the connection was lost;
/// what the first attempt removed does not count then.
///
/// # Errors
///
/// As for [`store`](super::store).
pub async fn remove(connection: &Connection, keys: &[Vec<u8>]) -> Result<u64, Error> {
    check_count(keys.len())?;
    let group: Group = keys.iter().map(|key| command("DEL", key)).collect();
    let answers = send_repeatable(connection, "DEL", &[group]).await?;
    let answers = answers.into_iter().next().unwrap_or_default();
    let removed = answers.iter().flatten().map(|reply| match reply {
        Value::Int(count) => u64::try_from(*count).unwrap_or(0),
        _ => 0,
    });
    let removed = removed.sum();
    match failure(&answers) {
        None => Ok(removed),
        Some((index, source)) => {
            let place = Place::new(index, keys.get(index).map_or(&[][..], |key| key));
            let source = source.clone();
            Err(Error::Value { place, source })
        }
    }
}
