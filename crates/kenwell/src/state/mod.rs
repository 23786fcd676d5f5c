//! Application state: what a program remembers about a user between two requests.

mod builder;
mod codec;
mod document;
mod draft;
mod elements;
mod entry;
mod error;
mod hooks;
mod json;
mod key;
mod loading;
mod place;
mod record;
mod session;
mod store;
mod timestamp;
mod traits;

pub mod encryption;
pub mod hashing;
pub mod values;

pub use builder::{Builder, DEFAULT_MAX_ENTRY_BYTES, MAX_ENTRIES};
pub use document::Malformed;
pub use elements::{
    DEFAULT_HISTORY_SIZE, DEFAULT_SESSION_EXPIRY, HistoryElement, SessionElement, StoredElements,
};
pub use entry::Entry;
pub use error::Error;
pub use hooks::{HookError, HookValue, KeyRequest};
pub use json::{Json, JsonError, MAX_JSON_DEPTH};
pub use place::Place;
pub use record::Record;
pub use session::Session;
pub use store::StateStore;
pub use timestamp::{BadTimestamp, Timestamp};
pub use traits::Traits;
