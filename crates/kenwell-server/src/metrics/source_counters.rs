//! One source's counters, for the gateway's hot path.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;

use super::reason_counters::ReasonCounters;

/// The counters of one source. Clones count together.
#[derive(Debug, Clone)]
pub struct SourceCounters {
    pub(super) accepted: Counter,
    pub(super) ignored: ReasonCounters,
    /// Of all sources together, also those that are gone.
    pub(super) all: Arc<GatewayTotals>,
    /// Milliseconds since 1970 UTC; 0 for never.
    pub(super) seen: Arc<AtomicI64>,
}

/// What the gateway has taken since the start.
#[derive(Debug, Default)]
pub(super) struct GatewayTotals {
    pub(super) accepted: AtomicU64,
    pub(super) ignored: AtomicU64,
}

impl SourceCounters {
    /// `count` identifies are durable.
    pub fn accepted(&self, count: u64) {
        self.accepted.inc_by(count);
        self.all.accepted.fetch_add(count, Ordering::Relaxed);
    }

    /// `count` events are of a kind that is not kept, or cannot be used.
    pub fn ignored(&self, reason: &'static str, count: u64) {
        self.ignored.add(reason, count);
        self.all.ignored.fetch_add(count, Ordering::Relaxed);
    }

    /// A request of the source was taken at this time.
    pub fn seen(&self, at: Timestamp) {
        self.seen.store(at.as_millisecond(), Ordering::Relaxed);
    }

    /// Identifies made durable since the start.
    pub fn total_accepted(&self) -> u64 {
        self.accepted.get()
    }

    /// When the source's latest request since the start was taken.
    pub fn last_seen(&self) -> Option<Timestamp> {
        let seen = self.seen.load(Ordering::Relaxed);
        Timestamp::from_millisecond(seen).ok().filter(|_| seen != 0)
    }
}
