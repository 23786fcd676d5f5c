//! Numbers and arguments as they go over the wire.

/// Adds an argument, with the line end of what stands before it; its own comes with what follows.
pub(crate) fn push_argument(argument: &[u8], bytes: &mut Vec<u8>) {
    let length = argument.len();
    let digit = |number: usize| b'0' + u8::try_from(number % 10).unwrap_or_default();
    // Nearly all names and values are short.
    match length {
        0..10 => bytes.extend_from_slice(&[b'\r', b'\n', b'$', digit(length), b'\r', b'\n']),
        10..100 => {
            let [tens, ones] = [digit(length / 10), digit(length)];
            bytes.extend_from_slice(&[b'\r', b'\n', b'$', tens, ones, b'\r', b'\n']);
        }
        _ => {
            bytes.extend_from_slice(b"\r\n");
            push_number(b'$', length, bytes);
            bytes.extend_from_slice(b"\r\n");
        }
    }
    bytes.extend_from_slice(argument);
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
