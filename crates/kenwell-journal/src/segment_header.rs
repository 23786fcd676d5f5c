//! A segment's identity (its number, first offset and salt) and the header that repeats it.

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::frame;
use crate::little_endian::{le32, le64};

/// Size of a segment's header in bytes.
pub(crate) const HEADER_BYTES: u64 = HEADER_SIZE as u64;
/// The same, for memory.
const HEADER_SIZE: usize = 64;
/// First bytes of every segment.
pub(crate) const MAGIC: [u8; 8] = *b"KENWELLJ";
/// Format version that this code writes; it reads all earlier ones. Version 1 had full frames only.
pub(crate) const VERSION: u16 = 2;
/// Stands for "no segment before this one".
pub(crate) const NO_PREVIOUS: u64 = u64::MAX;
/// Ending of a segment's file name.
pub(crate) const SUFFIX: &str = ".segment";

const RECYCLED: u16 = 1;

/// What distinguishes a segment from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentIdentity {
    /// The segment's number; segments are ordered by it.
    pub(crate) id: u64,
    /// Offset of the first record.
    pub(crate) base: u64,
    /// Random, so that a sender cannot make bytes that look like a frame of this segment.
    pub(crate) salt: u32,
}

impl SegmentIdentity {
    /// A new segment's identity.
    pub(crate) fn new(id: u64, base: u64) -> Self {
        let random = RandomState::new().build_hasher().finish();
        Self {
            id,
            base,
            salt: (random >> 32) as u32,
        }
    }

    /// Checksum seed of its frames.
    pub(crate) fn seed(self) -> u32 {
        frame::seed(self.id, self.salt)
    }

    /// The file's name; sorts by offset. It repeats the identity, so that a damaged header costs no record.
    pub(crate) fn file_name(self) -> String {
        format!(
            "{:020}-{:010}-{:08x}{SUFFIX}",
            self.base, self.id, self.salt
        )
    }

    /// The identity in a file's name, if it is the name of a segment.
    pub(crate) fn from_file_name(name: &str) -> Option<Self> {
        let mut parts = name.strip_suffix(SUFFIX)?.split('-');
        let identity = Self {
            base: parts.next()?.parse().ok()?,
            id: parts.next()?.parse().ok()?,
            salt: u32::from_str_radix(parts.next()?, 16).ok()?,
        };
        // Only the spelling that `file_name` gives: no sign, no missing digit, nothing after it.
        (identity.file_name() == name).then_some(identity)
    }
}

/// A segment's first 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) identity: SegmentIdentity,
    /// Id of the segment before it, or [`NO_PREVIOUS`]: shows a missing file.
    pub(crate) previous: u64,
    /// When it was begun, in milliseconds since 1970; the segment before it got its last record before that.
    pub(crate) created_ms: u64,
    /// Whether the file held another segment before, so that old bytes follow the end of the records. Only earlier
    /// versions made such files.
    pub(crate) recycled: bool,
}

/// What the first bytes of a segment file turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ParsedHeader {
    Valid(SegmentHeader),
    /// Valid, but written by a newer version of the format.
    Newer(u16),
    Damaged,
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; HEADER_SIZE] {
        let mut bytes = [0; HEADER_SIZE];
        let flags = if self.recycled { RECYCLED } else { 0 };
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[10..12].copy_from_slice(&flags.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.identity.salt.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.identity.id.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.identity.base.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.previous.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.created_ms.to_le_bytes());
        let checksum = crc32c::crc32c(&bytes[0..60]);
        bytes[60..64].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub(crate) fn parse(bytes: &[u8]) -> ParsedHeader {
        let Some(bytes) = bytes.first_chunk::<HEADER_SIZE>() else {
            return ParsedHeader::Damaged;
        };
        if bytes[0..8] != MAGIC || le32(bytes, 60) != crc32c::crc32c(&bytes[0..60]) {
            return ParsedHeader::Damaged;
        }
        let word = le32(bytes, 8).to_le_bytes();
        let version = u16::from_le_bytes([word[0], word[1]]);
        let flags = u16::from_le_bytes([word[2], word[3]]);
        if !(1..=VERSION).contains(&version) {
            return ParsedHeader::Newer(version);
        }
        ParsedHeader::Valid(Self {
            identity: SegmentIdentity {
                id: le64(bytes, 16),
                base: le64(bytes, 24),
                salt: le32(bytes, 12),
            },
            previous: le64(bytes, 32),
            created_ms: le64(bytes, 40),
            recycled: flags & RECYCLED != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_other_names_are_refused() {
        let identity = SegmentIdentity::new(3, 1_000);
        let name = identity.file_name();
        assert_eq!(SegmentIdentity::from_file_name(&name), Some(identity));
        for other in ["", "lock", "1-2-3.segment", "x.segment", "a-b-c-d.segment"] {
            assert_eq!(SegmentIdentity::from_file_name(other), None, "{other}");
        }
    }

    #[test]
    fn headers_round_trip_and_damage_is_noticed() {
        let header = SegmentHeader {
            identity: SegmentIdentity::new(9, 77),
            previous: 8,
            created_ms: 123,
            recycled: true,
        };
        let bytes = header.encode();
        assert_eq!(SegmentHeader::parse(&bytes), ParsedHeader::Valid(header));
        for at in 0..bytes.len() {
            let mut damaged = bytes;
            damaged[at] ^= 1;
            assert_eq!(
                SegmentHeader::parse(&damaged),
                ParsedHeader::Damaged,
                "byte {at}"
            );
        }
        assert_eq!(SegmentHeader::parse(&bytes[..63]), ParsedHeader::Damaged);
    }

    #[test]
    fn a_newer_version_is_not_damage() {
        let header = SegmentHeader {
            identity: SegmentIdentity::new(1, 1),
            previous: NO_PREVIOUS,
            created_ms: 0,
            recycled: false,
        };
        let mut bytes = header.encode();
        bytes[8] = 3;
        let checksum = crc32c::crc32c(&bytes[0..60]);
        bytes[60..64].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(SegmentHeader::parse(&bytes), ParsedHeader::Newer(3));
    }
}
