//! What happened in one step.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// What happened in one step, all sources and destinations together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Sample {
    /// The step's end.
    #[serde(serialize_with = "with_milliseconds")]
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// Identify events made durable in it.
    pub accepted: u64,
    /// Events written to Redis in it, once for each destination.
    pub written: u64,
    /// Events ignored in it, by the gateway or by a destination.
    pub ignored: u64,
    /// Events that Redis refused for good in it, once for each destination.
    pub dead_lettered: u64,
    /// Events lost to damage of the journal in it, once for each destination.
    pub lost: u64,
    /// Events without an outcome at its end, once for each destination.
    pub queued: u64,
}

impl Sample {
    /// What happened since `before`; both are totals. A destination that was removed takes its counts with it;
    /// then nothing is told rather than a negative number.
    pub(super) fn since(&self, before: &Self) -> Self {
        Self {
            accepted: self.accepted.saturating_sub(before.accepted),
            written: self.written.saturating_sub(before.written),
            ignored: self.ignored.saturating_sub(before.ignored),
            dead_lettered: self.dead_lettered.saturating_sub(before.dead_lettered),
            lost: self.lost.saturating_sub(before.lost),
            ..*self
        }
    }

    /// With what happened in an earlier part of the same step.
    pub(super) fn and(&self, earlier: &Self) -> Self {
        Self {
            accepted: self.accepted.saturating_add(earlier.accepted),
            written: self.written.saturating_add(earlier.written),
            ignored: self.ignored.saturating_add(earlier.ignored),
            dead_lettered: self.dead_lettered.saturating_add(earlier.dead_lettered),
            lost: self.lost.saturating_add(earlier.lost),
            ..*self
        }
    }
}

/// As all times of the API are written.
fn with_milliseconds<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.3}"))
}
