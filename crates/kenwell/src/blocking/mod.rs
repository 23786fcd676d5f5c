//! The library for programs without async: the same calls, each of which waits for its answer.
//!
//! With the features `state` and `profile`:
//!
//! ```no_run
//! use kenwell::blocking::{Connection, StateStore, profile};
//! use kenwell::connection::Settings;
//! use kenwell::profile::Layout;
//!
//! # #[derive(Default, serde::Serialize, serde::Deserialize)] struct User { visits: u32 }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let connection = Connection::new(Settings::from_url("redis://127.0.0.1:6379")?)?;
//! let store = StateStore::build(&connection, |builder| builder.key_prefix("bot"))?;
//!
//! let mut record = store.load_or_new("ada")?;
//! let mut user: User = record.user()?.unwrap_or_default();
//! user.visits += 1;
//! record.set_user(&user)?;
//! store.save("ada", &mut record)?;
//!
//! let traits = profile::read(&connection, &Layout::default(), "ada")?;
//! # Ok(())
//! # }
//! ```
//!
//! What holds for the [state store](crate::state) and for [connections](crate::connection::Connection) holds here too:
//! order, time limits, errors. Records, settings and layouts are theirs.
//!
//! # Threads
//!
//! Each [`Connection`] has one thread of its own, called `kenwell`, that moves its bytes. It ends with the last clone of
//! the connection, and of the stores on it; dropping that one waits for it, at most [`END_LIMIT`]. Calls may come from
//! as many threads as there are.
//!
//! In a program that has a runtime of tokio as well, call it from other threads or within
//! [`spawn_blocking`](tokio::task::spawn_blocking). A call within async code would hold its thread up, and is refused with
//! [`Error::WithinAsync`](crate::Error::WithinAsync): await the [state store](crate::state::StateStore) there.

mod async_code;
mod connection;
#[cfg(feature = "profile")]
pub mod profile;
mod runtime_thread;
#[cfg(feature = "state")]
mod store;
mod waiting;

pub use connection::Connection;
pub use runtime_thread::END_LIMIT;
#[cfg(feature = "state")]
pub use store::StateStore;
