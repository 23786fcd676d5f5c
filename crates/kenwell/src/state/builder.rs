//! How a state store is set up, and what is checked before it is used.

mod check;

pub use check::MAX_ENTRIES;

use std::sync::Arc;

use super::codec::Codec;
#[cfg(feature = "encryption")]
use super::codec::Plaintext;
#[cfg(feature = "encryption")]
use super::encryption::KeyRing;
#[cfg(feature = "encryption")]
use super::hashing::UserIdHash;
use super::history_list::HistoryList;
use super::hooks::{Hook, HookError, HookValue, KeyRequest};
use super::key::{Keys, Layout};
#[cfg(feature = "profile")]
use super::profile;
use super::record_form::RecordForm;
use super::store::{Refresh, StoreConfig};
use super::{Entry, Error, HistoryElement, StateStore, StoredElements, Timestamp};
use crate::connection::Connection;

/// The most bytes of one entry in Redis unless something else is said: 16 MiB.
pub const DEFAULT_MAX_ENTRY_BYTES: usize = 16 << 20;

/// Sets up a [`StateStore`]. What is not said is as in Jovo: one entry `data` that holds everything,
/// for ever, at `data:<user id>`.
pub struct Builder {
    config: StoreConfig,
}

impl StateStore {
    /// Begins to set up a store.
    pub fn builder(connection: Connection) -> Builder {
        Builder {
            config: StoreConfig {
                connection,
                keys: Keys {
                    prefix: "".into(),
                    separator: ":".into(),
                    layout: Layout::Plain,
                    hash: None,
                    hook: None,
                },
                entries: vec![Entry::new("data").everything()],
                elements: StoredElements::default(),
                history_list: None,
                codec: Codec {
                    max_bytes: DEFAULT_MAX_ENTRY_BYTES,
                    ..Codec::default()
                },
                refresh: Refresh::OnSave,
                profile: None,
                form: RecordForm::Jovo,
                clock: Arc::new(Timestamp::now),
                users: Arc::default(),
            },
        }
    }
}

impl Builder {
    /// What all keys begin with; nothing by default.
    #[must_use]
    pub fn key_prefix(mut self, prefix: &str) -> Self {
        self.config.keys.prefix = prefix.into();
        self
    }

    /// What stands between the parts of a key; `:` by default. User ids that contain it can collide.
    #[must_use]
    pub fn key_separator(mut self, separator: &str) -> Self {
        self.config.keys.separator = separator.into();
        self
    }

    /// The Redis keys that a record is spread over. Where two of them hold the same part, the later
    /// one wins on loading.
    #[must_use]
    pub fn entries(mut self, entries: impl IntoIterator<Item = Entry>) -> Self {
        self.config.entries = entries.into_iter().collect();
        self
    }

    /// Which parts are stored at all: neither sessions nor histories, unless it is said here. To save a record that has a part
    /// which is not stored is an error.
    #[must_use]
    pub fn elements(mut self, elements: StoredElements) -> Self {
        self.config.elements = elements;
        self
    }

    /// Keeps a history in a Redis list beside the record, for [`append_history`](StateStore::append_history). The entry
    /// gives the list's id, its time to live, and whether its items are encrypted; the element how many turns stay, at
    /// most [`MAX_HISTORY_LIST`](super::MAX_HISTORY_LIST), and what is kept of each. Not Jovo's layout: a record's own
    /// [history](super::Record::history) is another one, and stays as it is.
    #[must_use]
    pub fn history_list(mut self, entry: Entry, element: HistoryElement) -> Self {
        self.config.history_list = Some(HistoryList { entry, element });
        self
    }

    /// Names keys by a closure, once for each entry and call. Different users must get different
    /// keys, and so must entries.
    #[must_use]
    pub fn on_create_key<A, E>(
        mut self,
        hook: impl Fn(KeyRequest) -> Result<A, E> + Send + Sync + 'static,
    ) -> Self
    where
        A: Into<Vec<u8>>,
        E: Into<HookError>,
    {
        self.config.keys.hook = Some(Hook::direct(hook));
        self
    }

