//! The frame around a record: 24 bytes before it, or 7 where it follows others of the same append.
//!
//! A full frame says which record it has; a short one follows a full one, and its checksum says the same. Checksums are
//! seeded with the identity of the segment, so bytes of another segment, or bytes a sender smuggled into a record, never
//! pass for a frame.

use crate::little_endian::{le16, le32, le64};

/// The largest record in bytes. A frame that claims a larger one is damaged.
pub const MAX_RECORD_BYTES: u64 = 32 * 1024 * 1024;
/// Size of a full frame's header in bytes.
pub(crate) const HEADER: usize = 24;
/// Size of a short frame's header in bytes.
pub(crate) const SHORT_HEADER: usize = 7;
/// What every full frame starts with; recovery searches for it after damage. Not valid UTF-8, so rare inside records.
pub(crate) const MARKER: [u8; 4] = [0xF5, b'K', b'W', 0xFA];
/// What every short frame starts with; it is in no UTF-8 either.
pub(crate) const SHORT_MARKER: u8 = 0xF6;
/// The largest record in a short frame: what a search after damage has to look at for each byte that begins like one.
const MAX_SHORT_BYTES: u32 = 16 * 1024;
/// The largest short frame.
pub(crate) const MAX_SHORT_FRAME: usize = SHORT_HEADER + MAX_SHORT_BYTES as usize;
/// One of so many frames of an append is a full one: behind damage that is too large for the short ones, reading goes on at
/// the next.
const FULL_EVERY: u32 = 16;
/// How many records damage may have taken before a short frame that is found. More would make it likelier that what is none
/// looks like one: a checksum of 32 bits has to tell.
const MAX_MISSING: u64 = 256;

/// A frame that begins where somebody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    /// It is whole, and so is its record.
    Valid { bytes: usize, offset: u64 },
    /// Its header is right, and its record is not.
    DamagedRecord { bytes: usize },
    /// It does not end within the bytes, if it is one; this many would tell.
    Cut { needed: usize },
    /// None.
    Nothing,
}

/// Checksum seed of a segment.
pub(crate) fn seed(id: u64, salt: u32) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&id.to_le_bytes()), &salt.to_le_bytes())
}

/// Room for the headers of so many records of one append.
pub(crate) fn header_bytes(records: usize) -> usize {
    let full = records.div_ceil(FULL_EVERY as usize);
    let more = full.saturating_mul(HEADER - SHORT_HEADER);
    records.saturating_mul(SHORT_HEADER).saturating_add(more)
}

