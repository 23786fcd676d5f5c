//! One destination's counters: every accepted identify ends in exactly one counted outcome.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use kenwell_journal::Offset;
use prometheus_client::metrics::histogram::Histogram;

use super::Quantiles;
use super::destination_series::DestinationSeries;
use super::event_counts::{CounterValues, EventCounts};
use crate::{applied::AppliedEvents, mutex::lock, tail::Tail};

/// The counters of one destination. At every moment
/// accepted = written + ignored + dead-lettered + lost + queued (invariant I5).
///
/// An event counts as accepted once it is durable and before any delivery can see it, so that a delivery
/// is never ahead of the counters, and nothing is queued that the journal does not have. No count goes down.
#[derive(Debug, Clone)]
pub struct DestinationCounters {
    values: Arc<Mutex<CounterValues>>,
    pub(super) series: DestinationSeries,
    pub(super) freshness: Histogram,
    pub(super) recent_freshness: Arc<Quantiles>,
    pub(super) tail: Tail,
    applied: AppliedEvents,
}

impl DestinationCounters {
    pub(super) fn new(series: DestinationSeries, freshness: Histogram, tail: &Tail) -> Self {
        Self {
            values: Arc::default(),
            series,
            freshness,
            recent_freshness: Arc::default(),
            tail: tail.clone(),
            applied: AppliedEvents::default(),
        }
    }

    /// `count` identifies are durable, all of them before `end` in the journal.
    pub fn accept(&self, count: u64, end: Offset) {
        let mut values = lock(&self.values);
        values.events.accepted += count;
        values.end = values.end.max(end);
    }

    /// `count` identifies are in Redis.
    pub fn written(&self, count: u64) {
        lock(&self.values).events.written += count;
    }

    /// One identify had nothing for this destination.
    pub fn ignored(&self, reason: &'static str) {
        let mut values = lock(&self.values);
        values.events.ignored += 1;
        *values.ignored.entry(reason).or_default() += 1;
    }

    /// `count` identifies are in the dead-letter log.
    pub fn dead_lettered(&self, reason: &'static str, count: u64) {
        let mut values = lock(&self.values);
        values.events.dead_lettered += count;
        *values.dead_lettered.entry(reason).or_default() += count;
    }

    /// `count` identifies were in a part of the journal that is damaged.
    pub fn lost(&self, count: u64) {
        lock(&self.values).events.lost += count;
    }

    /// `count` identifies that were never accepted here were in a part of the journal that is damaged.
    pub fn accept_lost(&self, count: u64) {
        let mut values = lock(&self.values);
        values.events.accepted += count;
        values.events.lost += count;
    }

    /// A pipeline has to be sent again.
    pub fn retried(&self) {
        lock(&self.values).retries += 1;
    }

    /// Seconds from receipt to visible in Redis, of the oldest event of a batch.
    pub fn observe_freshness(&self, seconds: f64) {
        self.freshness.observe(seconds);
        self.recent_freshness.note(seconds, Instant::now());
    }

    /// `count` identifies that have an outcome already will be delivered again: each gets a second outcome, so
    /// each is accepted a second time.
    pub fn replay(&self, count: u64) {
        let mut values = lock(&self.values);
        values.events.accepted += count;
        values.replayed += count;
    }

    /// `count` dead letters were retried and are in Redis. They stay counted as dead-lettered: that was
    /// the outcome of their delivery.
    pub fn letters_written(&self, count: u64) {
        lock(&self.values).letters_written += count;
    }

    /// `count` dead letters are in the log now.
    pub fn letters_outstanding(&self, count: u64) {
        lock(&self.values).letters_outstanding = count;
    }

    /// `count` dead letters were dropped, by a person or because they write nothing any more.
    pub fn letters_discarded(&self, count: u64) {
        lock(&self.values).letters_discarded += count;
    }

    /// Freshness in the last minutes.
    pub fn recent_freshness(&self) -> &Quantiles {
        &self.recent_freshness
    }

    /// Where outcomes are shown to whoever looks just now.
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    /// Which events the destination has, to wait for.
    pub fn applied(&self) -> &AppliedEvents {
        &self.applied
    }

    /// The events that were accepted and their outcomes, all as of the same moment.
    pub fn event_counts(&self) -> EventCounts {
        lock(&self.values).events
    }

    /// Identifies accepted and without an outcome yet, and the offset that all of them are before.
    pub fn queued_and_end(&self) -> (u64, Offset) {
        let values = lock(&self.values);
        (values.events.queued(), values.end)
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
        let values = lock(&self.values).clone();
        self.series.set(&values);
    }
}

#[cfg(test)]
mod tests {
    use kenwell_journal::Offset;

    use crate::metrics::Metrics;

    #[test]
    fn outcomes_and_accepted_events_balance() {
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
        let counts = counters.event_counts();
        assert_eq!((counts.accepted, counts.lost, counts.queued()), (17, 5, 6));
        assert!(counts.is_balanced());
        counters.written(7);
        assert!(!counters.event_counts().is_balanced());
    }
}
