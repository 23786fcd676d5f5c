//! The real-time user store on Redis: profiles built from events, and application state, in keys that
//! anyone can read.
//!
//! An identify event says what a user is like. This crate turns its JSON into the fields of one Redis
//! hash and writes them:
//!
//! ```text
//! {"type":"identify","userId":"u1","traits":{"plan":{"name":"pro"},"tags":["a"]}}
//!
//! HGETALL user:u1
//! 1) "plan.name"  2) "pro"
//! 3) "tags"       4) "[\"a\"]"
//! ```
//!
//! With the feature `profile`:
//!
//! ```no_run
//! use kenwell::connection::{Connection, Settings};
//! use kenwell::profile::{self, Flattener, Fold, Layout, Prefix};
//!
//! # async fn example(events: Vec<Vec<u8>>) -> Result<(), kenwell::Error> {
//! let connection = Connection::new(Settings::new("127.0.0.1:6379"))?; // connects when first used
//! let layout = Layout {
//!     prefix: Prefix::parse(""),
//!     workspace_id: "default".to_owned(),
//!     destination_id: "profiles".to_owned(),
//!     ..Layout::default()
//! };
//!
//! let mut flattener = Flattener::default();
//! let mut fold = Fold::default();
//! for (item, event) in events.iter().enumerate() {
//!     match flattener.update(event, &layout) {
//!         Ok(update) => fold.push(item, update),
//!         Err(reason) => eprintln!("event {item} writes nothing: {reason}"),
//!     }
//! }
//! let folded = fold.finish(); // one update for each user
//! for (update, result) in folded.iter().zip(profile::apply(&connection, &folded).await) {
//!     match result {
//!         Ok(()) => {}
//!         Err(error) if error.is_retryable() => return Err(error), // hold the batch, apply it again
//!         Err(error) => eprintln!("events {:?} cannot be written: {error}", update.items()),
//!     }
//! }
//!
//! let profile = profile::read(&connection, &layout, "u1").await?;
//! # Ok(())
//! # }
//! ```
//!
//! With [`DataType::Json`](profile::DataType::Json) in the layout a profile is one JSON document instead of a hash, and traits
//! are merged with it as they were sent.
//!
//! What a program itself remembers about a user is kept by a [`StateStore`](state::StateStore), see
//! [`state`].
//!
//! # Map
//!
//! | module | what it is about |
//! |---|---|
//! | [`connection`] | [`Settings`](connection::Settings), also from a [`Url`](connection::Url), [`Secret`](connection::Secret)s that may stand in files and change, [certificates](connection::pem) in any form, and a [`Connection`](connection::Connection) that opens again when it broke |
//! | [`profile`] | events to updates ([`Flattener`](profile::Flattener)), batches ([`Fold`](profile::Fold)), keys ([`Layout`](profile::Layout)), and Redis ([`Writer`](profile::Writer), [`apply`](profile::apply), [`read`](profile::read)), and when they go again ([`Expiry`](profile::Expiry)) |
//! | [`state`] | what a program remembers about a user: [`StateStore`](state::StateStore), its [`Record`](state::Record)s, and the [byte layer](state::values) below |
//! | [`blocking`] | the same for programs without async |
//! | [`doctor`] | [`examine`](doctor::examine): what is wrong with the way to a Redis, and the cure |
//! | [`KeyWalk`] | which keys there are |
//! | [`printable`] | text from outside, fit for a log or a terminal |
//! | [`Error`], [`Class`] | what went wrong, and whether to wait, to put one record aside, or to call an operator |
//!
//! # Features
//!
//! | feature | what it brings | default |
//! |---|---|---|
//! | `state` | [`state`] | yes |
//! | `cluster` | Redis Cluster | yes |
//! | `sentinel` | the master that Sentinels watch | yes |
//! | `tls` | TLS, and certificates in any form | yes |
//! | `profile` | [`profile`], and with `state` [a profile along with a record](state::Builder::profile) | no |
//! | `encryption` | sealed entries and hashed user ids; brings `state` | no |
//! | `doctor` | [`doctor`]; brings `tls`, `profile`, `cluster` and `sentinel` | no |
//! | `tower-sessions` | [sessions of tower-sessions](tower_sessions); brings `state` | no |
//!
//! A setting that needs a feature which is left out is an [`Error`] that names it.
//!
//! # What holds
//!
//! * The same event gives the same update, whenever and wherever it is read: writing any suffix of a
//!   log of events again leaves the same profiles.
//! * A caller that waits for each batch before sending the next gets them written in that order, also across
//!   time-outs and broken connections.
//! * No update of a profile is written twice, retried or dropped behind the caller's back; a
//!   [`Writer`](profile::Writer) repeats an update that is judged because that is what it is for, and one whose
//!   profile expired before it got its new time to live. Whole values of state are written again, once, when the
//!   connection was lost.
//! * Calls of the state store on one key take effect in the order in which they were begun, whatever
//!   breaks, and each answers within one limit.
//! * Memory is bounded by [`MAX_FLATTENED_BYTES`](profile::MAX_FLATTENED_BYTES) and
//!   [`MAX_DEPTH`](profile::MAX_DEPTH), whatever an event asks for; nothing recurses, but for what reads the patch of a document, as deep as
//!   [`MAX_DOCUMENT_DEPTH`](profile::MAX_DOCUMENT_DEPTH).
//! * No trait, value or password appears in an error, a log line or a `Debug` text; keys only in errors
//!   of the state store, which could not be acted upon otherwise.
//!
//! # What it is not
//!
//! No HTTP, no queue, no files but the certificates and secrets that settings name: programs that need
//! them bring their own. Profiles are deleted when somebody asks for it, and never expire by themselves.

#![cfg_attr(
    not(all(feature = "doctor", feature = "state")),
    expect(dead_code, reason = "what only parts use that are left out")
)]
#![cfg_attr(
    not(all(
        feature = "doctor",
        feature = "encryption",
        feature = "state",
        feature = "tower-sessions"
    )),
    expect(
        rustdoc::broken_intra_doc_links,
        reason = "links to parts that are left out"
    )
)]
#![cfg_attr(
    all(feature = "state", not(feature = "encryption")),
    expect(rustdoc::private_intra_doc_links, reason = "links to stand-ins")
)]
#![cfg_attr(
    not(all(feature = "profile", feature = "state")),
    expect(unused_imports, reason = "what only parts take that are left out")
)]

mod cause;
mod class;
mod error;
mod error_code;
mod exceeded;
#[cfg(any(feature = "profile", feature = "state"))]
mod json_order;
mod key_walk;
mod printable;
mod reply;
mod resp;
#[cfg(any(feature = "profile", feature = "state"))]
mod stored;

pub mod blocking;
pub mod connection;
#[cfg(feature = "doctor")]
pub mod doctor;
#[cfg(feature = "profile")]
pub mod profile;
#[cfg(feature = "state")]
pub mod state;
#[cfg(feature = "tower-sessions")]
pub mod tower_sessions;

pub use class::Class;
pub use error::{Error, Need};
pub use key_walk::{KeyWalk, literal_pattern};
pub use printable::{is_printable, printable};
pub use reply::Reply;

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
