//! Which events a destination has, and waiting for it: what lets a write be answered when it is visible, and a read
//! come no earlier than a write.
//!
//! Each delivery tells [`AppliedEvents`] how far it has come, what it has deferred, and which events never get into
//! Redis. Whoever waits looks at the events of their own request, and is woken when the delivery has passed them:
//! nothing is asked again and again, and an event that nobody waits for costs nothing.

mod applied_events;
mod journal_id;
mod not_applied;
mod position;
mod prefer;
mod unapplied_ranges;
mod wait_places;
mod waits;

pub use applied_events::AppliedEvents;
pub use journal_id::JournalId;
pub use not_applied::{NotApplied, Stopped};
pub use position::{NotAPosition, POSITION, Position};
pub use prefer::{PREFERENCE_APPLIED, preferred_wait};
pub(crate) use wait_places::WaitPlaces;
pub(crate) use waits::WaitingSender;
pub use waits::{DEFAULT_WAIT, MAX_WAIT, Waits};
