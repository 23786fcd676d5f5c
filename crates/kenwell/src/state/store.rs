//! The state store: load, save, delete.

use std::fmt;
use std::sync::Arc;

use super::codec::Codec;
use super::history_list::HistoryList;
use super::key::Keys;
use super::record_form::RecordForm;
use super::values::{self, MAX_KEYS, Read, ValueType};
use super::{Entry, Error, Record, StoredElements, Timestamp, ValuePlace, profile};
use crate::connection::{Access, Connection, KeyOrder};

/// Loads and saves the [`Record`]s of users. Cheap to clone; clones share the connection.
///
/// ```no_run
/// use kenwell::connection::{Connection, Settings};
/// use kenwell::state::{Entry, StateStore};
///
/// # #[derive(Default, serde::Serialize, serde::Deserialize)] struct User { visits: u32 }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = Connection::new(Settings::new("127.0.0.1:6379"))?;
/// let store = StateStore::builder(connection)
///     .key_prefix("bot")
///     .entries([Entry::new("data").everything().ttl_seconds(86_400)])
///     .build()?;
///
/// let mut record = store.load("ada").await?.unwrap_or_default();
/// let mut user: User = record.user()?.unwrap_or_default();
/// user.visits += 1;
/// record.set_user(&user)?;
/// store.save("ada", &mut record).await?; // SET bot:data:ada {"user":{"data":{"visits":1}},…} EX 86400
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct StateStore {
    pub(super) config: Arc<StoreConfig>,
}

/// All that a store was told.
pub(super) struct StoreConfig {
    pub(super) connection: Connection,
    pub(super) keys: Keys,
    pub(super) entries: Vec<Entry>,
    pub(super) elements: StoredElements,
    pub(super) history_list: Option<HistoryList>,
    pub(super) codec: Codec,
    pub(super) refresh: Refresh,
    pub(super) profile: Option<profile::Layout>,
    pub(super) form: RecordForm,
    pub(super) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Calls that are not sent yet, by user.
    pub(super) users: Arc<KeyOrder>,
}

impl StoreConfig {
    /// Whether a closure of the application is asked before something is sent, which may take its time.
    pub(super) fn waits_for_hooks(&self) -> bool {
        self.keys.hook.is_some() || self.codec.encode.is_some()
    }
}

/// When an entry's time to live begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refresh {
    OnSave,
    OnLoad,
}

/// What is done about an entry that cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undecodable {
    Fails,
    IsNoted,
}

impl StateStore {
    pub(super) fn new(config: StoreConfig) -> Self {
        Self {
            config: Arc::new(config),
        }
    }

    /// Loads a user's record, all entries in one round trip: `None` when nothing is stored.
    ///
    /// # Errors
    ///
    /// [`Error::Undecodable`] and [`Error::Value`] name the entry and key of a value that is there and
    /// cannot be read.
    pub async fn load(&self, user_id: &str) -> Result<Option<Record>, Error> {
        let record = self.load_or_new(user_id).await?;
        Ok(Some(record).filter(|record| !record.is_new()))
    }

    /// The same, but a user of whom nothing is stored has a record that [is new](Record::is_new). It
    /// carries the user's profile, and the knowledge that there was nothing.
    pub async fn load_or_new(&self, user_id: &str) -> Result<Record, Error> {
        let mut records = self.load_all(&[user_id], Undecodable::Fails).await?;
        records.pop().unwrap_or_else(|| Ok(Record::default()))
    }

    /// Loads what can be decoded, and notes the entries that cannot in [`Record::unreadable`]. The
    /// record cannot be saved until they are [given up](Record::overwrite_unreadable).
    pub async fn load_readable(&self, user_id: &str) -> Result<Record, Error> {
        let mut records = self.load_all(&[user_id], Undecodable::IsNoted).await?;
        records.pop().unwrap_or_else(|| Ok(Record::default()))
    }

    /// Loads the records of several users in one round trip: for each of them what
    /// [`load`](Self::load) would give.
    ///
    /// # Errors
    ///
    /// The whole fails when Redis cannot be reached, when a profile cannot be read, and for more than
    /// [`MAX_KEYS`] keys in all.
    pub async fn load_many(
        &self,
        user_ids: &[&str],
    ) -> Result<Vec<Result<Option<Record>, Error>>, Error> {
        let records = self.load_all(user_ids, Undecodable::Fails).await?;
        let found = |record: Record| Some(record).filter(|record| !record.is_new());
        Ok(records
            .into_iter()
            .map(|record| record.map(found))
            .collect())
    }

    /// Deletes all entries of a user, the [history list](super::Builder::history_list) included, and says whether
    /// there were any.
    pub async fn delete(&self, user_id: &str) -> Result<bool, Error> {
        let call = self.begin(&[user_id], Access::Changes);
        let keys = self.keys(user_id).await?;
        let removed = values::remove(&self.config.connection, &keys);
        let removed = call.run(removed).await;
        Ok(removed.map_err(|error| self.named_among_all(error))? > 0)
    }

