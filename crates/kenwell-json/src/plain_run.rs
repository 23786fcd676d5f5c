//! Finds the end of a string eight bytes at a time: the reader's hot loop.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The length of the run at the start of `bytes` that holds no quote, no backslash and no control
/// character: the part of a string that stands for itself.
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut at = 0;
    for word in words {
        let stops = stops(u64::from_le_bytes(*word));
        if stops != 0 {
            return at + (stops.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    at + rest
        .iter()
        .position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20)
        .unwrap_or(rest.len())
}

/// Sets the high bit of each byte of `word` that ends a plain run. Above the lowest such byte a borrow may
/// set others wrongly, so only the lowest one may be used.
fn stops(word: u64) -> u64 {
    let quote = word ^ (ONES * u64::from(b'"'));
    let backslash = word ^ (ONES * u64::from(b'\\'));
    let quotes = quote.wrapping_sub(ONES) & !quote;
    let backslashes = backslash.wrapping_sub(ONES) & !backslash;
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    (quotes | backslashes | controls) & HIGHS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_at_every_special_byte_at_every_position() {
        for special in (0..0x20).chain([b'"', b'\\']) {
            for before in 0..40 {
                let mut bytes = vec![b'x'; 50];
                bytes[before] = special;
                assert_eq!(plain_run(&bytes), before, "byte {special:#x} at {before}");
            }
        }
    }

    #[test]
    fn runs_over_everything_else() {
        let bytes: Vec<u8> = (0x20..=0xff)
            .filter(|b| ![b'"', b'\\'].contains(b))
            .collect();
        assert_eq!(plain_run(&bytes), bytes.len());
        assert_eq!(plain_run(b""), 0);
    }
}
