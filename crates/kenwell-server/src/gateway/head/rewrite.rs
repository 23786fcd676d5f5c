//! A head in a form that hyper can read: characters that no URL may have are written as `%XX`, and of one that is
//! too large only what is used is left.

use std::borrow::Cow;

use crate::gateway::refusal::Refusal;

/// Headers that hyper is given at most, its own default: it keeps room for so many on the stack. Of more,
/// those are left out that are not used.
pub(in crate::gateway) const MAX_HEADERS: usize = 100;
/// Bytes of a rewritten head at most.
pub(in crate::gateway) const MAX_REWRITTEN_BYTES: usize = 24 * 1024;
/// Bytes of a target that is passed on whole; every known path is far shorter.
const MAX_TARGET_BYTES: usize = 12 * 1024;
/// The parameter that is kept of a longer query: no other one is used.
const KEPT_PARAMETER: &[u8] = b"writeKey=";
/// The headers that are kept of a head that is too large: those that hyper and the gateway use.
const KEPT_HEADERS: [&[u8]; 13] = [
    b"access-control-request-headers",
    b"access-control-request-method",
    b"authorization",
    b"connection",
    b"content-encoding",
    b"content-length",
    b"expect",
    b"host",
    b"origin",
    b"transfer-encoding",
    b"user-agent",
    b"x-forwarded-host",
    b"x-forwarded-proto",
];

/// Whether hyper can read this target as it is.
pub(super) fn is_plain(target: &[u8]) -> bool {
    target.first() == Some(&b'/')
        && target.len() <= MAX_TARGET_BYTES
        && target.iter().all(|byte| is_allowed(*byte))
}

/// What RFC 3986 lets stand in a target, `%` included. `#` would begin a part that is not sent.
fn is_allowed(byte: u8) -> bool {
    matches!(
        byte,
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9'
            | b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'?' | b'[' | b']' | b'@' | b'!' | b'$'
            | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b'%'
    )
}

/// What hyper is to read of a whole head; of one with more than `most` bytes only the headers that are used.
///
/// # Errors
/// When too much is left even then, or there is no target that could stand in a URL.
pub(super) fn head(head: &[u8], most: usize) -> Result<Vec<u8>, Refusal> {
    let line = head.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (first, lines) = head.split_at_checked(line + 1).unwrap_or_default();
    let mut words = first.splitn(3, |byte| *byte == b' ');
    let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next())
    else {
        return Err(Refusal::Malformed);
    };
    if target.iter().any(u8::is_ascii_control) {
        return Err(Refusal::Malformed);
    }
    let target = target_of(target);
    let mut written = Vec::with_capacity(most.min(head.len() + target.len()));
    written.extend_from_slice(method);
    written.push(b' ');
    written.extend_from_slice(&target);
    written.push(b' ');
    written.extend_from_slice(version);
    // Without the empty line, and what follows it: nothing.
    let count = lines.split(|byte| *byte == b'\n').skip(2).count();
    if lines.len() <= most && count <= MAX_HEADERS {
        written.extend_from_slice(lines);
    } else {
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            if is_kept(line) {
                written.extend_from_slice(line);
            }
        }
    }
    if written.len() < MAX_REWRITTEN_BYTES {
        Ok(written)
    } else {
        Err(Refusal::HeadTooLarge)
    }
}

/// Whether a header line is used; the empty one at the end is.
fn is_kept(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
        return true;
    };
    let name = line.get(..colon).unwrap_or_default();
    KEPT_HEADERS
        .iter()
        .any(|kept| name.eq_ignore_ascii_case(kept))
}

/// The target with what no URL may have as `%XX`, which means the same; of one that is too long, the
/// beginning of the path and the write key.
fn target_of(target: &[u8]) -> Cow<'_, [u8]> {
    let encoded = encoded(target);
    if encoded.len() <= MAX_TARGET_BYTES {
        return encoded;
    }
    let mut parts = encoded.splitn(2, |byte| *byte == b'?');
    let (path, query) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    // No known path is this long, whatever is left away.
    let path = path.get(..MAX_TARGET_BYTES / 2).unwrap_or(path);
    let mut parameters = query.split(|byte| *byte == b'&');
    let key = parameters.find(|parameter| parameter.starts_with(KEPT_PARAMETER));
    let key = key.filter(|key| key.len() < MAX_TARGET_BYTES / 2);
    Cow::Owned([path, b"?", key.unwrap_or_default()].concat())
}

fn encoded(target: &[u8]) -> Cow<'_, [u8]> {
    if target.iter().all(|byte| is_allowed(*byte)) {
        return Cow::Borrowed(target);
    }
    let mut encoded = Vec::with_capacity(target.len() + 16);
    for &byte in target {
        if is_allowed(byte) {
            encoded.push(byte);
        } else {
            encoded.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    Cow::Owned(encoded)
}

/// A hexadecimal digit.
fn digit(value: u8) -> u8 {
    if value < 10 {
        b'0' + value
    } else {
        b'A' + value - 10
    }
}

/// The value of the header `Origin` in what may be no proper head, if it can stand in another one.
pub(super) fn origin(bytes: &[u8]) -> Option<&[u8]> {
    const MAX_ORIGIN_BYTES: usize = 1024;
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let value = lines.find_map(|line| {
        let (name, value) = line.split_at_checked(b"origin:".len())?;
        name.eq_ignore_ascii_case(b"origin:").then_some(value)
    })?;
    let value = value.trim_ascii();
    let fits = value.len() <= MAX_ORIGIN_BYTES && value.iter().all(u8::is_ascii_graphic);
    fits.then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_means_the_same() {
        let target = target_of(b"/a<b?c=\"\xc3\xa4\"&writeKey=W%4B");
        assert_eq!(&target[..], b"/a%3Cb?c=%22%C3%A4%22&writeKey=W%4B");
        assert_eq!(&target_of(b"/v1/batch?a=b#c")[..], b"/v1/batch?a=b%23c");
    }

    #[test]
    fn of_a_long_query_the_write_key_is_left() {
        let long = "<".repeat(MAX_TARGET_BYTES);
        let target = format!("/beacon/v1/batch?a={long}&writeKey=WK&writeKey=no&b={long}");
        assert_eq!(
            &target_of(target.as_bytes())[..],
            b"/beacon/v1/batch?writeKey=WK"
        );
        let path = format!("/{long}");
        assert!(target_of(path.as_bytes()).len() <= MAX_TARGET_BYTES);
    }

    #[test]
    fn the_origin_is_found_where_nothing_else_can_be_read() {
        let bytes = b"GE T\r\n\r\nOrigin-Other: x\r\nORIGIN:  https://a.example \r\n";
        assert_eq!(origin(bytes), Some(&b"https://a.example"[..]));
        assert_eq!(origin(b"\nOrigin: a b\n"), None);
        assert_eq!(origin(b"Orig"), None);
    }
}
