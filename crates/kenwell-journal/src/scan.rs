//! Scans the bytes of a segment: finds the valid frames, and finds the next one after damage.

use std::ops::Range;

use memchr::memchr2_iter;

use crate::frame::{self, Frame};

/// Valid frames with consecutive offsets within the bytes scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundFrames {
    /// Where they are in the bytes.
    pub(crate) bytes: Range<usize>,
    /// Their offsets.
    pub(crate) offsets: Range<u64>,
}

/// What a scan found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// The valid frames, in order.
    pub(crate) frames: Vec<FoundFrames>,
    /// Offsets that should have been there, before a valid frame that was.
    pub(crate) lost: Vec<Range<u64>>,
    /// How many bytes need not be looked at again.
    pub(crate) consumed: usize,
    /// The offset that comes next.
    pub(crate) next: u64,
    /// When not 0: nothing can be said before this many bytes are there.
    pub(crate) needed: usize,
}

/// Scans `bytes`; `is_last` says that the file ends with them. `seed` is the checksum seed of the segment. `offsets` are
/// those that may still come: they end with the segment, or with `u64::MAX` when its end is what the scan is to find out.
///
/// A damaged record is not counted here but by the gap before the next valid one, so that a torn tail, which has no
/// valid one, is not mistaken for a loss.
pub(crate) fn scan(bytes: &[u8], seed: u32, offsets: Range<u64>, is_last: bool) -> Scan {
    let end = offsets.end;
    let mut scan = Scan {
        next: offsets.start,
        ..Scan::default()
    };
    let mut at = 0;
    // Where what is no frame began.
    let mut damage = None;
    while scan.next < end {
        let rest = bytes.get(at..).unwrap_or_default();
        match frame::look(rest, seed, scan.next, end) {
            Frame::Valid { bytes, offset } => {
                scan.add(at..at + bytes, offset);
                at += bytes;
                damage = None;
            }
            Frame::DamagedRecord { bytes } => at += bytes,
            Frame::Cut { needed } if !is_last => {
                scan.needed = if at == 0 { needed } else { 0 };
                break;
            }
            Frame::Cut { .. } | Frame::Nothing => {
                let searched = at - *damage.get_or_insert(at);
                let short_room = frame::MAX_SHORT_FRAME.saturating_sub(searched);
                let Some(step) = find_marker(rest, is_last, short_room) else {
                    at = bytes.len();
                    break;
                };
                at += step;
            }
        }
    }
    scan.consumed = at;
    scan
}

impl Scan {
    fn add(&mut self, bytes: Range<usize>, offset: u64) {
        if offset > self.next {
            self.lost.push(self.next..offset);
        }
        self.next = offset + 1;
        match self.frames.last_mut() {
            Some(last) if last.offsets.end == offset && last.bytes.end == bytes.start => {
                last.offsets.end = self.next;
                last.bytes.end = bytes.end;
            }
            _ => self.frames.push(FoundFrames {
                bytes,
                offsets: offset..self.next,
            }),
        }
    }
}

