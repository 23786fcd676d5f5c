//! A state store whose calls wait for their answers.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Connection;
use crate::state::{self, Builder, Error, HookError, Json, Record, SaveOptions, StoredEntry};

/// A [`StateStore`](crate::state::StateStore) for programs without async. Cheap to clone; clones share the connection.
///
/// Its calls are those of that store, by the same names, with the same promises and errors. Within async code each of
/// them is [`crate::Error::WithinAsync`].
#[derive(Clone)]
pub struct StateStore {
    inner: state::StateStore,
    connection: Connection,
}

impl StateStore {
    /// A store on this connection, set up by a function.
    ///
    /// ```no_run
    /// use kenwell::blocking::{Connection, StateStore};
    /// use kenwell::state::Entry;
    /// # fn example(connection: Connection) -> Result<(), kenwell::state::Error> {
    /// let store = StateStore::build(&connection, |builder| {
    ///     let data = Entry::new("data").everything().ttl_seconds(86_400);
    ///     builder.key_prefix("bot").entries([data])
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for what cannot work.
    pub fn build(
        connection: &Connection,
        set_up: impl FnOnce(Builder) -> Builder,
    ) -> Result<Self, Error> {
        let builder = state::StateStore::builder(connection.inner().clone());
        Ok(Self {
            inner: set_up(builder).build()?,
            connection: connection.clone(),
        })
    }

    /// As [`load`](state::StateStore::load).
    pub fn load(&self, user_id: &str) -> Result<Option<Record>, Error> {
        self.wait_for(self.inner.load(user_id))
    }

    /// As [`load_or_new`](state::StateStore::load_or_new).
    pub fn load_or_new(&self, user_id: &str) -> Result<Record, Error> {
        self.wait_for(self.inner.load_or_new(user_id))
    }

    /// As [`load_readable`](state::StateStore::load_readable).
    pub fn load_readable(&self, user_id: &str) -> Result<Record, Error> {
        self.wait_for(self.inner.load_readable(user_id))
    }

    /// As [`load_many`](state::StateStore::load_many).
    pub fn load_many(
        &self,
        user_ids: &[&str],
    ) -> Result<Vec<Result<Option<Record>, Error>>, Error> {
        self.wait_for(self.inner.load_many(user_ids))
    }

    /// As [`save`](state::StateStore::save).
    pub fn save(&self, user_id: &str, record: &mut Record) -> Result<(), Error> {
        self.wait_for(self.inner.save(user_id, record))
    }

    /// As [`save_if_unchanged`](state::StateStore::save_if_unchanged).
    pub fn save_if_unchanged(&self, user_id: &str, record: &mut Record) -> Result<(), Error> {
        self.wait_for(self.inner.save_if_unchanged(user_id, record))
    }

    /// As [`save_with`](state::StateStore::save_with).
    pub fn save_with(
        &self,
        user_id: &str,
        record: &mut Record,
        options: &SaveOptions,
    ) -> Result<(), Error> {
        self.wait_for(self.inner.save_with(user_id, record, options))
    }

    /// As [`update`](state::StateStore::update).
    pub fn update<T, E: Into<HookError>>(
        &self,
        user_id: &str,
        change: impl FnMut(&mut Record) -> Result<T, E>,
    ) -> Result<T, Error> {
        self.wait_for(self.inner.update(user_id, change))
    }

    /// As [`touch`](state::StateStore::touch).
    pub fn touch(&self, user_id: &str) -> Result<bool, Error> {
        self.wait_for(self.inner.touch(user_id))
    }

    /// As [`touch_for`](state::StateStore::touch_for).
    pub fn touch_for(&self, user_id: &str, ttl_seconds: u64) -> Result<bool, Error> {
        self.wait_for(self.inner.touch_for(user_id, ttl_seconds))
    }

    /// As [`exists`](state::StateStore::exists).
    pub fn exists(&self, user_id: &str) -> Result<bool, Error> {
        self.wait_for(self.inner.exists(user_id))
    }

    /// As [`delete`](state::StateStore::delete).
    pub fn delete(&self, user_id: &str) -> Result<bool, Error> {
        self.wait_for(self.inner.delete(user_id))
    }

    /// As [`append_history`](state::StateStore::append_history).
    pub fn append_history<T: Serialize + ?Sized>(
        &self,
        user_id: &str,
        item: &T,
    ) -> Result<(), Error> {
        self.wait_for(self.inner.append_history(user_id, item))
    }

    /// As [`history`](state::StateStore::history).
    pub fn history<T: DeserializeOwned>(&self, user_id: &str) -> Result<Vec<T>, Error> {
        self.wait_for(self.inner.history(user_id))
    }

    /// As [`history_json`](state::StateStore::history_json).
    pub fn history_json(&self, user_id: &str) -> Result<Vec<Json>, Error> {
        self.wait_for(self.inner.history_json(user_id))
    }

    /// As [`stored_entries`](state::StateStore::stored_entries).
    pub fn stored_entries(&self, user_id: &str) -> Result<Vec<StoredEntry>, Error> {
        self.wait_for(self.inner.stored_entries(user_id))
    }

    /// As [`keys`](state::StateStore::keys).
    pub fn keys(&self, user_id: &str) -> Result<Vec<Vec<u8>>, Error> {
        self.wait_for(self.inner.keys(user_id))
    }

    /// As [`close`](state::StateStore::close).
    pub fn close(&self, timeout: Duration) -> Result<(), Error> {
        self.wait_for(self.inner.close(timeout))
    }

    fn wait_for<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.connection.wait_for(call)?
    }
}

impl fmt::Debug for StateStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(formatter)
    }
}
