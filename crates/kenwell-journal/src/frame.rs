//! The frame around a record: 24 bytes of header, then the record itself.
//!
//! The header's checksum is seeded with the identity of its segment, so bytes of another segment,
//! or bytes a sender smuggled into a record, never pass for a frame.

use crate::little_endian::{le32, le64};

/// The largest record in bytes. A frame that claims a larger one is damaged.
pub const MAX_RECORD_BYTES: u64 = 32 * 1024 * 1024;
/// Size of a frame's header in bytes.
pub(crate) const HEADER: usize = 24;
/// What every frame starts with; recovery searches for it after damage. Not valid UTF-8, so rare inside records.
pub(crate) const MARKER: [u8; 4] = [0xF5, b'K', b'W', 0xFA];

/// What a valid header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Bytes of the record.
    pub(crate) length: usize,
    /// CRC32C of the record.
    pub(crate) checksum: u32,
    /// Offset of the record.
    pub(crate) offset: u64,
}

/// Checksum seed of a segment.
pub(crate) fn seed(id: u64, salt: u32) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&id.to_le_bytes()), &salt.to_le_bytes())
}

/// Appends a frame made of `parts`, with length and checksum but without an offset: [`stamp`] fills that in.
pub(crate) fn push(frames: &mut Vec<u8>, parts: &[&[u8]], length: u32) {
    let mut checksum = 0;
    frames.reserve(HEADER + length as usize);
    let start = frames.len();
    frames.extend_from_slice(&[0; HEADER]);
    for part in parts {
        checksum = crc32c::crc32c_append(checksum, part);
        frames.extend_from_slice(part);
    }
    if let Some(header) = frames
        .get_mut(start..)
        .and_then(<[u8]>::first_chunk_mut::<HEADER>)
    {
        header[0..4].copy_from_slice(&MARKER);
        header[8..12].copy_from_slice(&length.to_le_bytes());
        header[12..16].copy_from_slice(&checksum.to_le_bytes());
    }
}

/// Gives the frames their offsets, from `first` on, and seals their headers for one segment.
pub(crate) fn stamp(frames: &mut [u8], first: u64, seed: u32) {
    let mut rest = frames;
    let mut offset = first;
    while let Some((header, tail)) = rest.split_first_chunk_mut::<HEADER>() {
        header[16..24].copy_from_slice(&offset.to_le_bytes());
        let checksum = crc32c::crc32c_append(seed, &header[8..24]);
        header[4..8].copy_from_slice(&checksum.to_le_bytes());
        let length = length(header);
        let Some((_, next)) = tail.split_at_mut_checked(length) else {
            return;
        };
        rest = next;
        offset += 1;
    }
}

/// The header, when it is one of the segment with this seed and its length is believable.
pub(crate) fn parse(header: &[u8; HEADER], seed: u32) -> Option<Header> {
    if header[0..4] != MARKER {
        return None;
    }
    if le32(header, 4) != crc32c::crc32c_append(seed, &header[8..24]) {
        return None;
    }
    let length = length(header);
    if length as u64 > MAX_RECORD_BYTES {
        return None;
    }
    Some(Header {
        length,
        checksum: le32(header, 12),
        offset: le64(header, 16),
    })
}

/// Splits the first frame off bytes that are known to be valid frames: its record, and what follows.
pub(crate) fn split(frames: &[u8]) -> Option<(&[u8], &[u8])> {
    let (header, tail) = frames.split_first_chunk::<HEADER>()?;
    tail.split_at_checked(length(header))
}

fn length(header: &[u8; HEADER]) -> usize {
    le32(header, 8) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(offset: u64, seed: u32) -> Vec<u8> {
        let mut frames = Vec::new();
        push(&mut frames, &[b"ab", b"", b"c"], 3);
        push(&mut frames, &[b""], 0);
        stamp(&mut frames, offset, seed);
        frames
    }

    #[test]
    fn frames_carry_length_checksum_and_offset() {
        let seed = seed(7, 99);
        let frames = framed(41, seed);
        let header = parse(frames.first_chunk().unwrap(), seed).unwrap();
        assert_eq!(header.length, 3);
        assert_eq!(header.offset, 41);
        assert_eq!(header.checksum, crc32c::crc32c(b"abc"));
        let (record, rest) = split(&frames).unwrap();
        assert_eq!(record, b"abc");
        let second = parse(rest.first_chunk().unwrap(), seed).unwrap();
        assert_eq!((second.length, second.offset), (0, 42));
        assert_eq!(split(rest), Some((&b""[..], &b""[..])));
    }

    #[test]
    fn a_frame_of_another_segment_is_not_a_frame() {
        let frames = framed(1, seed(7, 99));
        assert_eq!(parse(frames.first_chunk().unwrap(), seed(8, 99)), None);
        assert_eq!(parse(frames.first_chunk().unwrap(), seed(7, 98)), None);
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_noticed() {
        let seed = seed(1, 2);
        let frames = framed(5, seed);
        for bit in 0..HEADER * 8 {
            let mut header = *frames.first_chunk::<HEADER>().unwrap();
            header[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(&header, seed), None, "bit {bit}");
        }
    }
}
