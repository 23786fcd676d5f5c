//! A destination's counts, all as of one moment.

use std::collections::BTreeMap;

use kenwell_journal::Offset;

/// Everything that is counted, as of one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct CounterValues {
    pub(super) events: EventCounts,
    /// Everything that is accepted stands before this in the journal.
    pub(super) end: Offset,
    pub(super) ignored: BTreeMap<&'static str, u64>,
    pub(super) dead_lettered: BTreeMap<&'static str, u64>,
    pub(super) retries: u64,
    pub(super) replayed: u64,
    pub(super) letters_written: u64,
    pub(super) letters_discarded: u64,
    pub(super) letters_outstanding: u64,
}

/// The events that one destination was given, and what became of them, at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// Events accepted for it.
    pub accepted: u64,
    /// Those that are in Redis.
    pub written: u64,
    /// Those that had nothing for the destination.
    pub ignored: u64,
    /// Those that Redis refused for good.
    pub dead_lettered: u64,
    /// Those that damage of the journal took.
    pub lost: u64,
}

impl EventCounts {
    /// Those that have an outcome.
    pub fn settled(&self) -> u64 {
        self.written + self.ignored + self.dead_lettered + self.lost
    }

    /// Those that wait for one.
    pub fn queued(&self) -> u64 {
        self.accepted.saturating_sub(self.settled())
    }

    /// Whether there are no more outcomes than accepted events.
    pub fn is_balanced(&self) -> bool {
        self.settled() <= self.accepted
    }
}
