//! Whether something is stored about a user, what, and for how long: without reading records.

use std::time::Duration;

use super::stored_entries::StoredEntry;
use super::values::{Presence, Touch, exist, inspect, touch};
use super::{Error, StateStore};
use crate::connection::Access;

impl StateStore {
    /// Whether anything is stored about a user, apart from a [history list](super::Builder::history_list). Nothing of
    /// it is read, and no time to live begins anew.
    pub async fn exists(&self, user_id: &str) -> Result<bool, Error> {
        let call = self.begin(&[user_id], Access::Reads);
        let keys = self.entry_keys(user_id).await?;
        let found = call.run(exist(&self.config.connection, &keys)).await;
        found.map_err(|error| self.named(error))
    }

    /// Lets the times to live of a user's entries begin anew, as a save does, without writing the entries; says
    /// whether there were any. Entries without a time to live stay as they are, and so do a session's own times. What
    /// is no value of the store, but lies at a key of it, is refused and keeps its time.
    pub async fn touch(&self, user_id: &str) -> Result<bool, Error> {
        self.touch_as(user_id, None).await
    }

    /// The same with another time to live for all entries, in whole seconds: for those that were
    /// [saved so](super::SaveOptions::ttl_seconds).
    ///
    /// # Errors
    ///
    /// [`Error::Ttl`] for more than [`MAX_TTL_SECONDS`](super::values::MAX_TTL_SECONDS). 0 leaves times as they are.
    pub async fn touch_for(&self, user_id: &str, ttl_seconds: u64) -> Result<bool, Error> {
        self.touch_as(user_id, Some(ttl_seconds)).await
    }

    async fn touch_as(&self, user_id: &str, ttl_seconds: Option<u64>) -> Result<bool, Error> {
        let call = self.begin(&[user_id], Access::Changes);
        let keys = self.keys(user_id).await?;
        let touches: Vec<Touch> = keys
            .into_iter()
            .enumerate()
            .map(|(index, key)| Touch {
                key,
                value_type: self.value_type(index),
                ttl_seconds: ttl_seconds.or_else(|| self.entry(index)?.ttl_seconds),
            })
            .collect();
        let found = call.run(touch(&self.config.connection, &touches)).await;
        found.map_err(|error| self.named_among_all(error))
    }

    /// The entries of a user that exist, as they lie in Redis: encoded, and sealed where they are
    /// [encrypted](super::Entry::encrypted). For people and tools; programs [load](Self::load). A
    /// [history list](super::Builder::history_list) comes last, without its items.
    pub async fn stored_entries(&self, user_id: &str) -> Result<Vec<StoredEntry>, Error> {
        let call = self.begin(&[user_id], Access::Reads);
        let keys = self.keys(user_id).await?;
        let found = call.run(inspect(&self.config.connection, &keys)).await;
        let found = found.map_err(|error| self.named_among_all(error))?;
        let mut entries = Vec::new();
        for ((index, key), presence) in keys.into_iter().enumerate().zip(found) {
            let (Some(Presence { value, left }), Some(entry)) = (presence, self.entry(index))
            else {
                continue;
            };
            entries.push(StoredEntry {
                entry: entry.id().to_owned(),
                key,
                expires_in: left.map(Duration::from_millis),
                value,
            });
        }
        Ok(entries)
    }
}
