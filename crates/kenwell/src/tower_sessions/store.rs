//! The store of sessions.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use tower_sessions_core::SessionStore;
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store::{Error, Result};

use super::changes::merge;
use super::sealing::Sealing;
use super::stored_session::{StoredSession, carried, carry_along, expiry_of, text_of};
use crate::connection::Connection;
use crate::state::values::{self, DatedValue, Exchange, Read};
use crate::state::{self, MAX_UPDATE_ATTEMPTS, Timestamp};

/// The largest session, in bytes as it is stored. A larger one is an error before anything is sent.
pub const MAX_SESSION_BYTES: usize = 16 * 1024 * 1024;

/// How many ids a new session tries. Ids have 128 random bits, so that even one that is taken means that something else
/// is wrong; or that the connection broke when the first one had been stored.
const MAX_IDS: usize = 8;

/// Keeps sessions in Redis, for the layer of tower-sessions. Cheap to clone; clones share the connection.
///
/// A session lies at `[prefix:]session:<id>`, as JSON. See [the module](super) for what holds.
#[derive(Debug, Clone)]
pub struct RedisStore {
    connection: Connection,
    prefix: Arc<str>,
    sealing: Sealing,
}

impl RedisStore {
    /// A store on this connection.
    pub fn new(connection: Connection) -> Self {
        Self {
            connection,
            prefix: "".into(),
            sealing: Sealing::default(),
        }
    }

    /// What stands before all keys, with a `:` behind it; nothing by default.
    #[must_use]
    pub fn key_prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Seals sessions with the first key of a ring. The Redis key is part of what is sealed, so a session cannot be
    /// copied to another id.
    #[cfg(feature = "encryption")]
    #[must_use]
    pub fn encryption(mut self, keys: state::encryption::KeyRing) -> Self {
        self.sealing.keys = Some(keys);
        self
    }

    /// Reads sessions that are not sealed too, and seals them with the next save: for as long as there are any from
    /// before [`encryption`](Self::encryption).
    #[cfg(feature = "encryption")]
    #[must_use]
    pub fn accept_plaintext(mut self) -> Self {
        self.sealing.plaintext = super::sealing::Plaintext::Accept;
        self
    }

    fn key(&self, id: &Id) -> Vec<u8> {
        let prefix = &self.prefix;
        match &**prefix {
            "" => format!("session:{id}"),
            prefix => format!("{prefix}:session:{id}"),
        }
        .into_bytes()
    }

    /// What is stored at a key, as it is; `None` for nothing.
    async fn fetch(&self, key: &[u8]) -> Result<Option<String>> {
        let read = Read {
            key: key.to_vec(),
            refresh_seconds: None,
        };
        let fetched = values::fetch(&self.connection, &[read], None).await;
        let value = fetched.map_err(failed)?.values.pop();
        let Some(bytes) = value.transpose().map_err(failed)?.flatten() else {
            return Ok(None);
        };
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_told| Error::Decode("what is stored is no text".to_owned()));
        text.map(Some)
    }

    fn parse(&self, key: &[u8], stored: &str) -> Result<StoredSession> {
        StoredSession::parse(&self.sealing.open(key, stored)?)
    }

    /// What is to be stored of a session.
    fn encode(&self, key: &[u8], text: String) -> Result<String> {
        let stored = self.sealing.seal(key, text)?;
        if stored.len() > MAX_SESSION_BYTES {
            let bytes = stored.len();
            let problem = format!("{bytes} bytes are more than {MAX_SESSION_BYTES}");
            return Err(Error::Encode(problem));
        }
        Ok(stored)
    }

    /// Makes the changes that lead from what was loaded to this record.
    async fn save_changes(&self, key: &[u8], loaded: &str, record: &Record) -> Result<()> {
        let expires_at = expiry_of(record);
        let mut expected = Cow::Borrowed(loaded);
        let mut data = Cow::Borrowed(&record.data);
        let mut was_uncertain = false;
        for _attempt in 0..MAX_UPDATE_ATTEMPTS {
            let stored = self.encode(key, text_of(&data, expires_at)?)?;
            let value = dated(key, &stored, expires_at);
            match values::exchange(&self.connection, expected.as_bytes(), &value).await {
                Ok(Exchange::Written | Exchange::Absent) => return Ok(()),
                Ok(Exchange::Changed) => {}
                // Should it be there already, making the same changes again does no harm.
                Err(state::Error::Uncertain { .. }) if !was_uncertain => was_uncertain = true,
                Err(error) => return Err(failed(error)),
            }
            let Some(stored) = self.fetch(key).await? else {
                return Ok(());
            };
            let before = self.parse(key, loaded)?.data;
            let now = self.parse(key, &stored)?.data;
            data = Cow::Owned(merge(&before, &record.data, now));
            expected = Cow::Owned(stored);
        }
        Err(failed(state::Error::Conflict))
    }
}

#[async_trait]
impl SessionStore for RedisStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let expires_at = expiry_of(record);
        let text = text_of(&record.data, expires_at)?;
        if expires_at <= Timestamp::now() {
            return Ok(());
        }
        for _attempt in 0..MAX_IDS {
            let key = self.key(&record.id);
            let stored = self.encode(&key, text.clone())?;
            let value = dated(&key, &stored, expires_at);
            if values::create(&self.connection, &value)
                .await
                .map_err(failed)?
            {
                carry_along(&mut record.data, stored);
                return Ok(());
            }
            record.id = Id::default();
        }
        let problem = format!("of {MAX_IDS} random ids for a new session each was taken");
        Err(Error::Backend(problem))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let expires_at = expiry_of(record);
        if expires_at <= Timestamp::now() {
            return self.delete(&record.id).await;
        }
        let key = self.key(&record.id);
        if let Some(loaded) = carried(&record.data) {
            return self.save_changes(&key, loaded, record).await;
        }
        let stored = self.encode(&key, text_of(&record.data, expires_at)?)?;
        let value = dated(&key, &stored, expires_at);
        // A session that is not there any more has ended.
        let replaced = values::replace(&self.connection, &value).await;
        replaced.map(drop).map_err(failed)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let key = self.key(id);
        let Some(stored) = self.fetch(&key).await? else {
            return Ok(None);
        };
        let session = self.parse(&key, &stored)?;
        if session.expires_at <= Timestamp::now() {
            return Ok(None);
        }
        session.into_record(*id, stored).map(Some)
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let removed = values::remove(&self.connection, &[self.key(id)]).await;
        removed.map(drop).map_err(failed)
    }
}

fn dated<'a>(key: &'a [u8], stored: &'a str, until: Timestamp) -> DatedValue<'a> {
    DatedValue {
        key,
        value: stored.as_bytes(),
        // It lies in the future.
        until: u64::try_from(until.as_milliseconds()).unwrap_or_default(),
    }
}

/// The error without the key, which is as good as a password: it holds the session's id, and errors are logged.
fn failed(error: state::Error) -> Error {
    Error::Backend(match error {
        state::Error::Value { source, .. } => source.to_string(),
        error => error.to_string(),
    })
}