    /// The keys of a user, one for each entry, and that of the [history list](super::Builder::history_list) if there
    /// is one.
    pub async fn keys(&self, user_id: &str) -> Result<Vec<Vec<u8>>, Error> {
        let mut keys = self.entry_keys(user_id).await?;
        if let Some(list) = &self.config.history_list {
            keys.push(self.key(keys.len(), &list.entry, user_id).await?);
        }
        Ok(keys)
    }

    /// The keys of a user, one for each entry.
    pub(super) async fn entry_keys(&self, user_id: &str) -> Result<Vec<Vec<u8>>, Error> {
        if user_id.is_empty() {
            return Err(Error::NoUser);
        }
        let mut keys = Vec::with_capacity(self.config.entries.len());
        for (index, entry) in self.config.entries.iter().enumerate() {
            keys.push(self.key(index, entry, user_id).await?);
        }
        Ok(keys)
    }

    /// The key of one entry of a user.
    pub(super) async fn key(
        &self,
        index: usize,
        entry: &Entry,
        user_id: &str,
    ) -> Result<Vec<u8>, Error> {
        if user_id.is_empty() {
            return Err(Error::NoUser);
        }
        let key = self.config.keys.name(&entry.id, user_id).await;
        key.map_err(|source| Error::Hook {
            hook: "on_create_key",
            place: ValuePlace::new(index, b"").named(&entry.id),
            source,
        })
    }

    async fn load_all(
        &self,
        user_ids: &[&str],
        undecodable: Undecodable,
    ) -> Result<Vec<Result<Record, Error>>, Error> {
        let config = &self.config;
        let count = user_ids.len() * (config.entries.len() + usize::from(config.profile.is_some()));
        if count > MAX_KEYS {
            return Err(Error::TooManyKeys { count });
        }
        let effect = match config.refresh {
            Refresh::OnSave => Access::Reads,
            Refresh::OnLoad => Access::Changes,
        };
        let call = self.begin(user_ids, effect);
        let mut users = Vec::with_capacity(user_ids.len());
        for user_id in user_ids {
            let keys = self.entry_keys(user_id).await?;
            let reads = keys
                .into_iter()
                .zip(&config.entries)
                .map(|(key, entry)| Read {
                    key,
                    refresh_seconds: entry
                        .ttl_seconds
                        .filter(|_| config.refresh == Refresh::OnLoad),
                });
            let profile = config.profile.as_ref().map(|layout| layout.key(user_id));
            users.push((reads.collect::<Vec<_>>(), profile));
        }
        let borrowed: Vec<_> = users
            .iter()
            .map(|(reads, key)| (&reads[..], key.as_deref()))
            .collect();
        let fetched = values::fetch_users(&config.connection, &borrowed);
        let fetched = call.run(fetched).await?;
        let mut records = Vec::with_capacity(users.len());
        for ((reads, _), fetched) in users.into_iter().zip(fetched) {
            let keys = reads.into_iter().map(|read| read.key);
            records.push(self.assemble(keys, fetched, undecodable).await);
        }
        Ok(records)
    }

    /// Puts the entry's id into an error that knows its number only.
    pub(super) fn named(&self, error: Error) -> Error {
        // A comparison counts the expected values first, and then those to be written.
        let count = self.config.entries.len();
        Self::named_by(error, |index| self.config.entries.get(index % count))
    }

    /// The same for a call on the history list too, which comes last.
    pub(super) fn named_among_all(&self, error: Error) -> Error {
        Self::named_by(error, |index| self.entry(index))
    }

    /// The entry of this number; the last one is the history list, if there is one.
    pub(super) fn entry(&self, index: usize) -> Option<&Entry> {
        let list = || self.config.history_list.as_ref().map(|list| &list.entry);
        self.config.entries.get(index).or_else(list)
    }

    /// What the entry of this number is in Redis.
    pub(super) fn value_type(&self, index: usize) -> ValueType {
        match self.config.entries.get(index) {
            Some(_) => ValueType::String,
            None => ValueType::List,
        }
    }

    fn named_by<'a>(mut error: Error, entry: impl Fn(usize) -> Option<&'a Entry>) -> Error {
        if let Error::Value { place, .. } | Error::Ttl { place, .. } | Error::SeveralSlots { place } =
            &mut error
            && let Some(entry) = entry(place.index())
        {
            *place = place.clone().named(&entry.id);
        }
        error
    }
}

impl fmt::Debug for StateStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StateStore")
            .field("connection", &self.config.connection)
            .field("key_prefix", &self.config.keys.prefix)
            .field("entries", &self.config.entries)
            .field("elements", &self.config.elements)
            .finish_non_exhaustive()
    }
}
