//! Little-endian numbers out of bytes, without a panic.

/// Little-endian number at `at`; 0 beyond the end.
pub(crate) fn le16(bytes: &[u8], at: usize) -> u16 {
    let chunk = bytes.get(at..).and_then(<[u8]>::first_chunk);
    chunk.map_or(0, |chunk| u16::from_le_bytes(*chunk))
}

/// Little-endian number at `at`; 0 beyond the end.
pub(crate) fn le32(bytes: &[u8], at: usize) -> u32 {
    let chunk = bytes.get(at..).and_then(<[u8]>::first_chunk);
    chunk.map_or(0, |chunk| u32::from_le_bytes(*chunk))
}

/// Little-endian number at `at`; 0 beyond the end.
pub(crate) fn le64(bytes: &[u8], at: usize) -> u64 {
    let chunk = bytes.get(at..).and_then(<[u8]>::first_chunk);
    chunk.map_or(0, |chunk| u64::from_le_bytes(*chunk))
}
