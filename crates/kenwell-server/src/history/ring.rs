//! A ring of steps, each with what happened in it.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::mutex::lock;

/// How long a step is.
pub const STEP: Duration = Duration::from_secs(10);
/// Steps that are kept: one hour, the one that is running included.
pub const MAX_SAMPLES: usize = 360;

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

/// The last hour.
#[derive(Debug, Default)]
pub struct History {
    ring: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    steps: VecDeque<Sample>,
    /// What had happened since the start when the last step ended.
    before: Sample,
}

impl History {
    /// Ends a step; `total` is what has happened since the start.
    pub fn push(&self, total: Sample) {
        let mut ring = lock(&self.ring);
        let sample = ring.since_last(total);
        if ring.steps.len() >= MAX_SAMPLES - 1 {
            ring.steps.pop_front();
        }
        ring.steps.push_back(sample);
        ring.before = total;
    }

    /// The steps, oldest first; the last one is the one that is running. `total` is what has happened since the start.
    pub fn samples(&self, total: Sample) -> Vec<Sample> {
        let ring = lock(&self.ring);
        let running = ring.since_last(total);
        ring.steps.iter().copied().chain([running]).collect()
    }
}

impl Ring {
    /// What happened since the last step. A destination that was removed takes its counts with it;
    /// then nothing is told rather than a negative number.
    fn since_last(&self, total: Sample) -> Sample {
        let before = &self.before;
        Sample {
            accepted: total.accepted.saturating_sub(before.accepted),
            written: total.written.saturating_sub(before.written),
            ignored: total.ignored.saturating_sub(before.ignored),
            dead_lettered: total.dead_lettered.saturating_sub(before.dead_lettered),
            lost: total.lost.saturating_sub(before.lost),
            ..total
        }
    }
}

/// As all times of the API are written.
fn with_milliseconds<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(accepted: u64, queued: u64) -> Sample {
        Sample {
            accepted,
            queued,
            ..Sample::default()
        }
    }

    #[test]
    fn each_step_tells_its_own_share() {
        let history = History::default();
        history.push(total(5, 1));
        history.push(total(7, 0));
        let samples = history.samples(total(10, 2));
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
            history.push(total(step, 0));
        }
        let samples = history.samples(total(1_000, 0));
        assert_eq!(samples.len(), MAX_SAMPLES);
        assert_eq!(STEP * 360, Duration::from_hours(1));
    }

    #[test]
    fn counts_that_went_away_are_no_negative_step() {
        let history = History::default();
        history.push(total(5, 0));
        assert_eq!(history.samples(total(3, 0))[1].accepted, 0);
    }
}
