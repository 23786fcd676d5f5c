//! Finds the end of a string, sixteen bytes at a time: the reader's hot loop.

use wide::u8x16;

use crate::SyntaxError;

/// Bytes that are looked at together.
const BLOCK: usize = 16;

/// Where a string that begins at `start`, behind its opening quote, has its closing quote, if that can be told fast:
/// it holds no escape and does not lie at the very end of the input. Otherwise [`string_end`] knows.
#[inline]
pub(crate) fn plain_end(input: &[u8], start: usize) -> Option<usize> {
    let block = input.get(start..)?.first_chunk()?;
    match first_stop(*block) {
        Stop::Quote { length, .. } => Some(start + length),
        Stop::Other => None,
        // Most names and many values have their end in the first block.
        Stop::None { .. } => long_plain_end(input, start + BLOCK),
    }
}

/// The same, when there is no end in the first block.
#[inline(never)]
fn long_plain_end(input: &[u8], start: usize) -> Option<usize> {
    let (blocks, _) = input.get(start..)?.as_chunks();
    let mut at = start;
    for block in blocks {
        match first_stop(*block) {
            Stop::Quote { length, .. } => return Some(at + length),
            Stop::Other => return None,
            Stop::None { .. } => at += BLOCK,
        }
    }
    None
}

/// The end of a string without escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlainEnd {
    /// Where its closing quote is.
    pub(crate) quote: usize,
    /// Whether all of it is ASCII, so that nobody need look whether it is UTF-8.
    pub(crate) is_ascii: bool,
    /// Whether there is a dot in it.
    pub(crate) has_dot: bool,
}

/// The same as [`plain_end`] for somebody who wants the string too.
#[inline]
pub(crate) fn plain_string_end(input: &[u8], start: usize) -> Option<PlainEnd> {
    let block = input.get(start..)?.first_chunk()?;
    match first_stop(*block) {
        Stop::Quote {
            length,
            is_ascii,
            has_dot,
        } => Some(PlainEnd {
            quote: start + length,
            is_ascii,
            has_dot,
        }),
        Stop::Other => None,
        Stop::None { .. } => long_plain_string_end(input, start),
    }
}

/// The same, when there is no end in the first block.
#[inline(never)]
fn long_plain_string_end(input: &[u8], start: usize) -> Option<PlainEnd> {
    let (blocks, _) = input.get(start..)?.as_chunks();
    let mut at = start;
    let (mut all_ascii, mut any_dot) = (true, false);
    for block in blocks {
        match first_stop(*block) {
            Stop::Quote {
                length,
                is_ascii,
                has_dot,
            } => {
                return Some(PlainEnd {
                    quote: at + length,
                    is_ascii: all_ascii && is_ascii,
                    has_dot: any_dot || has_dot,
                });
            }
            Stop::Other => return None,
            Stop::None { is_ascii, has_dot } => {
                at += BLOCK;
                all_ascii &= is_ascii;
                any_dot |= has_dot;
            }
        }
    }
    None
}

/// What ends a plain run in a block, and what the run is made of.
enum Stop {
    /// A quote, behind so many bytes.
    Quote {
        length: usize,
        is_ascii: bool,
        has_dot: bool,
    },
    /// A backslash or a control character.
    Other,
    /// Nothing.
    None { is_ascii: bool, has_dot: bool },
}

#[inline]
fn first_stop(block: [u8; BLOCK]) -> Stop {
    let bytes = u8x16::new(block);
    let stops = stops(bytes);
    // A bit for each byte of 128 or more, and one for each dot.
    let beyond_ascii = bytes.to_bitmask();
    let dots = bytes.simd_eq(u8x16::splat(b'.')).to_bitmask();
    if stops == 0 {
        return Stop::None {
            is_ascii: beyond_ascii == 0,
            has_dot: dots != 0,
        };
    }
    let length = stops.trailing_zeros() as usize;
    if block.get(length) != Some(&b'"') {
        return Stop::Other;
    }
    // The bits below the lowest stop.
    let run = (stops.wrapping_neg() & stops) - 1;
    Stop::Quote {
        length,
        is_ascii: beyond_ascii & run == 0,
        has_dot: dots & run != 0,
    }
}

