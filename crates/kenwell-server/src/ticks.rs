//! Ticks in the same moments for everything that looks at something from time to time, so that an idle process wakes rarely.

use std::{sync::LazyLock, time::Duration};

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// What all ticks are counted from.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Ticks at every multiple of `period` since the first call of the process, and one at once. What comes too late for one
/// waits for the next. A `period` of nothing is one of a millisecond.
pub(crate) fn ticks(period: Duration) -> Interval {
    let period = period.max(Duration::from_millis(1));
    let start = *START; // before `now`: the first call sets it
    let now = Instant::now();
    let passed = now.saturating_duration_since(start);
    let since_latest = remainder(passed, period);
    let mut ticks = interval_at(now.checked_sub(since_latest).unwrap_or(now), period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

/// What is left of `passed` after as many whole periods as fit.
fn remainder(passed: Duration, period: Duration) -> Duration {
    let nanoseconds = passed.as_nanos() % period.as_nanos();
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn whoever_begins_later_ticks_in_the_same_moments() {
        let mut first = ticks(PERIOD);
        let at_once = first.tick().await;
        assert!(at_once <= Instant::now());
        let next = first.tick().await;
        tokio::time::sleep(Duration::from_millis(7)).await;
        let other = ticks(2 * PERIOD).tick().await;
        for later in [next, other] {
            let apart = later.max(at_once) - later.min(at_once);
            assert_eq!(apart.as_nanos() % PERIOD.as_nanos(), 0, "{apart:?}");
        }
    }
}
