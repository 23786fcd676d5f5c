//! Application state: what a program remembers about a user between two requests.
//!
//! A [`StateStore`] loads and saves [`Record`]s: the user's data, the session, the last turns of a
//! conversation, and two timestamps. They lie in Redis as JSON under keys that anyone can read, byte for
//! byte as Jovo's `RedisDb` plugin stores them, so both can share a database.
//!
//! ```text
//! GET bot:data:ada
//! {"user":{"data":{"visits":1}},"createdAt":"2024-01-01T00:00:00.000Z","updatedAt":"…"}
//! ```
//!
//! ```no_run
//! use kenwell::connection::{Connection, Settings};
//! use kenwell::state::{Entry, Error, SessionElement, Session, StateStore, StoredElements};
//!
//! # #[derive(Default, serde::Serialize, serde::Deserialize)] struct User { visits: u32 }
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let store = StateStore::builder(Connection::new(Settings::new("127.0.0.1:6379"))?)
//!     .key_prefix("bot")
//!     .entries([
//!         Entry::new("data").user().created_at().updated_at(),
//!         Entry::new("session").session().ttl_seconds(900),
//!     ])
//!     .elements(StoredElements {
//!         session: Some(SessionElement::default()),
//!         ..StoredElements::default()
//!     })
//!     .build()?;
//!
//! // Count a visit; when two requests of one user overlap, the later one begins again.
//! loop {
//!     let mut record = store.load_or_new("ada").await?;
//!     let mut user: User = record.user()?.unwrap_or_default();
//!     user.visits += 1;
//!     record.set_user(&user)?;
//!     if record.session().is_none() {
//!         record.set_session(Some(Session::new("a fresh id")));
//!     }
//!     match store.save_if_unchanged("ada", &mut record).await {
//!         Err(Error::Conflict) => {}
//!         saved => break saved?,
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What holds
//!
//! * S1: a save that did not happen is never `Ok`. Every reply is read, and errors give Redis' own reason.
//! * S2: a value and its time to live are set by one command.
//! * S3: a load never invents: nothing stored is `None`.
//! * S4: what cannot be decoded is an error that names key and entry, and is not overwritten until
//!   somebody [says so](Record::overwrite_unreadable).
//! * All entries of a user are read together and written together. In a cluster that takes
//!   [a hash tag](Builder::cluster_hash_tag).
//!
//! # Map
//!
//! | | what it is about |
//! |---|---|
//! | [`StateStore`], [`Builder`], [`Entry`], [`StoredElements`] | setting up, loading, saving |
//! | [`Record`], [`Session`], [`Json`], [`Timestamp`], [`Traits`] | what is loaded and saved |
//! | [`Error`], [`ValuePlace`] | what went wrong, and where |
//! | [`encryption`], [`hashing`] | sealing entries, hiding user ids |
//! | [`values`] | the byte layer, for keys and values of your own making |

mod append_history;
mod builder;
mod close;
mod codec;
mod document;
mod draft;
mod elements;
mod entry;
mod error;
mod history_list;
mod hooks;
mod json;
mod key;
mod limits;
mod loading;
mod pending_call;
mod presence;
mod record;
mod record_document;
mod record_form;
mod save_options;
mod saving;
mod session;
mod store;
mod stored_entries;
mod timestamp;
mod traits;
mod update;
mod value_place;

#[cfg(feature = "encryption")]
pub mod encryption;
#[cfg(not(feature = "encryption"))]
#[path = "without_encryption.rs"]
mod encryption;
#[cfg(feature = "encryption")]
pub mod hashing;
#[cfg(not(feature = "encryption"))]
#[path = "without_hashing.rs"]
mod hashing;
#[cfg(feature = "profile")]
use crate::profile;
#[cfg(not(feature = "profile"))]
#[path = "without_profile.rs"]
mod profile;
pub mod values;

pub use builder::{Builder, DEFAULT_MAX_ENTRY_BYTES, MAX_ENTRIES};
pub use document::Malformed;
pub use elements::{
    DEFAULT_HISTORY_SIZE, DEFAULT_SESSION_EXPIRY, HistoryElement, SessionElement, StoredElements,
};
pub use entry::Entry;
pub use error::Error;
pub use history_list::MAX_HISTORY_LIST;
pub use hooks::{HookError, HookValue, KeyRequest};
pub use json::{Json, JsonError, MAX_JSON_DEPTH};
pub use record::Record;
pub use save_options::SaveOptions;
pub use session::Session;
pub use store::StateStore;
pub use stored_entries::{KeyNaming, StoredEntry, stored_entries};
pub use timestamp::{BadTimestamp, Timestamp};
pub use traits::Traits;
pub use update::MAX_UPDATE_ATTEMPTS;
pub use value_place::ValuePlace;