/// Where the string that begins at `start`, behind its opening quote, has its closing quote; and whether it holds no
/// escape.
#[inline(never)]
pub(crate) fn string_end(input: &[u8], start: usize) -> Result<(usize, bool), SyntaxError> {
    let mut at = start;
    let mut plain = true;
    loop {
        at += plain_run(input, at);
        match input.get(at) {
            Some(b'"') => return Ok((at, plain)),
            Some(b'\\') => {
                plain = false;
                at += escape_length(input, at)?;
            }
            Some(_) => return Err(SyntaxError::new(at, "no control character in a string")),
            None => return Err(SyntaxError::new(at, "a closing quote")),
        }
    }
}

/// The length of the run at `start` that holds no quote, no backslash and no control character: the part of a string
/// that stands for itself.
fn plain_run(input: &[u8], start: usize) -> usize {
    let bytes = input.get(start..).unwrap_or_default();
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let mut length = 0;
    for block in blocks {
        let stops = stops(u8x16::new(*block));
        if stops != 0 {
            return length + stops.trailing_zeros() as usize;
        }
        length += BLOCK;
    }
    let stop = |&byte: &u8| byte == b'"' || byte == b'\\' || byte < 0x20;
    length + rest.iter().position(stop).unwrap_or(rest.len())
}

/// A bit for each byte that is a quote, a backslash or a control character.
#[inline]
fn stops(bytes: u8x16) -> u32 {
    let quotes = bytes.simd_eq(u8x16::splat(b'"'));
    let backslashes = bytes.simd_eq(u8x16::splat(b'\\'));
    let controls = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
    (quotes | backslashes | controls).to_bitmask()
}

/// The length of the escape at `at`, which must be well formed.
fn escape_length(input: &[u8], at: usize) -> Result<usize, SyntaxError> {
    match input.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
        Some(b'u') => {
            let digits = input.get(at + 2..at + 6).unwrap_or_default();
            if digits.len() != 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
                return Err(SyntaxError::new(at, "four hexadecimal digits"));
            }
            Ok(6)
        }
        _ => Err(SyntaxError::new(at, "an escape")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_at_every_special_byte_at_every_position() {
        for special in (0..0x20).chain([b'"', b'\\']) {
            for length in [7, 15, 31, 50] {
                for before in 0..length {
                    let mut bytes = vec![b'x'; length];
                    bytes[before] = special;
                    assert_eq!(plain_run(&bytes, 0), before, "{special:#x} at {before}");
                    let found = plain_end(&bytes, 0);
                    let in_block = before < length / BLOCK * BLOCK;
                    let expected = (special == b'"' && in_block).then_some(before);
                    assert_eq!(found, expected, "{special:#x} at {before}");
                }
            }
        }
    }

    #[test]
    fn runs_over_everything_else() {
        for byte in (0x20..=0xff).filter(|byte| ![b'"', b'\\'].contains(byte)) {
            let mut bytes = vec![byte; 37];
            assert_eq!(plain_run(&bytes, 0), 37, "byte {byte:#x}");
            bytes[30] = b'"';
            let end = PlainEnd {
                quote: 30,
                is_ascii: byte < 0x80,
                has_dot: byte == b'.',
            };
            assert_eq!(plain_string_end(&bytes, 3), Some(end), "byte {byte:#x}");
        }
        assert_eq!((plain_run(b"", 0), plain_end(b"", 0)), (0, None));
        assert_eq!((plain_run(b"", 1), plain_end(b"", 1)), (0, None));
    }

    #[test]
    fn only_what_lies_before_the_quote_decides_about_ascii_and_dots() {
        for quote in 3..40 {
            for (at, other) in (0..50).flat_map(|at| [(at, 0xc3), (at, b'.')]) {
                let mut bytes = vec![b'x'; 60];
                bytes[quote] = b'"';
                if at != quote {
                    bytes[at] = other;
                }
                let is_inside = (3..quote).contains(&at);
                let end = PlainEnd {
                    quote,
                    is_ascii: !(is_inside && other == 0xc3),
                    has_dot: is_inside && other == b'.',
                };
                let found = plain_string_end(&bytes, 3);
                assert_eq!(found, Some(end), "{other:#x} at {at}, {quote}");
            }
        }
    }

    #[test]
    fn what_comes_first_in_a_block_counts() {
        for (text, end) in [
            (r#"ab"c\d"#, Some(2)),
            (r#"ab\"cd"e"#, None),
            ("a\nb\"", None),
        ] {
            let bytes = format!("{text}{}", "x".repeat(20));
            let found = plain_end(bytes.as_bytes(), 0);
            assert_eq!(found, end, "{text}");
        }
    }
}
