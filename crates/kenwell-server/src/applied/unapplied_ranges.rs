//! Events that have their outcome and are not in Redis: dead letters, and what damage of the journal took.

use std::{collections::BTreeMap, ops::Range};

use kenwell_journal::Offset;

/// The most ranges that are remembered. They are looked up moments after they were noted, by requests that waited.
const MAX_RANGES: usize = 4_096;

/// Where in the journal such events are.
#[derive(Debug, Default)]
pub(super) struct UnappliedRanges {
    /// The end of each by its start.
    ranges: BTreeMap<Offset, Offset>,
    /// Before this, ranges may have been forgotten.
    forgotten: Offset,
}

impl UnappliedRanges {
    /// None of these events is in Redis. When there are too many, the oldest ones in the journal are forgotten.
    pub(super) fn add(&mut self, events: Range<Offset>) {
        self.ranges.insert(events.start, events.end);
        if self.ranges.len() > MAX_RANGES
            && let Some((_, end)) = self.ranges.pop_first()
        {
            self.forgotten = self.forgotten.max(end);
        }
    }

    /// How many of these events are not in Redis: at most so many, and none only if none is.
    pub(super) fn count(&self, events: &Range<Offset>) -> u64 {
        if events.start < self.forgotten {
            return events.end.0.saturating_sub(events.start.0);
        }
        let before = self.ranges.range(..events.end);
        let common = before.map(|(start, end)| {
            let end = end.0.min(events.end.0);
            end.saturating_sub(start.0.max(events.start.0))
        });
        common.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, end: u64) -> Range<Offset> {
        Offset(start)..Offset(end)
    }

    #[test]
    fn what_overlaps_is_counted() {
        let mut ranges = UnappliedRanges::default();
        ranges.add(range(10, 11));
        ranges.add(range(20, 30));
        for (start, end, count) in [(0, 10, 0), (0, 11, 1), (5, 25, 6), (22, 24, 2), (30, 40, 0)] {
            assert_eq!(ranges.count(&range(start, end)), count, "{start} {end}");
        }
    }

    #[test]
    fn what_is_forgotten_is_not_called_applied() {
        let mut ranges = UnappliedRanges::default();
        let most = u64::try_from(MAX_RANGES).unwrap();
        for number in 0..=most {
            ranges.add(range(number * 10, number * 10 + 1));
        }
        assert_eq!(ranges.ranges.len(), MAX_RANGES);
        assert_eq!(ranges.count(&range(0, 1)), 1);
        assert_eq!(ranges.count(&range(5, 9)), 0);
        assert_eq!(ranges.count(&range(11, 20)), 0);
        assert_eq!(ranges.count(&range(10, 11)), 1);
    }
}