/// Appends the frame of the record that has this number in its append, made of `parts`, with length and checksum but
/// without an offset: [`stamp`] fills that in.
pub(crate) fn push(frames: &mut Vec<u8>, parts: &[&[u8]], length: u32, number: u64) {
    if !number.is_multiple_of(FULL_EVERY.into()) && length <= MAX_SHORT_BYTES {
        return push_short(frames, parts, length);
    }
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

fn push_short(frames: &mut Vec<u8>, parts: &[&[u8]], length: u32) {
    let [low, high, ..] = length.to_le_bytes();
    let mut checksum = crc32c::crc32c(&[low, high]);
    frames.reserve(SHORT_HEADER + length as usize);
    let start = frames.len();
    frames.extend_from_slice(&[SHORT_MARKER, low, high, 0, 0, 0, 0]);
    for part in parts {
        checksum = crc32c::crc32c_append(checksum, part);
        frames.extend_from_slice(part);
    }
    if let Some(field) = frames.get_mut(start + 3..start + SHORT_HEADER) {
        field.copy_from_slice(&checksum.to_le_bytes());
    }
}

/// Gives frames that have none their offsets, from `first` on, and seals their headers for one segment. Once only.
pub(crate) fn stamp(frames: &mut [u8], first: u64, seed: u32) {
    let mut rest = frames;
    let mut offset = first;
    loop {
        let length = match rest.first() {
            Some(&SHORT_MARKER) => seal_short(rest, offset, seed),
            _ => seal_full(rest, offset, seed),
        };
        let Some((_, next)) = length.and_then(|length| rest.split_at_mut_checked(length)) else {
            return;
        };
        rest = next;
        offset += 1;
    }
}

/// Seals the full frame at the start; its length.
fn seal_full(frame: &mut [u8], offset: u64, seed: u32) -> Option<usize> {
    let header = frame.first_chunk_mut::<HEADER>()?;
    header[16..24].copy_from_slice(&offset.to_le_bytes());
    let checksum = crc32c::crc32c_append(seed, &header[8..24]);
    header[4..8].copy_from_slice(&checksum.to_le_bytes());
    Some(HEADER + length(header))
}

/// Seals the short frame at the start; its length.
fn seal_short(frame: &mut [u8], offset: u64, seed: u32) -> Option<usize> {
    let header = frame.first_chunk_mut::<SHORT_HEADER>()?;
    let sealed = le32(header, 3) ^ seal(offset, seed);
    header[3..7].copy_from_slice(&sealed.to_le_bytes());
    Some(SHORT_HEADER + usize::from(le16(header, 1)))
}

/// What the checksum of a short frame is combined with, so that it tells the segment and the offset.
///
/// It must be no CRC itself: those of two offsets would differ by just as much as damage changes the checksum of some record, and
/// a record that is damaged there would pass for another one. Multiplication has no such relation to it (the finalizer of
/// `SplitMix64`).
fn seal(offset: u64, seed: u32) -> u32 {
    let mut mixed = offset ^ (u64::from(seed) << 32);
    mixed = mixed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let [a, b, c, d, ..] = (mixed ^ (mixed >> 31)).to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// The frame that begins with these bytes, if there is one of the segment with this seed, with an offset from `next` on
/// and before `end`.
pub(crate) fn look(bytes: &[u8], seed: u32, next: u64, end: u64) -> Frame {
    match bytes.first() {
        Some(&SHORT_MARKER) => look_for_short(bytes, seed, next, end),
        _ => look_for_full(bytes, seed, next, end),
    }
}

fn look_for_full(bytes: &[u8], seed: u32, next: u64, end: u64) -> Frame {
    let Some((header, tail)) = bytes.split_first_chunk::<HEADER>() else {
        return Frame::Cut { needed: HEADER };
    };
    let is_right = header[0..4] == MARKER
        && le32(header, 4) == crc32c::crc32c_append(seed, &header[8..24])
        && length(header) as u64 <= MAX_RECORD_BYTES
        && (next..end).contains(&le64(header, 16));
    if !is_right {
        return Frame::Nothing;
    }
    let bytes = HEADER + length(header);
    match tail.get(..length(header)) {
        None => Frame::Cut { needed: bytes },
        Some(record) if crc32c::crc32c(record) == le32(header, 12) => Frame::Valid {
            bytes,
            offset: le64(header, 16),
        },
        Some(_) => Frame::DamagedRecord { bytes },
    }
}

/// Nothing in a short frame tells that its header is right but its checksum, which is that of the whole frame.
fn look_for_short(bytes: &[u8], seed: u32, next: u64, end: u64) -> Frame {
    let Some((header, tail)) = bytes.split_first_chunk::<SHORT_HEADER>() else {
        return Frame::Cut {
            needed: SHORT_HEADER,
        };
    };
    let length = usize::from(le16(header, 1));
    if length > MAX_SHORT_BYTES as usize {
        return Frame::Nothing;
    }
    let bytes = SHORT_HEADER + length;
    let Some(record) = tail.get(..length) else {
        return Frame::Cut { needed: bytes };
    };
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&header[1..3]), record);
    let found = le32(header, 3) ^ checksum;
    let mut offsets = next..end.min(next.saturating_add(MAX_MISSING));
    match offsets.find(|&offset| seal(offset, seed) == found) {
        Some(offset) => Frame::Valid { bytes, offset },
        None => Frame::Nothing,
    }
}

