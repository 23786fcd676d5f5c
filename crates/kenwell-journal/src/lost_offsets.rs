//! Which offsets are known to be lost, so that each is counted and reported once.

use std::ops::Range;

/// How many separate ranges are remembered; the oldest are forgotten first.
const MAX_RANGES: usize = 4096;

/// The offsets of records that are lost to damage.
#[derive(Debug, Default)]
pub(crate) struct LostOffsets {
    /// Ascending ranges that neither overlap nor touch.
    ranges: Vec<Range<u64>>,
    total: u64,
}

impl LostOffsets {
    /// Adds a range, and tells how many of its offsets were not known yet.
    pub(crate) fn add(&mut self, lost: &Range<u64>) -> u64 {
        if lost.is_empty() {
            return 0;
        }
        let from = self.ranges.partition_point(|range| range.end < lost.start);
        let to = self.ranges.partition_point(|range| range.start <= lost.end);
        let mut joined = lost.clone();
        let mut known = 0;
        for range in self.ranges.drain(from..to) {
            known += range
                .end
                .min(lost.end)
                .saturating_sub(range.start.max(lost.start));
            joined = joined.start.min(range.start)..joined.end.max(range.end);
        }
        self.ranges.insert(from, joined);
        if self.ranges.len() > MAX_RANGES {
            self.ranges.remove(0);
        }
        let added = (lost.end - lost.start).saturating_sub(known);
        self.total += added;
        added
    }

    /// How many offsets were added, each counted once.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::single_range_in_vec_init, reason = "one range is what is left")]
    fn each_offset_is_new_once() {
        let mut lost_offsets = LostOffsets::default();
        for (lost, new) in [
            (10..20, 10),
            (10..20, 0),
            (15..25, 5),
            (30..40, 10),
            (5..8, 3),
            (0..50, 50 - 28),
            (0..50, 0),
            (7..7, 0),
        ] {
            assert_eq!(lost_offsets.add(&lost), new, "{lost:?}");
        }
        assert_eq!(lost_offsets.ranges, [0..50]);
        assert_eq!(lost_offsets.total(), 50);
    }

    #[test]
    fn ranges_are_bounded() {
        let mut lost_offsets = LostOffsets::default();
        for place in 0..10_000 {
            assert_eq!(lost_offsets.add(&(place * 2..place * 2 + 1)), 1);
        }
        assert_eq!(lost_offsets.ranges.len(), MAX_RANGES);
    }
}
