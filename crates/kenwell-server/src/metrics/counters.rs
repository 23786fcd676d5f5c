//! One destination's counters: every accepted identify ends in exactly one counted outcome.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use kenwell_journal::Offset;
use prometheus_client::metrics::histogram::Histogram;

use super::Quantiles;
use super::shown::Shown;
use crate::tail::Tail;

/// The counters of one destination. The conservation law (invariant I5) is
/// accepted = written + ignored + dead-lettered + lost + queued, at every moment.
///
/// An event counts as accepted once it is durable and before any delivery can see it, so that a delivery
/// is never ahead of the counters, and nothing is queued that the journal does not have. No count goes down.
#[derive(Debug, Clone)]
pub struct DestinationCounters {
    counts: Arc<Mutex<Counts>>,
    pub(super) shown: Shown,
    pub(super) freshness: Histogram,
    pub(super) recent_freshness: Arc<Quantiles>,
    pub(super) tail: Tail,
}

/// Everything that is counted, as of one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    pub(super) terms: EventCounts,
    /// Nothing that is accepted stands at or behind this in the journal.
    behind: Offset,
    pub(super) ignored: BTreeMap<&'static str, u64>,
    pub(super) dead_lettered: BTreeMap<&'static str, u64>,
    pub(super) retries: u64,
    pub(super) replayed: u64,
    pub(super) letters_written: u64,
    pub(super) letters_discarded: u64,
    pub(super) letters_outstanding: u64,
}

/// The terms of one destination's conservation law, at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// What came in.
    pub accepted: u64,
    /// What is in Redis.
    pub written: u64,
    /// What had nothing for the destination.
    pub ignored: u64,
    /// What Redis refused for good.
    pub dead_lettered: u64,
    /// What damage of the journal took.
    pub lost: u64,
}

impl EventCounts {
    /// What has an outcome.
    pub fn settled(&self) -> u64 {
        self.written + self.ignored + self.dead_lettered + self.lost
    }

    /// What waits for one.
    pub fn queued(&self) -> u64 {
        self.accepted.saturating_sub(self.settled())
    }

    /// Whether nothing has more outcomes than it was accepted.
    pub fn is_balanced(&self) -> bool {
        self.settled() <= self.accepted
    }
}

impl DestinationCounters {
    pub(super) fn new(shown: Shown, freshness: Histogram, tail: &Tail) -> Self {
        Self {
            counts: Arc::default(),
            shown,
            freshness,
            recent_freshness: Arc::default(),
            tail: tail.clone(),
        }
    }

    /// `count` identifies are durable, all of them before `behind`.
    pub fn accept(&self, count: u64, behind: Offset) {
        let mut counts = self.lock();
        counts.terms.accepted += count;
        counts.behind = counts.behind.max(behind);
    }

    /// `count` identifies are in Redis.
    pub fn written(&self, count: u64) {
        self.lock().terms.written += count;
    }

    /// One identify had nothing for this destination.
    pub fn ignored(&self, reason: &'static str) {
        let mut counts = self.lock();
        counts.terms.ignored += 1;
        *counts.ignored.entry(reason).or_default() += 1;
    }

    /// `count` identifies are in the dead-letter log.
    pub fn dead_lettered(&self, reason: &'static str, count: u64) {
        let mut counts = self.lock();
        counts.terms.dead_lettered += count;
        *counts.dead_lettered.entry(reason).or_default() += count;
    }

    /// `count` identifies were in a part of the journal that is damaged.
    pub fn lost(&self, count: u64) {
        self.lock().terms.lost += count;
    }

    /// `count` identifies that were never accepted here were in a part of the journal that is damaged.
    pub fn accept_lost(&self, count: u64) {
        let mut counts = self.lock();
        counts.terms.accepted += count;
        counts.terms.lost += count;
    }

    /// A pipeline has to be sent again.
    pub fn retried(&self) {
        self.lock().retries += 1;
    }

    /// Seconds from receipt to visible in Redis, of the oldest event of a batch.
    pub fn observe_freshness(&self, seconds: f64) {
        self.freshness.observe(seconds);
        self.recent_freshness.note(seconds, Instant::now());
    }

    /// `count` identifies that have an outcome already are put before the destination again: each gets
    /// a second outcome, so each is accepted a second time.
    pub fn replay(&self, count: u64) {
        let mut counts = self.lock();
        counts.terms.accepted += count;
        counts.replayed += count;
    }

    /// `count` dead letters were retried and are in Redis. They stay counted as dead-lettered: that was
    /// the outcome of their delivery.
    pub fn letters_written(&self, count: u64) {
        self.lock().letters_written += count;
    }

    /// `count` dead letters are in the log now.
    pub fn letters_outstanding(&self, count: u64) {
        self.lock().letters_outstanding = count;
    }

    /// `count` dead letters were dropped, by a person or because they write nothing any more.
    pub fn letters_discarded(&self, count: u64) {
        self.lock().letters_discarded += count;
    }

    /// Freshness in the last minutes.
    pub fn recent_freshness(&self) -> &Quantiles {
        &self.recent_freshness
    }

    /// Where each outcome is shown to those who look.
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    /// The terms of the conservation law, all as of the same moment.
    pub fn event_counts(&self) -> EventCounts {
        self.lock().terms
    }

    /// Identifies accepted and without an outcome yet, and the offset that all of them are before.
    pub fn queued_and_end(&self) -> (u64, Offset) {
        let counts = self.lock();
        (counts.terms.queued(), counts.behind)
    }

    /// Identifies with an outcome.
    pub fn settled(&self) -> u64 {
        self.event_counts().settled()
    }

    /// Identifies accepted and without an outcome yet.
    pub fn queued(&self) -> u64 {
        self.event_counts().queued()
    }

    /// Puts everything on the page as it is at this moment.
    pub(super) fn show(&self) {
        let counts = self.lock().clone();
        self.shown.set(&counts);
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use kenwell_journal::Offset;

    use crate::metrics::Metrics;

    #[test]
    fn the_books_balance() {
        let counters = Metrics::new().destination("profiles");
        counters.accept(8, Offset(20));
        counters.written(3);
        counters.ignored("blank_user_id");
        counters.dead_lettered("WRONGTYPE", 2);
        assert_eq!(counters.queued_and_end(), (2, Offset(20)));
        counters.replay(5);
        assert_eq!((counters.queued(), counters.settled()), (7, 6));
        counters.lost(1);
        counters.accept_lost(4);
        let terms = counters.event_counts();
        assert_eq!((terms.accepted, terms.lost, terms.queued()), (17, 5, 6));
        assert!(terms.is_balanced());
        counters.written(7);
        assert!(!counters.event_counts().is_balanced());
    }
}
