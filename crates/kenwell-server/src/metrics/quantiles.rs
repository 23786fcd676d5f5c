//! Quantiles of the last minutes, for the console.
//!
//! Two histograms take turns: the current one fills for [`TURN`], then becomes the previous one. What is
//! told is of both, so of the last five to ten minutes. Values are counted with two significant digits:
//! a quantile is at most 1 % above the true one.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::mutex::lock;

/// How long one histogram fills.
const TURN: Duration = Duration::from_mins(5);
/// Largest duration in microseconds that is told apart: one day.
const LONGEST_US: u64 = 24 * 60 * 60 * 1_000_000;

/// Durations of the last minutes.
#[derive(Debug, Default)]
pub struct Quantiles {
    turns: Mutex<Option<Turns>>,
}

#[derive(Debug)]
struct Turns {
    current: Histogram<u64>,
    previous: Histogram<u64>,
    began: Instant,
}

impl Turns {
    fn new(now: Instant) -> Option<Self> {
        let empty = Histogram::new_with_bounds(1, LONGEST_US, 2).ok()?;
        Some(Self {
            current: empty.clone(),
            previous: empty,
            began: now,
        })
    }

    /// Lets the histograms take turns as often as the time asks for.
    fn advance(&mut self, now: Instant) {
        let age = now.saturating_duration_since(self.began);
        if age < TURN {
            return;
        }
        std::mem::swap(&mut self.current, &mut self.previous);
        self.current.reset();
        if age >= 2 * TURN {
            self.previous.reset();
        }
        self.began = now;
    }
}

impl Quantiles {
    /// Notes a duration.
    pub(super) fn note(&self, seconds: f64, now: Instant) {
        let duration = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let mut turns = lock(&self.turns);
        if turns.is_none() {
            *turns = Turns::new(now);
        }
        if let Some(turns) = turns.as_mut() {
            turns.advance(now);
            turns.current.saturating_record(microseconds.max(1));
        }
    }

    /// The median and the 99th percentile in milliseconds; `None` when nothing was noted lately.
    pub fn p50_p99(&self, now: Instant) -> Option<(f64, f64)> {
        Self::of([self], now)
    }

    /// The same of several together.
    pub fn of<'a>(all: impl IntoIterator<Item = &'a Self>, now: Instant) -> Option<(f64, f64)> {
        let mut sum = Turns::new(now)?.current;
        for one in all {
            let mut turns = lock(&one.turns);
            let Some(turns) = turns.as_mut() else {
                continue;
            };
            turns.advance(now);
            // Both have the same bounds.
            sum.add(&turns.current).ok()?;
            sum.add(&turns.previous).ok()?;
        }
        let milliseconds = |quantile| {
            let duration = Duration::from_micros(sum.value_at_quantile(quantile));
            duration.as_secs_f64() * 1_000.0
        };
        (!sum.is_empty()).then(|| (milliseconds(0.5), milliseconds(0.99)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_one_percent() {
        let (quantiles, now) = (Quantiles::default(), Instant::now());
        assert_eq!(quantiles.p50_p99(now), None);
        for millisecond in 1..=1_000 {
            quantiles.note(f64::from(millisecond) / 1_000.0, now);
        }
        let (p50, p99) = quantiles.p50_p99(now).unwrap();
        assert!((500.0..=505.0).contains(&p50), "{p50}");
        assert!((990.0..=1_000.0).contains(&p99), "{p99}");
    }

    #[test]
    fn what_is_old_is_forgotten() {
        let (quantiles, start) = (Quantiles::default(), Instant::now());
        quantiles.note(1.0, start);
        let told = |after: Duration| quantiles.p50_p99(start + after).is_some();
        assert!(told(TURN) && told(TURN + TURN / 2));
        assert!(!told(2 * TURN));
    }

    #[test]
    fn long_silence_forgets_both() {
        let (quantiles, start) = (Quantiles::default(), Instant::now());
        quantiles.note(1.0, start);
        assert!(quantiles.p50_p99(start + 3 * TURN).is_none());
    }

    #[test]
    fn nothing_is_too_long_or_too_odd() {
        let (quantiles, now) = (Quantiles::default(), Instant::now());
        for odd in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            quantiles.note(odd, now);
        }
        assert!(quantiles.p50_p99(now).is_some());
    }
}
