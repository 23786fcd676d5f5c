//! Walks over the bytes of a segment: finds the valid frames, and finds the next one after damage.

use std::ops::Range;

use memchr::memmem;

use crate::frame;

/// Valid frames with consecutive offsets within the bytes walked over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundFrames {
    /// Where, in bytes.
    pub(crate) bytes: Range<usize>,
    /// Which offsets.
    pub(crate) offsets: Range<u64>,
}

/// What a walk found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// The valid frames, in order.
    pub(crate) found: Vec<FoundFrames>,
    /// Offsets that should have been there, before a valid frame that was.
    pub(crate) lost: Vec<Range<u64>>,
    /// How many bytes need not be looked at again.
    pub(crate) consumed: usize,
    /// The next offset.
    pub(crate) expected: u64,
    /// When not 0: nothing can be said before this many bytes are there.
    pub(crate) needed: usize,
}

/// Which offsets may still come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExpectedOffsets {
    /// Checksum seed of the segment.
    pub(crate) seed: u32,
    /// The next offset.
    pub(crate) next: u64,
    /// The offset where the segment ends; `u64::MAX` when that is what the walk is to find out.
    pub(crate) end: u64,
}

/// Walks over `bytes`; `last` says that the file ends with them.
///
/// A damaged record is not counted here but by the gap before the next valid one, so that a torn tail, which has no
/// valid one, is not mistaken for a loss.
pub(crate) fn walk(bytes: &[u8], expectation: ExpectedOffsets, last: bool) -> Scan {
    let ExpectedOffsets { seed, next, end } = expectation;
    let mut walk = Scan {
        expected: next,
        ..Scan::default()
    };
    let mut at = 0;
    while walk.expected < end {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some((head, tail)) = rest.split_first_chunk::<{ frame::HEADER }>() else {
            at = if last { bytes.len() } else { at };
            break;
        };
        let header = frame::parse(head, seed)
            .filter(|header| (walk.expected..end).contains(&header.sequence))
            .filter(|header| !last || header.length <= tail.len());
        let Some(header) = header else {
            match resume(rest, last) {
                Resume::At(step) => at += step,
                Resume::Beyond(step) => {
                    at += step;
                    break;
                }
            }
            continue;
        };
        let Some(record) = tail.get(..header.length) else {
            walk.needed = if at == 0 {
                frame::HEADER + header.length
            } else {
                0
            };
            break;
        };
        let after = at + frame::HEADER + header.length;
        if crc32c::crc32c(record) == header.checksum {
            walk.take(at..after, header.sequence);
        }
        at = after;
    }
    walk.consumed = at;
    walk
}

impl Scan {
    fn take(&mut self, bytes: Range<usize>, sequence: u64) {
        if sequence > self.expected {
            self.lost.push(self.expected..sequence);
        }
        self.expected = sequence + 1;
        match self.found.last_mut() {
            Some(run) if run.offsets.end == sequence && run.bytes.end == bytes.start => {
                run.offsets.end = self.expected;
                run.bytes.end = bytes.end;
            }
            _ => self.found.push(FoundFrames {
                bytes,
                offsets: sequence..self.expected,
            }),
        }
    }
}

enum Resume {
    At(usize),
    Beyond(usize),
}

/// Where a frame may begin next, after something that is not one.
fn resume(rest: &[u8], last: bool) -> Resume {
    let next = rest.get(1..).unwrap_or_default();
    match memmem::find(next, &frame::MARKER) {
        Some(step) => Resume::At(step + 1),
        None if last => Resume::Beyond(rest.len()),
        // The marker may be cut in two by the end of the bytes.
        None => Resume::Beyond(rest.len().saturating_sub(frame::MARKER.len() - 1).max(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: u32 = 77;

    fn frames(count: u64) -> Vec<u8> {
        let mut frames = Vec::new();
        for _ in 0..count {
            frame::push(&mut frames, &[b"0123456789"], 10);
        }
        frame::stamp(&mut frames, 0, SEED);
        frames
    }

    fn expect(next: u64, end: u64) -> ExpectedOffsets {
        ExpectedOffsets {
            seed: SEED,
            next,
            end,
        }
    }

    fn found(bytes: Range<usize>, offsets: Range<u64>) -> FoundFrames {
        FoundFrames { bytes, offsets }
    }

    #[test]
    fn intact_frames_are_one_run() {
        let walk = walk(&frames(3), expect(0, 3), true);
        assert_eq!(walk.found, [found(0..102, 0..3)]);
        assert_eq!((walk.consumed, walk.expected), (102, 3));
        assert!(walk.lost.is_empty());
    }

    #[test]
    fn a_damaged_record_is_skipped_and_its_offset_is_lost() {
        for damaged in [34, 34 + 9, 34 + 20, 34 + 30] {
            let mut bytes = frames(3);
            bytes[damaged] ^= 0x20;
            let walk = walk(&bytes, expect(0, 3), true);
            assert_eq!(
                walk.found,
                [found(0..34, 0..1), found(68..102, 2..3)],
                "byte {damaged}"
            );
            assert_eq!(walk.lost, vec![1..2]);
        }
    }

    #[test]
    fn a_torn_tail_is_not_a_loss() {
        let bytes = frames(3);
        for cut in 69..102 {
            let walk = walk(&bytes[..cut], expect(0, u64::MAX), true);
            assert_eq!(walk.found, [found(0..68, 0..2)]);
            assert_eq!((walk.expected, walk.consumed), (2, cut));
            assert!(walk.lost.is_empty());
        }
    }

    #[test]
    fn more_bytes_are_asked_for_only_when_the_first_frame_needs_them() {
        let bytes = frames(2);
        let short = walk(&bytes[..30], expect(0, 2), false);
        assert_eq!((short.needed, short.consumed), (34, 0));
        let longer = walk(&bytes[..40], expect(0, 2), false);
        assert_eq!((longer.needed, longer.consumed), (0, 34));
    }

    #[test]
    fn a_marker_at_the_edge_of_the_bytes_is_not_overlooked() {
        let mut bytes = vec![1; 50];
        bytes.extend(frames(1));
        for cut in 24..bytes.len() {
            let first = walk(&bytes[..cut], expect(0, 1), false);
            let second = walk(&bytes[first.consumed..], expect(first.expected, 1), true);
            assert_eq!(first.found.len() + second.found.len(), 1, "cut {cut}");
        }
    }

    #[test]
    fn records_of_another_segment_or_beyond_the_end_are_not_found() {
        let bytes = frames(3);
        let foreign = ExpectedOffsets {
            seed: SEED + 1,
            next: 0,
            end: 3,
        };
        assert!(walk(&bytes, foreign, true).found.is_empty());
        assert_eq!(walk(&bytes, expect(0, 2), true).found, [found(0..68, 0..2)]);
        assert!(walk(&bytes, expect(3, u64::MAX), true).found.is_empty());
    }
}
