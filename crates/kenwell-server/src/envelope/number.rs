//! Numbers of an envelope that take as many bytes as they need: seven bits in each, the lowest first.

/// Adds a number, seven bits in each byte.
pub(super) fn push_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(0x80 | u8::try_from(number & 0x7f).unwrap_or_default());
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or_default());
}

/// The number that begins these bytes, and what follows it.
pub(super) fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (mut number, mut shift) = (0u64, 0);
    for (at, byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(at + 1..)?));
        }
        shift += 7;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_are_short() {
        let around = (0..64).map(|bit| 1u64 << bit);
        let around = around.flat_map(|power| [power - 1, power, power + 1]);
        for value in around.chain([u64::MAX]) {
            let mut bytes = Vec::new();
            push_number(value, &mut bytes);
            let bits = 64 - value.leading_zeros().min(63);
            assert_eq!(bytes.len(), usize::try_from(bits.div_ceil(7)).unwrap());
            for cut in 0..bytes.len() {
                assert_eq!(number(&bytes[..cut]), None, "{value} cut at {cut}");
            }
            bytes.extend_from_slice(b"{}");
            assert_eq!(number(&bytes), Some((value, &b"{}"[..])));
        }
        assert_eq!(number(&[0x80; 20]), None);
    }
}
