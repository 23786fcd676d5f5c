//! Which offsets are known to be lost, so that each is counted and reported once.

use std::ops::Range;

/// How many separate places of damage are remembered; the oldest are forgotten first.
const MAX_PLACES: usize = 4096;

/// Lost offsets: ascending ranges that neither overlap nor touch.
#[derive(Debug, Default)]
pub(crate) struct LostOffsets {
    places: Vec<Range<u64>>,
}

impl LostOffsets {
    /// Adds a range, and tells how many of its offsets were not known yet.
    pub(crate) fn add(&mut self, lost: &Range<u64>) -> u64 {
        if lost.is_empty() {
            return 0;
        }
        let from = self.places.partition_point(|place| place.end < lost.start);
        let to = self.places.partition_point(|place| place.start <= lost.end);
        let mut joined = lost.clone();
        let mut known = 0;
        for place in self.places.drain(from..to) {
            known += place
                .end
                .min(lost.end)
                .saturating_sub(place.start.max(lost.start));
            joined = joined.start.min(place.start)..joined.end.max(place.end);
        }
        self.places.insert(from, joined);
        if self.places.len() > MAX_PLACES {
            self.places.remove(0);
        }
        (lost.end - lost.start).saturating_sub(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::single_range_in_vec_init, reason = "one range is what is left")]
    fn each_offset_is_new_once() {
        let mut losses = LostOffsets::default();
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
            assert_eq!(losses.add(&lost), new, "{lost:?}");
        }
        assert_eq!(losses.places, [0..50]);
    }

    #[test]
    fn places_are_bounded() {
        let mut losses = LostOffsets::default();
        for place in 0..10_000 {
            assert_eq!(losses.add(&(place * 2..place * 2 + 1)), 1);
        }
        assert_eq!(losses.places.len(), MAX_PLACES);
    }
}
