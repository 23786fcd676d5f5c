//! The live tail: what becomes of events, shown to whoever looks just now.
//!
//! Gateway and delivery tell what they do only while somebody looks; otherwise that costs one look at a
//! counter. Nothing is kept for those who come later.

mod channel;
mod command;
mod event;
mod filter;
mod observation;
mod short;

pub use channel::{MAX_SUBSCRIBERS, MissedEvents, Subscriber, Tail};
pub use command::MAX_COMMAND_BYTES;
pub use event::{Outcome, TailEvent};
pub use filter::Filter;
pub use observation::{Observation, user_id_of};
pub use short::{MAX_EVENT_BYTES, bounded_event};
