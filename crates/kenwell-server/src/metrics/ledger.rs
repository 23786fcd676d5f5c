//! One destination's books: every accepted identify ends in exactly one counted outcome.

use std::sync::{Arc, atomic::Ordering};
use std::time::Instant;

use prometheus_client::metrics::{counter::Counter, gauge::Gauge, histogram::Histogram};

use super::{Quantiles, reasons::Reasons, registry::OutcomeLabels};
use crate::tail::Tail;

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
    pub(super) letters_written: Counter,
    pub(super) letters_discarded: Counter,
    pub(super) freshness: Histogram,
    pub(super) lately: Arc<Quantiles>,
    pub(super) tail: Tail,
}

/// The terms of one destination's conservation law, at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms {
    /// What came in.
    pub accepted: u64,
    /// What is in Redis.
    pub written: u64,
    /// What had nothing for the destination.
    pub ignored: u64,
    /// What Redis refused for good.
    pub dead_lettered: u64,
}

impl Terms {
    /// What has an outcome.
    pub fn settled(&self) -> u64 {
        self.written + self.ignored + self.dead_lettered
    }

    /// What waits for one.
    pub fn queued(&self) -> u64 {
        self.accepted.saturating_sub(self.settled())
    }

    /// Whether nothing has more outcomes than it was accepted.
    pub fn balance(&self) -> bool {
        self.settled() <= self.accepted
    }
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
        self.lately.note(seconds, Instant::now());
    }

    /// `count` identifies that have an outcome already are put before the destination again: each gets
    /// a second outcome, so each is accepted a second time.
    pub fn replay(&self, count: u64) {
        self.accept(count);
        self.replayed.inc_by(count);
    }

    /// `count` dead letters were retried and are in Redis. They stay counted as dead-lettered: that was
    /// the outcome of their delivery.
    pub fn letters_written(&self, count: u64) {
        self.letters_written.inc_by(count);
    }

    /// `count` dead letters were dropped, by a person or because they write nothing any more.
    pub fn letters_discarded(&self, count: u64) {
        self.letters_discarded.inc_by(count);
    }

    /// Freshness in the last minutes.
    pub fn lately(&self) -> &Quantiles {
        &self.lately
    }

    /// Where each outcome is shown to those who look.
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    /// The terms of the conservation law as of now. Outcomes are read first, so that no event is missed
    /// in both.
    pub fn terms(&self) -> Terms {
        let (written, ignored, dead_lettered) = (
            self.written.get(),
            self.ignored_total.get(),
            self.dead_lettered_total.get(),
        );
        Terms {
            written,
            ignored,
            dead_lettered,
            accepted: self.accepted.get(),
        }
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
        let terms = ledger.terms();
        assert_eq!((terms.accepted, terms.queued()), (13, 7));
        assert!(terms.balance());
        ledger.take_back(8);
        assert!(!ledger.terms().balance());
    }
}
