//! Sessions of [tower-sessions](https://docs.rs/tower-sessions) in Redis, with the feature `tower-sessions`.
//!
//! ```no_run
//! # fn example() -> Result<(), kenwell::Error> {
//! use kenwell::connection::{Connection, Settings};
//! use kenwell::tower_sessions::RedisStore;
//!
//! let connection = Connection::new(Settings::from_url("redis://127.0.0.1:6379")?)?;
//! let store = RedisStore::new(connection).key_prefix("shop");
//! // tower_sessions::SessionManagerLayer::new(store)
//! # Ok(())
//! # }
//! ```
//!
//! ```text
//! GET shop:session:Hr5ztWLqHfPhrTOPt6q4BA
//! {"data":{"cart":["tea"]},"expiresAt":"2026-12-13T12:00:00.000Z"}
//! ```
//!
//! # What holds
//!
//! * Requests of one session that overlap lose nothing of each other: a save changes what the request has changed, name
//!   by name, and leaves what others have written meanwhile. Where two change the same name, the later save wins.
//! * A session that has ended meanwhile, because it was deleted, got a new id, or expired, stays ended: a request that
//!   began before does not bring it back. Its save is `Ok`, as if it had come first.
//! * A new session never takes the id of another one.
//! * Redis forgets a session by itself, in the same command that wrote it, so nothing has to be cleaned up.
//! * A save that did not happen for another reason is an error, which tells neither the session's id nor its data.
//!
//! # How changes are found
//!
//! The interface of a store gives only the record to be saved. So a record that is loaded carries along, under a name of
//! ours that [`Session`](tower_sessions_core::Session) shows nobody, the text that it was read from. A save compares
//! that with what is stored, in one atomic step, and where that has changed it merges and begins again. A record without
//! it, as after [`clear`](tower_sessions_core::Session::clear), replaces the whole.

mod changes;
mod sealing;
mod store;
mod stored_session;

pub use store::{MAX_SESSION_BYTES, RedisStore};
pub use stored_session::MAX_SESSION_DEPTH;
