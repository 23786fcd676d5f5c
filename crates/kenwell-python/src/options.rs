//! How records are stored, from the JSON that `kenwell/_options.py` makes.

use std::time::Duration;

use kenwell::connection::Connection;
use kenwell::profile::{Layout, Prefix};
use kenwell::state::encryption::{self, Key, KeyRing};
use kenwell::state::hashing::UserIdHash;
use kenwell::state::{
    Builder, Entry, Error, HistoryElement, SessionElement, StateStore, StoredElements,
};
use serde::Deserialize;

/// All options of a store. `kenwell/_options.py` has put the defaults in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreOptions {
    key_prefix: String,
    key_separator: String,
    entries: Vec<EntryOptions>,
    elements: Elements,
    history_list: Option<HistoryList>,
    encryption: Option<Encryption>,
    hash_user_ids: Option<String>,
    cluster_hash_tag: bool,
    refresh_on_load: bool,
    max_entry_bytes: Option<usize>,
    /// The prefix of profiles, when they are to be read along.
    profile: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "an entry's flags are the configuration's own words"
)]
struct EntryOptions {
    id: String,
    user: bool,
    session: bool,
    history: bool,
    created_at: bool,
    updated_at: bool,
    ttl_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "which parts are stored are the configuration's own words"
)]
struct Elements {
    user: bool,
    session: bool,
    /// A session without one never ends.
    session_expires_after_seconds: Option<u64>,
    history: bool,
    /// A history without one keeps all turns.
    history_size: Option<usize>,
    history_fields: Option<Vec<String>>,
    created_at: bool,
    updated_at: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryList {
    id: String,
    size: usize,
    fields: Option<Vec<String>>,
    ttl_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Encryption {
    keys: Vec<KeyOptions>,
    /// All, unless some are named.
    entries: Option<Vec<String>>,
    accept_plaintext: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyOptions {
    id: String,
    secret: String,
}

impl StoreOptions {
    /// The store over this connection. Nothing is sent yet.
    pub(crate) fn store(self, connection: Connection) -> Result<StateStore, Error> {
        let mut builder = StateStore::builder(connection)
            .key_prefix(&self.key_prefix)
            .key_separator(&self.key_separator)
            .elements(self.elements.stored())
            .records_as_documents();
        let covers = |id: &str| match &self.encryption {
            None => false,
            Some(encryption) => encryption
                .entries
                .as_ref()
                .is_none_or(|ids| ids.iter().any(|it| it == id)),
        };
        let entries = self
            .entries
            .iter()
            .map(|given| sealed_if(given.entry(), covers(&given.id)));
        builder = builder.entries(entries);
        if let Some(list) = self.history_list {
            let entry = Entry::new(&list.id).ttl_seconds(list.ttl_seconds);
            let entry = sealed_if(entry, covers(&list.id));
            let (size, fields) = (list.size, list.fields);
            builder = builder.history_list(entry, HistoryElement { size, fields });
        }
        if let Some(encryption) = &self.encryption {
            builder = encryption.put_into(builder)?;
        }
        if let Some(secret) = &self.hash_user_ids {
            let hash = UserIdHash::new(secret.as_bytes());
            let hash = hash.map_err(|short| wrong("hash_user_ids", short.to_string()))?;
            builder = builder.hash_user_ids(hash);
        }
        if self.cluster_hash_tag {
            builder = builder.cluster_hash_tag();
        }
        if self.refresh_on_load {
            builder = builder.refresh_on_load();
        }
        if let Some(bytes) = self.max_entry_bytes {
            builder = builder.max_entry_bytes(bytes);
        }
        if let Some(prefix) = &self.profile {
            builder = builder.profile(profile_layout(prefix));
        }
        builder.build()
    }

    /// Whether saves store `createdAt` and `updatedAt`, so that a record can be told.
    pub(crate) fn stores_times(&self) -> (bool, bool) {
        let elements = &self.elements;
        (
            elements.created_at && self.entries.iter().any(|entry| entry.created_at),
            elements.updated_at && self.entries.iter().any(|entry| entry.updated_at),
        )
    }
}

impl EntryOptions {
    fn entry(&self) -> Entry {
        let mut entry = Entry::new(&self.id).ttl_seconds(self.ttl_seconds);
        if self.user {
            entry = entry.user();
        }
        if self.session {
            entry = entry.session();
        }
        if self.history {
            entry = entry.history();
        }
        if self.created_at {
            entry = entry.created_at();
        }
        if self.updated_at {
            entry = entry.updated_at();
        }
        entry
    }
}

impl Elements {
    fn stored(&self) -> StoredElements {
        let expires_after = self.session_expires_after_seconds;
        let expires_after = expires_after.map_or(Duration::MAX, Duration::from_secs);
        let size = self.history_size.unwrap_or(usize::MAX);
        let fields = self.history_fields.clone();
        StoredElements {
            user: self.user,
            session: self.session.then_some(SessionElement { expires_after }),
            history: self.history.then_some(HistoryElement { size, fields }),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

impl Encryption {
    fn put_into(&self, builder: Builder) -> Result<Builder, Error> {
        let keys = self.keys.iter().map(|key| Key::parse(&key.id, &key.secret));
        let ring = keys.collect::<Result<_, encryption::Error>>();
        let ring = ring.and_then(KeyRing::new);
        let ring = ring.map_err(|error| wrong("encryption", error.to_string()))?;
        let builder = builder.encryption(ring);
        Ok(if self.accept_plaintext {
            builder.accept_plaintext()
        } else {
            builder
        })
    }
}

/// Where profiles lie: `[prefix:]user:<user id>`.
pub(crate) fn profile_layout(prefix: &str) -> Layout {
    Layout {
        prefix: Prefix::parse(prefix),
        ..Layout::default()
    }
}

fn sealed_if(entry: Entry, covered: bool) -> Entry {
    if covered { entry.encrypted() } else { entry }
}

fn wrong(setting: &'static str, problem: String) -> Error {
    Error::Setting { setting, problem }
}