/// How far away a frame may begin next, after something that is not one. A short one is only looked for within the
/// next `short_room` bytes, which what is damaged there takes at most if it was one: whatever a record holds has few
/// chances to look like one.
fn find_marker(rest: &[u8], is_last: bool, short_room: usize) -> Option<usize> {
    let [first, ..] = frame::MARKER;
    let is_marker = |at: &usize| {
        let begun = rest.get(*at..).unwrap_or_default();
        if begun.first() == Some(&frame::SHORT_MARKER) {
            return *at <= short_room;
        }
        // A marker may be cut in two by the end of the bytes.
        begun.starts_with(&frame::MARKER) || (!is_last && frame::MARKER.starts_with(begun))
    };
    let behind = rest.get(1..).unwrap_or_default();
    let markers = memchr2_iter(first, frame::SHORT_MARKER, behind);
    markers.map(|at| at + 1).find(is_marker)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: u32 = 77;

    fn frames(count: u64) -> Vec<u8> {
        let mut frames = Vec::new();
        for _ in 0..count {
            frame::push(&mut frames, &[b"0123456789"], 10, 0);
        }
        frame::stamp(&mut frames, 0, SEED);
        frames
    }

    /// The frames of one append, and where each begins.
    fn append(count: u64) -> (Vec<u8>, Vec<usize>) {
        let (mut frames, mut starts) = (Vec::new(), Vec::new());
        for number in 0..count {
            starts.push(frames.len());
            frame::push(&mut frames, &[b"01234\xf656\xf589"], 11, number);
        }
        starts.push(frames.len());
        frame::stamp(&mut frames, 0, SEED);
        (frames, starts)
    }

    fn found(bytes: Range<usize>, offsets: Range<u64>) -> FoundFrames {
        FoundFrames { bytes, offsets }
    }

    #[test]
    fn intact_frames_are_found_together() {
        let scanned = scan(&frames(3), SEED, 0..3, true);
        assert_eq!(scanned.frames, [found(0..102, 0..3)]);
        assert_eq!((scanned.consumed, scanned.next), (102, 3));
        assert!(scanned.lost.is_empty());
    }

    #[test]
    fn a_damaged_record_is_skipped_and_its_offset_is_lost() {
        for damaged in [34, 34 + 9, 34 + 20, 34 + 30] {
            let mut bytes = frames(3);
            bytes[damaged] ^= 0x20;
            let scanned = scan(&bytes, SEED, 0..3, true);
            assert_eq!(
                scanned.frames,
                [found(0..34, 0..1), found(68..102, 2..3)],
                "byte {damaged}"
            );
            assert_eq!(scanned.lost, vec![1..2]);
        }
    }

    #[test]
    fn a_torn_tail_is_not_a_loss() {
        let bytes = frames(3);
        for cut in 69..102 {
            let scanned = scan(&bytes[..cut], SEED, 0..u64::MAX, true);
            assert_eq!(scanned.frames, [found(0..68, 0..2)]);
            assert_eq!((scanned.next, scanned.consumed), (2, cut));
            assert!(scanned.lost.is_empty());
        }
    }

    #[test]
    fn more_bytes_are_asked_for_only_when_the_first_frame_needs_them() {
        let bytes = frames(2);
        let short = scan(&bytes[..30], SEED, 0..2, false);
        assert_eq!((short.needed, short.consumed), (34, 0));
        let longer = scan(&bytes[..40], SEED, 0..2, false);
        assert_eq!((longer.needed, longer.consumed), (0, 34));
    }

    #[test]
    fn a_marker_at_the_edge_of_the_bytes_is_not_overlooked() {
        let mut bytes = vec![1; 50];
        bytes.extend(frames(1));
        for cut in 24..bytes.len() {
            let first = scan(&bytes[..cut], SEED, 0..1, false);
            let second = scan(&bytes[first.consumed..], SEED, first.next..1, true);
            assert_eq!(first.frames.len() + second.frames.len(), 1, "cut {cut}");
        }
    }

    #[test]
    fn records_of_another_segment_or_beyond_the_end_are_not_found() {
        let bytes = frames(3);
        assert!(scan(&bytes, SEED + 1, 0..3, true).frames.is_empty());
        assert_eq!(scan(&bytes, SEED, 0..2, true).frames, [found(0..68, 0..2)]);
        assert!(scan(&bytes, SEED, 3..u64::MAX, true).frames.is_empty());
    }

    #[test]
    fn a_damaged_frame_of_an_append_costs_only_itself() {
        let (frames, starts) = append(40);
        for (lost, frame) in (0..).zip(starts.windows(2)) {
            for at in frame[0]..frame[1] {
                let mut bytes = frames.clone();
                bytes[at] ^= 0x41;
                let scanned = scan(&bytes, SEED, 0..40, true);
                let found = scanned.frames.iter().map(|found| found.offsets.clone());
                let found: Vec<u64> = found.flatten().collect();
                let others: Vec<u64> = (0..40).filter(|offset| *offset != lost).collect();
                assert_eq!(found, others, "byte {at}");
            }
        }
    }

    #[test]
    fn an_append_is_read_in_pieces_of_any_size() {
        let (frames, _) = append(40);
        for cut in 1..frames.len() {
            let first = scan(&frames[..cut], SEED, 0..40, false);
            let second = scan(&frames[first.consumed..], SEED, first.next..40, true);
            assert!(first.lost.is_empty() && second.lost.is_empty(), "cut {cut}");
            assert_eq!(second.next, 40, "cut {cut}");
            let torn = scan(&frames[..cut], SEED, 0..u64::MAX, true);
            assert_eq!((torn.next, torn.consumed), (first.next, cut), "cut {cut}");
        }
    }

    #[test]
    fn a_hole_costs_what_it_hit_and_behind_a_large_one_reading_goes_on_at_the_next_full_frame() {
        let (whole, starts) = append(2_000);
        let room = frame::MAX_SHORT_FRAME;
        for (from, to, next) in [
            (3, 21, 21),
            (3, 258, 258),
            (100, 110, 110),
            // 16 KiB are over.
            (3, 1_003, 1_008),
        ] {
            let mut frames = whole.clone();
            frames[starts[from]..starts[to]].fill(0xf6);
            assert_eq!(starts[to] - starts[from] < room, next == to);
            let scanned = scan(&frames, SEED, 0..2_000, true);
            let lost = u64::try_from(from).unwrap()..u64::try_from(next).unwrap();
            assert_eq!(scanned.lost, [lost]);
            assert_eq!(scanned.next, 2_000);
        }
    }
}