    /// [`on_create_key`](Self::on_create_key) for a closure that has to wait for something.
    #[must_use]
    pub fn on_create_key_async<A, E, F>(
        mut self,
        hook: impl Fn(KeyRequest) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<A, E>> + Send + 'static,
        A: Into<Vec<u8>>,
        E: Into<HookError>,
    {
        self.config.keys.hook = Some(Hook::waiting(hook));
        self
    }

    /// Turns JSON into what is stored. Nothing is sent before all entries are encoded, so a hook that
    /// fails writes nothing.
    #[must_use]
    pub fn on_encode_value<A, E>(
        mut self,
        hook: impl Fn(HookValue) -> Result<A, E> + Send + Sync + 'static,
    ) -> Self
    where
        A: Into<Vec<u8>>,
        E: Into<HookError>,
    {
        self.config.codec.encode = Some(Hook::direct(hook));
        self
    }

    /// [`on_encode_value`](Self::on_encode_value) for a closure that has to wait for something.
    #[must_use]
    pub fn on_encode_value_async<A, E, F>(
        mut self,
        hook: impl Fn(HookValue) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<A, E>> + Send + 'static,
        A: Into<Vec<u8>>,
        E: Into<HookError>,
    {
        self.config.codec.encode = Some(Hook::waiting(hook));
        self
    }

    /// Turns what is stored back into JSON. What it fails with becomes [`Error::Undecodable`].
    #[must_use]
    pub fn on_decode_value<A, E>(
        mut self,
        hook: impl Fn(HookValue) -> Result<A, E> + Send + Sync + 'static,
    ) -> Self
    where
        A: Into<Vec<u8>>,
        E: Into<HookError>,
    {
        self.config.codec.decode = Some(Hook::direct(hook));
        self
    }

    /// [`on_decode_value`](Self::on_decode_value) for a closure that has to wait for something.
    #[must_use]
    pub fn on_decode_value_async<A, E, F>(
        mut self,
        hook: impl Fn(HookValue) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<A, E>> + Send + 'static,
        A: Into<Vec<u8>>,
        E: Into<HookError>,
    {
        self.config.codec.decode = Some(Hook::waiting(hook));
        self
    }

    /// The keys for [encrypted](Entry::encrypted) entries: the first one seals, all of them open.
    #[cfg(feature = "encryption")]
    #[must_use]
    pub fn encryption(mut self, keys: KeyRing) -> Self {
        self.config.codec.keys = Some(keys);
        self
    }

    /// Reads plaintext in encrypted entries too, and seals it with the next save. For the time of a
    /// migration only: everybody who can write to Redis can then put anything there.
    #[cfg(feature = "encryption")]
    #[must_use]
    pub fn accept_plaintext(mut self) -> Self {
        self.config.codec.plaintext = Plaintext::Accept;
        self
    }

    /// Puts a keyed hash of the user id into keys instead of the id. [`on_create_key`](Self::on_create_key) is asked with
    /// the hash too.
    #[cfg(feature = "encryption")]
    #[must_use]
    pub fn hash_user_ids(mut self, hash: UserIdHash) -> Self {
        self.config.keys.hash = Some(hash);
        self
    }

    /// Writes the user id in braces, `data:{<user id>}`, so that a cluster keeps all entries of a user
    /// in one slot and saves them as a whole. Not Jovo's layout: what was stored before is not found.
    #[must_use]
    pub fn cluster_hash_tag(mut self) -> Self {
        self.config.keys.layout = Layout::HashTag;
        self
    }

    /// Lets the time to live of entries begin anew with each load too.
    #[must_use]
    pub fn refresh_on_load(mut self) -> Self {
        self.config.refresh = Refresh::OnLoad;
        self
    }

    /// The most bytes of one entry as it is stored; [`DEFAULT_MAX_ENTRY_BYTES`] by default. Redis
    /// itself takes 512 MB.
    #[must_use]
    pub fn max_entry_bytes(mut self, bytes: usize) -> Self {
        self.config.codec.max_bytes = bytes;
        self
    }

    /// Reads the user's profile with each load, in the same round trip. The profile's key holds the
    /// user id as it is, also where state keys hold its hash.
    #[cfg(feature = "profile")]
    #[must_use]
    pub fn profile(mut self, layout: profile::Layout) -> Self {
        self.config.profile = Some(layout);
        self
    }

    /// Writes and reads records as the `StateStore` of the Node package does: parts that a record does not have are not
    /// written, data such as `0` and `null` is read as it is, and no save has the `updatedAt` of the one before, so
    /// that a copy of a record can be known by it.
    #[must_use]
    pub fn records_as_documents(mut self) -> Self {
        self.config.form = RecordForm::Document;
        self
    }

    /// Where the time comes from; the system's clock by default.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.config.clock = Arc::new(clock);
        self
    }

    /// Checks what was said. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] names what cannot work.
    pub fn build(self) -> Result<StateStore, Error> {
        check::all(&self.config)?;
        Ok(StateStore::new(self.config))
    }
}
