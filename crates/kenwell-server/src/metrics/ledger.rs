//! One destination's books: every accepted identify ends in exactly one counted outcome.

use std::sync::atomic::Ordering;

use prometheus_client::metrics::{counter::Counter, gauge::Gauge, histogram::Histogram};

use super::{reasons::Reasons, registry::OutcomeLabels};

/// The counters of one destination. The conservation law (invariant I5) is
/// accepted = written + ignored + dead-lettered + queued, at every moment.
///
/// An event counts as accepted when its append begins, and is taken back if the append fails, so
/// that a fast delivery can never be ahead of the books.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(super) accepted: Counter,
    pub(super) written: Counter,
    pub(super) ignored: Reasons<OutcomeLabels>,
    pub(super) ignored_total: Counter,
    pub(super) dead_lettered: Reasons<OutcomeLabels>,
    pub(super) dead_lettered_total: Counter,
    pub(super) queued: Gauge,
    pub(super) retries: Counter,
    pub(super) replayed: Counter,
    pub(super) freshness: Histogram,
}

impl Ledger {
    /// `count` identifies are about to be appended.
    pub fn accept(&self, count: u64) {
        self.accepted.inc_by(count);
    }

    /// The append of `count` identifies failed: they were never ours.
    pub fn take_back(&self, count: u64) {
        self.accepted.inner().fetch_sub(count, Ordering::Relaxed);
    }

    /// `count` identifies are in Redis.
    pub fn written(&self, count: u64) {
        self.written.inc_by(count);
    }

    /// One identify had nothing for this destination.
    pub fn ignored(&self, reason: &'static str) {
        self.ignored.add(reason, 1);
        self.ignored_total.inc();
    }

    /// `count` identifies are in the dead-letter log.
    pub fn dead_lettered(&self, reason: &'static str, count: u64) {
        self.dead_lettered.add(reason, count);
        self.dead_lettered_total.inc_by(count);
    }

    /// A pipeline has to be sent again.
    pub fn retried(&self) {
        self.retries.inc();
    }

    /// Seconds from receipt to visible in Redis, of the oldest event of a batch.
    pub fn fresh(&self, seconds: f64) {
        self.freshness.observe(seconds);
    }

    /// `count` identifies that have an outcome already are put before the destination again: each gets
    /// a second outcome, so each is accepted a second time.
    pub fn replay(&self, count: u64) {
        self.accept(count);
        self.replayed.inc_by(count);
    }

    /// Identifies with an outcome.
    pub fn settled(&self) -> u64 {
        self.written.get() + self.ignored_total.get() + self.dead_lettered_total.get()
    }

    /// Identifies accepted and without an outcome yet.
    pub fn queued(&self) -> u64 {
        // Outcomes first: read the other way round, an event could be missed in both.
        let settled = self.settled();
        self.accepted.get().saturating_sub(settled)
    }

    /// Takes what it has by reason off the page.
    pub(super) fn close(&self) {
        self.ignored.remove();
        self.dead_lettered.remove();
    }
}

#[cfg(test)]
mod tests {
    use crate::metrics::Metrics;

    #[test]
    fn the_books_balance() {
        let ledger = Metrics::new().ledger("profiles");
        ledger.accept(10);
        ledger.take_back(2);
        ledger.written(3);
        ledger.ignored("blank_user_id");
        ledger.dead_lettered("WRONGTYPE", 2);
        assert_eq!(ledger.queued(), 2);
        ledger.replay(5);
        assert_eq!((ledger.queued(), ledger.settled()), (7, 6));
    }
}
