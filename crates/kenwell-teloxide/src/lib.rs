//! Dialogues of [teloxide], the framework for Telegram bots, in Redis.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use kenwell::connection::{Connection, Settings};
//! use kenwell_teloxide::RedisStorage;
//! use teloxide::dispatching::dialogue::serializer::Json;
//! use teloxide::types::ChatId;
//!
//! # #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
//! # enum State { #[default] Start, GotNumber(i32) }
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let connection = Connection::new(Settings::from_url("redis://127.0.0.1:6379")?)?;
//! let storage = Arc::new(RedisStorage::new(connection, Json).key_prefix("bot"));
//! // Dispatcher::builder(bot, handler).dependencies(dptree::deps![Arc::clone(&storage)])
//!
//! // From anywhere in the program, whatever a handler does meanwhile:
//! let next = |state: Option<State>| match state {
//!     Some(State::GotNumber(number)) => State::GotNumber(number + 1),
//!     _ => State::GotNumber(0),
//! };
//! storage.change_dialogue(ChatId(7), next).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What holds
//!
//! * Without a prefix keys and values are those of teloxide's own `RedisStorage`: the key is the chat's id in decimal, the
//!   value is what the serializer makes.
//! * An update that did not happen is an error. Value and time to live are set by one command.
//! * Calls on one chat, through one connection and its clones, take effect in the order in which they were begun.
//! * [`change_dialogue`](RedisStorage::change_dialogue) loses nothing that somebody else writes meanwhile. The trait's own
//!   `update_dialogue` replaces whatever is stored, as in teloxide's storages: within one program teloxide handles the updates of
//!   one chat one after the other, but several programs do not wait for each other.

mod error;
mod storage;

pub use error::RedisStorageError;
pub use storage::{MAX_CHANGE_ATTEMPTS, RedisStorage};

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
