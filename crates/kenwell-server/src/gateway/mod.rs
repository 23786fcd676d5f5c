//! The data plane: the HTTP side that the SDKs talk to, wire-compatible with RudderStack's.
//!
//! A request goes `connections` → `head` → `server` → `route` → `auth` → `body` → `ingest`, and what comes out is
//! either an `answer` or a `refusal`, dressed by `cors`. Whoever asks for it (`wait_request`) is answered when the events
//! are applied (`applied_answer`). What comes in one piece, as most single events do, takes the `fast_path` from `head` to
//! `ingest`.

mod answer;
mod applied_answer;
mod auth;
mod body;
mod connections;
mod cors;
mod fast_path;
mod head;
mod ingest;
mod project_settings;
mod query;
mod refusal;
mod route;
mod run_to_end;
mod server;
mod source_config;
mod source_table;
mod sources;
mod status;
mod success;
mod wait_request;

pub use body::MAX_BODY_BYTES;
pub use server::Gateway;
pub(crate) use server::NotAccepted;
pub use source_table::SourceTable;
pub use sources::{Source, Sources};
