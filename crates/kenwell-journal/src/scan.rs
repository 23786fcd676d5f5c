//! Scans the bytes of a segment: finds the valid frames, and finds the next one after damage.

use std::ops::Range;

use memchr::memmem;

use crate::frame;

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
    while scan.next < end {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some((head, tail)) = rest.split_first_chunk::<{ frame::HEADER }>() else {
            at = if is_last { bytes.len() } else { at };
            break;
        };
        let header = frame::parse(head, seed)
            .filter(|header| (scan.next..end).contains(&header.offset))
            .filter(|header| !is_last || header.length <= tail.len());
        let Some(header) = header else {
            match find_marker(rest, is_last) {
                NextMarker::At(step) => at += step,
                NextMarker::NotBefore(step) => {
                    at += step;
                    break;
                }
            }
            continue;
        };
        let Some(record) = tail.get(..header.length) else {
            scan.needed = if at == 0 {
                frame::HEADER + header.length
            } else {
                0
            };
            break;
        };
        let after = at + frame::HEADER + header.length;
        if crc32c::crc32c(record) == header.checksum {
            scan.add(at..after, header.offset);
        }
        at = after;
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

/// How far away the next marker is.
enum NextMarker {
    At(usize),
    NotBefore(usize),
}

/// Where a frame may begin next, after something that is not one.
fn find_marker(rest: &[u8], is_last: bool) -> NextMarker {
    let behind = rest.get(1..).unwrap_or_default();
    match memmem::find(behind, &frame::MARKER) {
        Some(step) => NextMarker::At(step + 1),
        None if is_last => NextMarker::NotBefore(rest.len()),
        // The marker may be cut in two by the end of the bytes.
        None => NextMarker::NotBefore(rest.len().saturating_sub(frame::MARKER.len() - 1).max(1)),
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
}
