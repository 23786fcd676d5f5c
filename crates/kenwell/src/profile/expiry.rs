//! When profiles expire, and writing them so that they do.

use std::time::Duration;

use redis::{Pipeline, Value};

use super::script::Lifetime;
use super::{ProfileUpdate, store};
use crate::Error;
use crate::connection::{Connection, part_size};

/// How often an update is written that has expired before it was given its new time to live.
const ATTEMPTS: u32 = 3;

/// When what is written goes again. By default it stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expiry {
    /// How long a profile stays after it was written to, in whole milliseconds; `None`: until somebody deletes it.
    pub ttl: Option<Duration>,
}

impl Expiry {
    /// Writes updates as [`store::apply`] does, and lets the profiles that were written expire.
    ///
    /// The time to live is set once the write was answered (`PEXPIRE`), for a key that is no hash would expire too:
    /// only the refusal of the write tells. An update is written when both were answered.
    pub(super) async fn apply<U: AsRef<ProfileUpdate>>(
        &self,
        connection: &Connection,
        updates: &[U],
    ) -> Vec<Result<(), Error>> {
        let ttl_ms = self.ttl.map_or(0, milliseconds);
        let lifetime = Lifetime {
            ttl_ms,
            ..Lifetime::default()
        };
        let mut results = store::apply_expiring(connection, updates, lifetime).await;
        let Some(ttl) = self.ttl else {
            return results;
        };
        // The script has done it already, to the profile and its clocks.
        let is_plain = |index: usize| {
            let update = updates.get(index);
            update.is_some_and(|update| update.as_ref().merge().is_none())
        };
        let is_written = |(index, result): (usize, &Result<(), Error>)| {
            (result.is_ok() && is_plain(index)).then_some(index)
        };
        let mut written: Vec<usize> = results.iter().enumerate().filter_map(is_written).collect();
        for attempt in 1..=ATTEMPTS {
            let gone = renew(connection, updates, &written, ttl, &mut results).await;
            // Whatever removes a profile time and again has removed what was written.
            if gone.is_empty() || attempt == ATTEMPTS {
                break;
            }
            let again: Vec<&ProfileUpdate> = gone
                .iter()
                .filter_map(|&index| updates.get(index).map(AsRef::as_ref))
                .collect();
            written.clear();
            for (index, result) in gone.into_iter().zip(store::apply(connection, &again).await) {
                if result.is_ok() {
                    written.push(index);
                }
                if let Some(entry) = results.get_mut(index) {
                    *entry = result;
                }
            }
        }
        results
    }
}

fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)
}

/// Gives the profiles of these updates their time to live, and the updates of which that is refused their error.
/// Tells of which updates there is no profile: the old time to live may end just behind a write.
async fn renew<U: AsRef<ProfileUpdate>>(
    connection: &Connection,
    updates: &[U],
    written: &[usize],
    ttl: Duration,
    results: &mut [Result<(), Error>],
) -> Vec<usize> {
    const COMMAND: &str = "PEXPIRE";
    let milliseconds = milliseconds(ttl);
    let mut parts = Vec::new();
    for share in written.chunks(part_size(written.len())) {
        let mut part = Pipeline::with_capacity(share.len());
        for update in share.iter().filter_map(|&index| updates.get(index)) {
            let key = update.as_ref().key();
            part.cmd(COMMAND).arg(key).arg(milliseconds);
        }
        parts.push(part);
    }
    if parts.is_empty() {
        return Vec::new();
    }
    let replies = connection.send_parts(COMMAND, &parts).await;
    let mut gone = Vec::new();
    for (&index, reply) in written.iter().zip(replies) {
        match reply {
            Ok(Value::Int(0)) => gone.push(index),
            Ok(_) => {}
            Err(error) => {
                if let Some(entry) = results.get_mut(index) {
                    *entry = Err(error.needed_by("ttl", "allow it in Redis, or remove `ttl`"));
                }
            }
        }
    }
    gone
}
