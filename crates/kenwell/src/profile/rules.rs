//! What a destination asks of a write beside its fields: which event wins, what a null does, what an object replaces.

use std::time::Duration;

/// The rules of one destination. The default is what RudderStack does: what arrives last is written, and nothing is
/// ever removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// Which of two events that set the same field wins.
    pub order: Order,
    /// What a null does.
    pub null_traits: NullTraits,
    /// What becomes of what stood under the name of a trait that is sent again.
    pub nested: Nested,
}

/// Which of two events that set the same field wins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// The one that is written last.
    #[default]
    ByArrival,
    /// The one that happened last, whatever order they arrive in and however often.
    ByEventTime {
        /// How far a sender's clock may be from ours and still be taken at its word.
        clock_tolerance: Duration,
    },
}

/// What a null does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NullTraits {
    /// It writes nothing.
    #[default]
    Ignore,
    /// It removes the field of its name and everything below it.
    Delete,
}

/// What becomes of what stood under the name of a trait that is sent again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Nested {
    /// It stays, unless a field of the same name is sent.
    #[default]
    Merge,
    /// It goes: a trait takes the place of all that stood under its name.
    Replace,
}

impl Rules {
    /// Whether the time of events decides.
    pub fn is_by_time(&self) -> bool {
        self.order != Order::ByArrival
    }

    /// Whether a write may remove fields.
    pub fn may_remove(&self) -> bool {
        self.null_traits != NullTraits::Ignore || self.nested != Nested::Merge
    }
}
