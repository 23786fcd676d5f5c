//! How far back is looked, and in which steps.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far back is looked.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Range {
    /// An hour in steps of 10 seconds.
    #[default]
    Hour,
    /// A day in steps of 5 minutes.
    Day,
    /// A week in steps of 30 minutes.
    Week,
}

impl Range {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Week];

    /// How long a step is.
    pub const fn step(self) -> Duration {
        match self {
            Self::Hour => Duration::from_secs(10),
            Self::Day => Duration::from_mins(5),
            Self::Week => Duration::from_mins(30),
        }
    }

    /// Steps that are kept, the one that is running included.
    pub const fn steps(self) -> usize {
        match self {
            Self::Hour => 360,
            Self::Day => 288,
            Self::Week => 336,
        }
    }

    /// The number of the step that this moment is in.
    pub(super) fn step_at(self, at: Timestamp) -> i64 {
        at.as_second().div_euclid(self.step_seconds())
    }

    /// When the step with this number ends.
    pub(super) fn end_of(self, step: i64) -> Timestamp {
        let end = step.saturating_add(1).saturating_mul(self.step_seconds());
        Timestamp::from_second(end).unwrap_or(Timestamp::MAX)
    }

    /// The moment that is as far back.
    pub(super) fn begin(self, now: Timestamp) -> Timestamp {
        let steps = i64::try_from(self.steps()).unwrap_or(i64::MAX);
        let begin = now.as_second() - steps.saturating_mul(self.step_seconds());
        Timestamp::from_second(begin).unwrap_or(Timestamp::MIN)
    }

    fn step_seconds(self) -> i64 {
        i64::try_from(self.step().as_secs()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_fill_their_range() {
        for (range, hours) in [(Range::Hour, 1), (Range::Day, 24), (Range::Week, 7 * 24)] {
            let steps = u32::try_from(range.steps()).unwrap();
            assert_eq!(range.step() * steps, Duration::from_hours(hours));
        }
        let at = Timestamp::from_second(601).unwrap();
        assert_eq!(Range::Day.step_at(at), 2);
        assert_eq!(Range::Day.end_of(2).as_second(), 900);
    }
}
