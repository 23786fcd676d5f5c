//! A ring of steps, each with what happened in it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// How long a step is.
pub const STEP: Duration = Duration::from_secs(10);
/// Steps that are kept: one hour, the one that is running included.
pub const MAX_SAMPLES: usize = 360;

/// Counts since the start, all sources and all destinations together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Identifies made durable.
    pub accepted: u64,
    /// Outcomes at the destinations, each destination on its own.
    pub written: u64,
    /// Likewise, and what the gateway ignores.
    pub ignored: u64,
    /// Likewise.
    pub dead_lettered: u64,
    /// Likewise.
    pub lost: u64,
    /// Without an outcome now.
    pub queued: u64,
}

/// What happened in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// The step's end.
    pub at: Timestamp,
    /// Identifies made durable in it.
    pub accepted: u64,
    /// Outcomes in it.
    pub written: u64,
    /// Outcomes in it.
    pub ignored: u64,
    /// Outcomes in it.
    pub dead_lettered: u64,
    /// Outcomes in it.
    pub lost: u64,
    /// Without an outcome at its end.
    pub queued: u64,
}

/// The last hour.
#[derive(Debug, Default)]
pub struct History {
    ring: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    steps: VecDeque<Sample>,
    /// At the end of the last step.
    before: Totals,
}

impl History {
    /// Ends a step.
    pub fn push(&self, at: Timestamp, totals: Totals) {
        let mut ring = self.lock();
        let sample = ring.since(at, totals);
        if ring.steps.len() >= MAX_SAMPLES - 1 {
            ring.steps.pop_front();
        }
        ring.steps.push_back(sample);
        ring.before = totals;
    }

    /// The steps, oldest first; the last one is the one that is running.
    pub fn samples(&self, now: Timestamp, totals: Totals) -> Vec<Sample> {
        let ring = self.lock();
        let running = ring.since(now, totals);
        ring.steps.iter().copied().chain([running]).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    /// What happened since the last step. A destination that was removed takes its counts with it;
    /// then nothing is told rather than a negative number.
    fn since(&self, at: Timestamp, totals: Totals) -> Sample {
        let Totals {
            accepted,
            written,
            ignored,
            dead_lettered,
            lost,
            ..
        } = self.before;
        Sample {
            at,
            accepted: totals.accepted.saturating_sub(accepted),
            written: totals.written.saturating_sub(written),
            ignored: totals.ignored.saturating_sub(ignored),
            dead_lettered: totals.dead_lettered.saturating_sub(dead_lettered),
            lost: totals.lost.saturating_sub(lost),
            queued: totals.queued,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(accepted: u64, queued: u64) -> Totals {
        Totals {
            accepted,
            queued,
            ..Totals::default()
        }
    }

    #[test]
    fn each_step_tells_its_own_share() {
        let history = History::default();
        let at = Timestamp::UNIX_EPOCH;
        history.push(at, totals(5, 1));
        history.push(at + STEP, totals(7, 0));
        let samples = history.samples(at + STEP + STEP / 2, totals(10, 2));
        let told: Vec<_> = samples
            .iter()
            .map(|step| (step.accepted, step.queued))
            .collect();
        assert_eq!(told, [(5, 1), (2, 0), (3, 2)]);
    }

    #[test]
    fn an_hour_is_kept() {
        let history = History::default();
        for step in 0..1_000 {
            history.push(Timestamp::UNIX_EPOCH, totals(step, 0));
        }
        let samples = history.samples(Timestamp::UNIX_EPOCH, totals(1_000, 0));
        assert_eq!(samples.len(), MAX_SAMPLES);
        assert_eq!(STEP * 360, Duration::from_hours(1));
    }

    #[test]
    fn counts_that_went_away_are_no_negative_step() {
        let history = History::default();
        history.push(Timestamp::UNIX_EPOCH, totals(5, 0));
        assert_eq!(
            history.samples(Timestamp::UNIX_EPOCH, totals(3, 0))[1].accepted,
            0
        );
    }
}
