//! The storage of dialogues.

use std::fmt::{self, Debug, Display};
use std::pin::Pin;
use std::sync::Arc;

use kenwell::connection::Connection;
use kenwell::state::values::{self, Expected, Read, Write};
use kenwell::state::{Error, MAX_UPDATE_ATTEMPTS};
use teloxide::dispatching::dialogue::{Serializer, Storage};
use teloxide::types::ChatId;

use super::error::RedisStorageError;

/// How often [`RedisStorage::change_dialogue`] loads, changes and stores at most.
pub const MAX_CHANGE_ATTEMPTS: usize = MAX_UPDATE_ATTEMPTS;

type Future<T, SE> =
    Pin<Box<dyn std::future::Future<Output = Result<T, RedisStorageError<SE>>> + Send>>;

/// Keeps the dialogue of each chat in Redis, at `[prefix:]<chat id>`.
#[derive(Clone)]
pub struct RedisStorage<S> {
    connection: Connection,
    prefix: Arc<str>,
    ttl_seconds: Option<u64>,
    serializer: S,
}

impl<S> RedisStorage<S> {
    /// A storage on this connection. It opens when it is first needed.
    pub fn new(connection: Connection, serializer: S) -> Self {
        Self {
            connection,
            prefix: "".into(),
            ttl_seconds: None,
            serializer,
        }
    }

    /// What stands before all keys, with a `:` behind it. Nothing by default, as in teloxide's own storage; give one where
    /// other programs, or other bots, use the same database.
    #[must_use]
    pub fn key_prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long Redis keeps a dialogue after its latest update, in whole seconds, at most
    /// [`MAX_TTL_SECONDS`](kenwell::state::values::MAX_TTL_SECONDS). 0, and saying nothing, mean for ever.
    #[must_use]
    pub fn ttl_seconds(mut self, seconds: u64) -> Self {
        self.ttl_seconds = Some(seconds);
        self
    }

    /// Lets a function change the dialogue of a chat, and gives what is stored then.
    ///
    /// The dialogue is loaded, changed, and stored if nobody else has stored meanwhile. Otherwise it begins again with what is stored
    /// then, at most [`MAX_CHANGE_ATTEMPTS`] times; so the function may be called several times.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when somebody else was faster each time, and [`Error::Uncertain`] when the connection broke while it
    /// was being stored; both within [`RedisStorageError::RedisError`].
    pub async fn change_dialogue<D>(
        &self,
        ChatId(chat): ChatId,
        mut change: impl FnMut(Option<D>) -> D,
    ) -> Result<D, RedisStorageError<S::Error>>
    where
        S: Serializer<D>,
        S::Error: Debug + Display,
    {
        let key = self.key(chat);
        for _attempt in 0..MAX_CHANGE_ATTEMPTS {
            let stored = self.fetch(&key).await?;
            let before = stored.as_deref().map(|it| self.serializer.deserialize(it));
            let before = before.transpose().map_err(RedisStorageError::SerdeError)?;
            let dialogue = change(before);
            let write = self.write(key.clone(), &dialogue);
            let writes = [write.map_err(RedisStorageError::SerdeError)?];
            let expected = Expected {
                key: key.clone(),
                value: stored,
            };
            if values::store_unchanged(&self.connection, &[expected], &writes).await? {
                return Ok(dialogue);
            }
        }
        Err(Error::Conflict.into())
    }

    fn key(&self, chat: i64) -> Vec<u8> {
        match &*self.prefix {
            "" => chat.to_string(),
            prefix => format!("{prefix}:{chat}"),
        }
        .into_bytes()
    }

    async fn fetch(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let read = Read {
            key: key.to_vec(),
            refresh_seconds: None,
        };
        let mut fetched = values::fetch(&self.connection, &[read], None).await?;
        fetched.values.pop().transpose().map(Option::flatten)
    }

    fn write<D>(&self, key: Vec<u8>, dialogue: &D) -> Result<Write, S::Error>
    where
        S: Serializer<D>,
    {
        Ok(Write {
            key,
            value: self.serializer.serialize(dialogue)?,
            ttl_seconds: self.ttl_seconds,
        })
    }
}

impl<S, D> Storage<D> for RedisStorage<S>
where
    S: Send + Sync + Serializer<D> + 'static,
    S::Error: Debug + Display + Send,
    D: Send + 'static,
{
    type Error = RedisStorageError<S::Error>;

    fn remove_dialogue(self: Arc<Self>, ChatId(chat): ChatId) -> Future<(), S::Error> {
        Box::pin(async move {
            match values::remove(&self.connection, &[self.key(chat)]).await? {
                0 => Err(RedisStorageError::DialogueNotFound),
                _ => Ok(()),
            }
        })
    }

    fn update_dialogue(self: Arc<Self>, ChatId(chat): ChatId, dialogue: D) -> Future<(), S::Error> {
        Box::pin(async move {
            let write = self.write(self.key(chat), &dialogue);
            let write = write.map_err(RedisStorageError::SerdeError)?;
            Ok(values::store(&self.connection, &[write]).await?)
        })
    }

    fn get_dialogue(self: Arc<Self>, ChatId(chat): ChatId) -> Future<Option<D>, S::Error> {
        Box::pin(async move {
            let stored = self.fetch(&self.key(chat)).await?;
            let dialogue = stored.map(|it| self.serializer.deserialize(&it));
            dialogue.transpose().map_err(RedisStorageError::SerdeError)
        })
    }
}

impl<S> fmt::Debug for RedisStorage<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisStorage")
            .field("connection", &self.connection)
            .field("prefix", &self.prefix)
            .field("ttl_seconds", &self.ttl_seconds)
            .finish_non_exhaustive()
    }
}
