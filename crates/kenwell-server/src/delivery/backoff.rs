//! Waiting between attempts: longer each time, never the same for everybody.

use std::time::Duration;

/// The longest first wait.
const FIRST: Duration = Duration::from_millis(50);
/// The longest wait of all: how stale a destination may be after its Redis came back.
const LONGEST: Duration = Duration::from_secs(2);

/// Exponential back-off with full jitter.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// How long to wait before the next attempt: a random part of a bound that doubles.
    pub(super) fn next(&mut self) -> Duration {
        let bound = FIRST
            .saturating_mul(1 << self.attempts.min(16))
            .min(LONGEST);
        self.attempts = self.attempts.saturating_add(1);
        bound.mul_f64(0.1 + 0.9 * fastrand::f64())
    }

    /// Attempts that have failed so far.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_and_stays_within_its_bound() {
        let mut backoff = Backoff::default();
        let first = backoff.next();
        assert!(first <= FIRST && first >= FIRST / 10);
        let later: Vec<_> = (0..100).map(|_| backoff.next()).collect();
        assert!(later.iter().all(|wait| *wait <= LONGEST && !wait.is_zero()));
        assert!(later.iter().max() > Some(&(LONGEST / 2)));
        assert_eq!(backoff.attempts(), 101);
    }
}
