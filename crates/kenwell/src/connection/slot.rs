//! From a key to its slot in a Redis Cluster.

/// How many slots a cluster has (Redis Cluster specification, "Key distribution model").
pub(super) const SLOTS: u16 = 16_384;

/// The slot of a key: CRC16 of its hash tag, or of all of it.
pub(crate) fn slot_of(key: &[u8]) -> u16 {
    crc16(hashed_part(key)) % SLOTS
}

/// What stands between the first `{` and the next `}`, unless that is nothing.
fn hashed_part(key: &[u8]) -> &[u8] {
    let mut parts = key.splitn(2, |&byte| byte == b'{').skip(1);
    let Some(after) = parts.next() else {
        return key;
    };
    match after.iter().position(|&byte| byte == b'}') {
        Some(end) if end > 0 => after.get(..end).unwrap_or(key),
        _ => key,
    }
}

/// CRC-16/XMODEM, as the specification's appendix A defines it.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        let mut crc = crc ^ (u16::from(byte) << 8);
        for _bit in 0..8 {
            crc = (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 };
        }
        crc
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification's own check value, and slots that `CLUSTER KEYSLOT` gives.
    #[test]
    fn keys_have_the_slots_that_redis_gives_them() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        for (key, slot) in [
            ("", 0),
            ("foo", 12_182),
            ("user:1", 10_778),
            ("{user}:1", 5_474),
            ("a{user}{b}", 5_474),
        ] {
            assert_eq!(slot_of(key.as_bytes()), slot, "{key}");
        }
    }

    #[test]
    fn an_empty_or_open_hash_tag_is_none() {
        for key in ["{}user", "{user", "user}", "{}{user}"] {
            assert_eq!(hashed_part(key.as_bytes()), key.as_bytes());
        }
        assert_eq!(hashed_part(b"a{{b}}c"), b"{b");
    }
}
