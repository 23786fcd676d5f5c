//! The live tail: what becomes of events, shown to whoever looks just now.
//!
//! Gateway and delivery publish what they do only while somebody looks; otherwise that costs one read of a
//! counter. Nothing is kept for those who come later.

mod channel;
mod command;
mod event;
mod fields;
mod filter;
mod observation;
mod truncate;

pub use channel::{MAX_SUBSCRIBERS, MissedEvents, Subscriber, Tail};
pub use command::MAX_COMMAND_BYTES;
pub use event::TailEvent;
pub use fields::{TailFields, TailNames};
pub use filter::Filter;
pub use observation::{ItemUpdate, Observation, Outcome, user_id_of};
pub use truncate::{MAX_EVENT_BYTES, bounded_event};
