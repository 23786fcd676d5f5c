//! What an event *is*: the RudderStack and Segment wire format. Bytes in, events or a named
//! rejection out.
//!
//! [`parse`] reads the body of one request and sorts its events: each is an identify to keep, or
//! something to ignore with a counted [`Ignored`] reason; or the request as a whole is refused with
//! a [`Rejection`], which carries the status and the words that SDKs look for.
//!
//! # What it is not
//!
//! No HTTP, no clock, no files, no Redis: the same bytes always give the same answer. It does not
//! look at traits: they are read when the profile is written, from the event's own bytes.
//!
//! # The rules
//!
//! From RudderStack's data plane, as measured (see `docs/differences.md` for where we depart):
//!
//! * On a single-event route the route names the type; in a batch the event's `type` does, compared
//!   without regard to ASCII case and without trimming.
//! * An event needs a `userId` or an `anonymousId` that is not blank ([`identity`] says what blank is).
//! * In a batch, a bad event is skipped and counted. Only when no event is acceptable is the request
//!   refused, with the words that fit its first bad event.
//! * Of duplicate keys in an event the last wins; of several `batch` keys the first.
//!
//! From Segment's HTTP API, for senders that name their write key in the body alone:
//! [`parse_by_write_key`].
//!
//! ```
//! use kenwell_event::{parse, Route};
//!
//! let body = br#"{"batch":[{"type":"identify","userId":"u1"},{"type":"track","userId":"u1"}]}"#;
//! let parsed = parse(Route::Batch, body, |_ignored, _reason| ()).unwrap();
//! assert_eq!(parsed.identifies, [&br#"{"type":"identify","userId":"u1"}"#[..]]);
//! assert_eq!(parsed.ignored.total(), 1);
//! ```
#![forbid(unsafe_code)]

mod by_write_key;
mod event;
pub mod identity;
mod outcome;
mod parse;

pub use by_write_key::{MAX_WRITE_KEYS, ParsedByWriteKey, WriteKeyGroup};
pub use event::MAX_DEPTH;
pub use outcome::{Ignored, IgnoredCounts, Rejection};
pub use parse::{Parsed, Route, parse, parse_by_write_key};