/// Splits the first frame off bytes that are known to be valid frames: its record, and what follows.
pub(crate) fn split(frames: &[u8]) -> Option<(&[u8], &[u8])> {
    if frames.first() == Some(&SHORT_MARKER) {
        let (header, tail) = frames.split_first_chunk::<SHORT_HEADER>()?;
        return tail.split_at_checked(usize::from(le16(header, 1)));
    }
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
        push(&mut frames, &[b"ab", b"", b"c"], 3, 0);
        push(&mut frames, &[b"d", b"ef"], 3, 1);
        push(&mut frames, &[b""], 0, 2);
        stamp(&mut frames, offset, seed);
        frames
    }

    fn valid(bytes: usize, offset: u64) -> Frame {
        Frame::Valid { bytes, offset }
    }

    #[test]
    fn frames_carry_length_checksum_and_offset() {
        let seed = seed(7, 99);
        let frames = framed(41, seed);
        assert_eq!(frames.len(), 24 + 3 + 7 + 3 + 7);
        assert_eq!(look(&frames, seed, 0, 50), valid(27, 41));
        let (record, second) = split(&frames).unwrap();
        assert_eq!(record, b"abc");
        assert_eq!(look(second, seed, 42, 50), valid(10, 42));
        let (record, third) = split(second).unwrap();
        assert_eq!(record, b"def");
        assert_eq!(look(third, seed, 42, 50), valid(7, 43), "one was lost");
        assert_eq!(split(third), Some((&b""[..], &b""[..])));
    }

    #[test]
    fn a_short_frame_is_found_behind_what_is_missing() {
        let seed = seed(7, 99);
        let frames = framed(41, seed);
        let second = split(&frames).unwrap().1;
        for (next, end, is_found) in [
            (42, 43, true),
            (0, 50, true),
            (43, 50, false),
            (42, 42, false),
        ] {
            let found = look(second, seed, next, end);
            assert_eq!(found == valid(10, 42), is_found, "{next}..{end}");
        }
        let mut far = Vec::new();
        push(&mut far, &[b"a"], 1, 0);
        push(&mut far, &[b"b"], 1, 1);
        stamp(&mut far, 999, seed);
        let second = split(&far).unwrap().1;
        assert_eq!(
            look(second, seed, 1_000 - MAX_MISSING + 1, 2_000),
            valid(8, 1_000)
        );
        assert_eq!(
            look(second, seed, 1_000 - MAX_MISSING, 2_000),
            Frame::Nothing
        );
    }

    #[test]
    fn every_sixteenth_frame_is_full_and_so_are_those_of_large_records() {
        let large = vec![b'x'; MAX_SHORT_BYTES as usize + 1];
        let mut frames = Vec::new();
        let mut headers = Vec::new();
        for number in 0..40 {
            let record = match number {
                5 => &large[..],
                6 => &large[1..],
                _ => b"record",
            };
            let before = frames.len() + record.len();
            let length = u32::try_from(record.len()).unwrap();
            push(&mut frames, &[record], length, number);
            if frames.len() - before == HEADER {
                headers.push(number);
            }
        }
        assert_eq!(headers, [0, 5, 16, 32]);
        stamp(&mut frames, 9, 3);
        let mut rest = &frames[..];
        for offset in 9..49 {
            assert!(
                matches!(look(rest, 3, offset, 99), Frame::Valid { offset: found, .. } if found == offset)
            );
            rest = split(rest).unwrap().1;
        }
        assert!(rest.is_empty());
        let records = 6 * 38 + 2 * large.len() - 1;
        assert_eq!(
            frames.len(),
            records + header_bytes(40) + HEADER - SHORT_HEADER
        );
    }

    #[test]
    fn a_frame_of_another_segment_is_not_a_frame() {
        let frames = framed(1, seed(7, 99));
        let second = split(&frames).unwrap().1;
        for other in [seed(8, 99), seed(7, 98)] {
            assert_eq!(look(&frames, other, 0, 9), Frame::Nothing);
            assert_eq!(look(second, other, 0, 9), Frame::Nothing);
        }
    }

    #[test]
    fn a_damaged_byte_makes_no_other_record_of_a_short_frame() {
        let seed = seed(1, 2);
        let mut frames = Vec::new();
        push(&mut frames, &[b"first"], 5, 0);
        push(&mut frames, &[b"a record that is long enough"], 28, 1);
        stamp(&mut frames, 5, seed);
        let second = split(&frames).unwrap().1;
        assert_eq!(look(second, seed, 0, 300), valid(35, 6));
        for place in 0..second.len() {
            for change in 1..=u8::MAX {
                let mut damaged = second.to_vec();
                damaged[place] ^= change;
                let found = look(&damaged, seed, 0, 300);
                assert!(!matches!(found, Frame::Valid { .. }), "{place} {change}");
            }
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let seed = seed(1, 2);
        let frames = framed(5, seed);
        let second = split(&frames).unwrap().1;
        for bit in 0..27 * 8 {
            let mut flipped = frames.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let found = look(&flipped, seed, 0, 99);
            assert!(!matches!(found, Frame::Valid { .. }), "bit {bit}");
        }
        for bit in 0..10 * 8 {
            let mut flipped = second.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let found = look(&flipped, seed, 0, 99);
            assert!(!matches!(found, Frame::Valid { .. }), "bit {bit}");
        }
    }
}
