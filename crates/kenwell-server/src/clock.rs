//! How old something is by the wall clock, though the clock is set meanwhile.
//!
//! What waits in the journal carries the time by the wall clock, since it outlives the process. A clock that begins
//! in 1970 and is set a minute later, or one that is set back, would make ages of decades, or of nothing: sums of
//! metrics do not recover from one such value. So jumps are noticed by the monotonic clock, and taken out of the ages.

use std::{
    collections::VecDeque,
    sync::{LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;

/// What the two clocks may differ by between two checks, in milliseconds, before it is a jump.
const TOLERANCE_MS: i64 = 1_000;
/// The most jumps that are remembered.
const MAX_JUMPS: usize = 16;
/// A clock that shows an earlier time than this (2024, in milliseconds since 1970) was not set yet.
const UNSET_BEFORE_MS: i64 = 1_704_067_200_000;
/// The highest age that is reported: 30 days.
const MAX_AGE: Duration = Duration::from_hours(30 * 24);

static CLOCK: LazyLock<Mutex<Clock>> =
    LazyLock::new(|| Mutex::new(Clock::new(Instant::now(), wall())));

/// Notices whether the clock was set. To be called every second or so, from the start on.
pub(crate) fn check_for_jumps() {
    let mut clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    clock.check(Instant::now(), wall());
}

/// The age of what happened at this time by the wall clock (milliseconds since 1970): at most 30 days, and counted
/// from the start of the process if the clock was not set then.
pub(crate) fn age(received_ms: u64) -> Duration {
    let mut clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    clock.check(now, wall());
    clock.age(i64::try_from(received_ms).unwrap_or(i64::MAX), now)
}

fn wall() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Both clocks, and how the wall clock jumped.
struct Clock {
    start: Instant,
    checked: Instant,
    /// The wall clock at that moment.
    wall_ms: i64,
    /// Oldest first.
    jumps: VecDeque<Jump>,
}

/// The wall clock was set.
struct Jump {
    /// What it would have shown.
    before_ms: i64,
    /// How far it went; negative when it was set back.
    by_ms: i64,
}

impl Clock {
    fn new(now: Instant, wall_ms: i64) -> Self {
        Self {
            start: now,
            checked: now,
            wall_ms,
            jumps: VecDeque::new(),
        }
    }

    fn check(&mut self, now: Instant, wall_ms: i64) {
        let passed = milliseconds(now.saturating_duration_since(self.checked));
        let before_ms = self.wall_ms.saturating_add(passed);
        let by_ms = wall_ms.saturating_sub(before_ms);
        if by_ms.saturating_abs() > TOLERANCE_MS {
            if self.jumps.len() == MAX_JUMPS {
                self.jumps.pop_front();
            }
            self.jumps.push_back(Jump { before_ms, by_ms });
        }
        (self.checked, self.wall_ms) = (now, wall_ms);
    }

    fn age(&self, received_ms: i64, now: Instant) -> Duration {
        let mut wall_ms = self.wall_ms;
        // From now back to when it was received, without the jumps on the way.
        for jump in self.jumps.iter().rev() {
            let is_after = match jump.by_ms {
                0.. => received_ms > jump.before_ms.saturating_add(TOLERANCE_MS),
                // Between the two it may be either; the shorter age is the safer one.
                _ => received_ms <= wall_ms,
            };
            if is_after {
                break;
            }
            wall_ms = wall_ms.saturating_sub(jump.by_ms);
        }
        let age = wall_ms.saturating_sub(received_ms);
        let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
        if age > MAX_AGE && received_ms < UNSET_BEFORE_MS {
            return now.saturating_duration_since(self.start);
        }
        age.min(MAX_AGE)
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: i64 = 1_800_000_000_000;

    /// A clock that shows `wall` at its start, and what it shows after so many seconds.
    fn clock(wall: i64, looks: &[(u64, i64)]) -> (Clock, Instant) {
        let start = Instant::now();
        let mut clock = Clock::new(start, wall);
        let mut now = start;
        for (seconds, wall) in looks {
            now = start + Duration::from_secs(*seconds);
            clock.check(now, *wall);
        }
        (clock, now)
    }

    #[test]
    fn without_jumps_it_is_the_difference() {
        let (clock, now) = clock(TODAY, &[(10, TODAY + 10_000), (20, TODAY + 20_300)]);
        assert_eq!(clock.age(TODAY + 5_300, now), Duration::from_secs(15));
        assert_eq!(
            clock.age(TODAY - 60_000, now),
            Duration::from_millis(80_300)
        );
        assert_eq!(clock.age(TODAY + 99_000, now), Duration::ZERO);
    }

    #[test]
    fn a_clock_that_began_in_1970_makes_no_decades() {
        // Set after 60 seconds; what was received 50 seconds after the start is 20 seconds old.
        let (clock, now) = clock(5_000, &[(59, 64_000), (61, TODAY), (70, TODAY + 9_000)]);
        assert_eq!(clock.age(55_000, now), Duration::from_secs(20));
        assert_eq!(clock.age(TODAY + 4_000, now), Duration::from_secs(5));
        // Of an earlier run: nobody knows when that was.
        let (clock, now) = self::clock(TODAY, &[(30, TODAY + 30_000)]);
        assert_eq!(clock.age(55_000, now), Duration::from_secs(30));
    }

    #[test]
    fn a_clock_that_is_set_back_or_forth_makes_nothing_negative_and_nothing_enormous() {
        const YEAR: i64 = 365 * 24 * 3_600_000;
        let (back, now) = clock(TODAY, &[(9, TODAY + 9_000), (10, TODAY + 10_000 - YEAR)]);
        assert_eq!(back.age(TODAY + 4_000, now), Duration::from_secs(6));
        assert_eq!(
            back.age(TODAY + 9_500 - YEAR, now),
            Duration::from_millis(500)
        );
        let (forth, now) = clock(TODAY, &[(9, TODAY + 9_000), (10, TODAY + 10_000 + YEAR)]);
        assert_eq!(forth.age(TODAY + 4_000, now), Duration::from_secs(6));
        // There and back again.
        let looks = [
            (9, TODAY + 9_000),
            (10, TODAY + 10_000 + YEAR),
            (11, TODAY + 11_000),
            (20, TODAY + 20_000),
        ];
        let (both, now) = clock(TODAY, &looks);
        assert_eq!(both.age(TODAY + 4_000, now), Duration::from_secs(16));
        assert_eq!(
            both.age(TODAY + 10_500 + YEAR, now),
            Duration::from_millis(9_500)
        );
        // A jump in an earlier run cannot be known, but has an end.
        let (clock, now) = clock(TODAY, &[]);
        assert_eq!(clock.age(TODAY - YEAR, now), MAX_AGE);
    }

    #[test]
    fn jumps_are_bounded() {
        let looks: Vec<_> = (1..100)
            .map(|n| (n, TODAY + 1_000_000 * i64::try_from(n * n).unwrap()))
            .collect();
        let (clock, now) = clock(TODAY, &looks);
        assert_eq!(clock.jumps.len(), MAX_JUMPS);
        assert!(clock.age(TODAY, now) <= MAX_AGE);
    }
}
