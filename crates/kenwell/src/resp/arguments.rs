//! Arguments of a command as they go over the wire: each behind its length, and behind the line end of what stands before.

use std::iter::FusedIterator;

/// What stands around the digits of a length: the line end of what stands before, `$`, and a line end.
const AROUND: usize = 5;

/// Arguments that were encoded one behind the other.
#[derive(Debug, Clone)]
pub(crate) struct Arguments<'a> {
    rest: &'a [u8],
}

impl<'a> Arguments<'a> {
    /// Those that [`push_argument`] made.
    pub(crate) fn new(encoded: &'a [u8]) -> Self {
        Self { rest: encoded }
    }
}

impl<'a> Iterator for Arguments<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (start, digits) = self.rest.split_first_chunk::<3>()?;
        if start != b"\r\n$" {
            return None;
        }
        let mut length: usize = 0;
        let mut count = 0;
        for digit in digits.iter().take_while(|byte| byte.is_ascii_digit()) {
            let digit = usize::from(digit - b'0');
            length = length.checked_mul(10)?.checked_add(digit)?;
            count += 1;
        }
        let (argument, rest) = digits.get(count + 2..)?.split_at_checked(length)?;
        self.rest = rest;
        Some(argument)
    }
}

impl FusedIterator for Arguments<'_> {}

/// How many bytes stand before an argument of this length.
#[inline]
pub(crate) fn length_bytes(length: usize) -> usize {
    match length {
        0..10 => AROUND + 1,
        10..100 => AROUND + 2,
        _ => AROUND + 1 + length.ilog10() as usize,
    }
}

/// Adds an argument. Its own line end comes with what follows.
#[inline]
pub(crate) fn push_argument(argument: &[u8], bytes: &mut Vec<u8>) {
    push_length(argument.len(), bytes);
    bytes.extend_from_slice(argument);
}

/// Adds what stands before an argument of this length.
#[inline]
pub(crate) fn push_length(length: usize, bytes: &mut Vec<u8>) {
    let digit = |number: usize| b'0' + u8::try_from(number % 10).unwrap_or_default();
    // Nearly all names and values are short.
    match length {
        0..10 => bytes.extend_from_slice(&[b'\r', b'\n', b'$', digit(length), b'\r', b'\n']),
        10..100 => {
            let [tens, ones] = [digit(length / 10), digit(length)];
            bytes.extend_from_slice(&[b'\r', b'\n', b'$', tens, ones, b'\r', b'\n']);
        }
        _ => push_long(length, bytes),
    }
}

#[inline(never)]
fn push_long(length: usize, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(b"\r\n");
    push_number(b'$', length, bytes);
    bytes.extend_from_slice(b"\r\n");
}

/// Makes an argument of what lies behind `start`, by putting its length before it; gives where it begins then.
pub(crate) fn enclose(start: usize, bytes: &mut Vec<u8>) -> usize {
    let length = bytes.len() - start;
    push_length(length, bytes);
    let before = bytes.len() - start - length;
    if let Some(argument) = bytes.get_mut(start..) {
        argument.rotate_right(before);
    }
    start + before
}

/// Adds a kind and a number.
pub(crate) fn push_number(kind: u8, number: usize, bytes: &mut Vec<u8>) {
    bytes.push(kind);
    let number = u64::try_from(number).unwrap_or(u64::MAX);
    with_digits(number, |digits| bytes.extend_from_slice(digits));
}

/// Hands over the digits of a number.
pub(super) fn with_digits<T>(number: u64, take: impl FnOnce(&[u8]) -> T) -> T {
    let mut digits = [b'0'; 20];
    let mut rest = number;
    let mut count = 0;
    for place in digits.iter_mut().rev() {
        *place = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        count += 1;
        if rest == 0 {
            break;
        }
    }
    take(digits.get(digits.len() - count..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTHS: [usize; 10] = [0, 1, 9, 10, 99, 100, 999, 1_000, 65_536, 1_234_567];

    #[test]
    fn arguments_come_back_as_they_were() {
        let arguments =
            LENGTHS.map(|length| [b"\r\n$7".repeat(length), vec![b'x'; length]].concat());
        let mut encoded = Vec::new();
        for argument in &arguments {
            let before = encoded.len();
            push_argument(argument, &mut encoded);
            let taken = encoded.len() - before;
            assert_eq!(taken, length_bytes(argument.len()) + argument.len());
        }
        let found: Vec<_> = Arguments::new(&encoded).collect();
        assert!(found == arguments);
        for cut in [0, 1, 5] {
            let cut = encoded.len() - 1 - cut;
            let found = Arguments::new(encoded.get(..cut).unwrap()).count();
            assert_eq!(found, LENGTHS.len() - 1, "what is cut off is no argument");
        }
    }

    #[test]
    fn what_is_enclosed_is_encoded_as_an_argument() {
        for length in LENGTHS {
            let argument = vec![b'x'; length];
            let (mut pushed, mut enclosed) = (b"before".to_vec(), b"before".to_vec());
            push_argument(&argument, &mut pushed);
            enclosed.extend_from_slice(&argument);
            let start = enclose(6, &mut enclosed);
            assert!(pushed == enclosed);
            assert_eq!(start, 6 + length_bytes(length));
        }
    }
}
