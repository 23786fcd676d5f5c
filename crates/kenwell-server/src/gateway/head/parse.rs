//! What is done with a head: it is given to hyper as it is, rewritten, or refused.

use std::mem::MaybeUninit;

use http::Uri;
use httparse::{Error, Header, Status};

use super::rewrite::{self, MAX_HEADERS};
use crate::gateway::refusal::Refusal;

/// Bytes that a request's head may have (RudderStack: 512 KiB, to which Go adds 4 KiB of tolerance).
pub(super) const MAX_HEAD_BYTES: usize = 516 * 1024;
/// Bytes of a head that hyper is given as they are. Of larger ones it gets what is used, so that its
/// buffers stay small: they live as long as a connection.
const MAX_PLAIN_BYTES: usize = 16 * 1024;

/// What the first bytes of a request are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ParsedHead {
    /// The beginning of a head.
    Incomplete,
    /// A head of this length, which hyper can read.
    Plain(usize),
    /// A head of this length, and what hyper can read of it.
    Rewritten(usize, Vec<u8>),
    /// Nothing that hyper could be given.
    Refused(Refusal),
}

/// Parses the bytes from a request's beginning on, without empty lines before it. `known` of them were
/// parsed before, and are no whole head.
pub(super) fn parse(bytes: &[u8], known: usize) -> ParsedHead {
    // Only what is new can hold the end; not to parse from the beginning for each piece.
    if known > 0 && end(bytes, known).is_none() {
        return incomplete(bytes);
    }
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(bytes, &mut headers) {
        Ok(Status::Partial) => incomplete(bytes),
        Ok(Status::Complete(length)) => {
            if !is_delimited(request.headers, request.version) {
                return ParsedHead::Refused(Refusal::Malformed);
            }
            let target = request.path.unwrap_or_default();
            if length <= MAX_PLAIN_BYTES && rewrite::is_plain(target.as_bytes()) {
                ParsedHead::Plain(length)
            } else {
                rewritten(bytes, length)
            }
        }
        // What can be read when it is written otherwise.
        Err(Error::TooManyHeaders) => once_complete(bytes),
        Err(_) if request.method.is_some() && request.path.is_none() => once_complete(bytes),
        Err(_) => ParsedHead::Refused(Refusal::Malformed),
    }
}

fn once_complete(bytes: &[u8]) -> ParsedHead {
    match end(bytes, 0) {
        Some(length) => rewritten(bytes, length),
        None => incomplete(bytes),
    }
}

fn incomplete(bytes: &[u8]) -> ParsedHead {
    if bytes.len() > MAX_HEAD_BYTES {
        ParsedHead::Refused(Refusal::HeadTooLarge)
    } else {
        ParsedHead::Incomplete
    }
}

fn rewritten(bytes: &[u8], length: usize) -> ParsedHead {
    if length > MAX_HEAD_BYTES {
        return ParsedHead::Refused(Refusal::HeadTooLarge);
    }
    let head = bytes.get(..length).unwrap_or_default();
    let shorter = match rewrite::head(head, MAX_PLAIN_BYTES) {
        Ok(shorter) => shorter,
        Err(refusal) => return ParsedHead::Refused(refusal),
    };
    // Lines that were left away are no reason to refuse it, those that are left may be.
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(&shorter, &mut headers) {
        Ok(Status::Complete(_))
            if is_target(request.path, request.method)
                && is_delimited(request.headers, request.version) =>
        {
            ParsedHead::Rewritten(length, shorter)
        }
        Err(Error::TooManyHeaders) => ParsedHead::Refused(Refusal::HeadTooLarge),
        _ => ParsedHead::Refused(Refusal::Malformed),
    }
}

/// Whether hyper can read this target, and it is one for this method.
fn is_target(target: Option<&str>, method: Option<&str>) -> bool {
    // Only CONNECT names an authority and nothing else.
    Uri::try_from(target.unwrap_or_default())
        .is_ok_and(|uri| !uri.path().is_empty() || method == Some("CONNECT"))
}

/// Where the head ends, if it does, the empty line included; `known` bytes have no end in them.
pub(super) fn end(bytes: &[u8], known: usize) -> Option<usize> {
    let from = known.saturating_sub(3);
    let mut at = from;
    while let Some(rest) = bytes.get(at..) {
        at += rest.iter().position(|byte| *byte == b'\n')? + 1;
        match bytes.get(at..) {
            Some([b'\n', ..]) => return Some(at + 1),
            Some([b'\r', b'\n', ..]) => return Some(at + 2),
            _ => {}
        }
    }
    None
}

/// Whether it can be said where the body ends, in the way hyper judges it.
fn is_delimited(headers: &[Header<'_>], version: Option<u8>) -> bool {
    let mut length = None;
    let mut chunked = None;
    for header in headers {
        if header.name.eq_ignore_ascii_case("transfer-encoding") {
            let last = header.value.rsplit(|byte| *byte == b',').next();
            let last = last.unwrap_or_default().trim_ascii();
            chunked = Some(last.eq_ignore_ascii_case(b"chunked"));
        } else if header.name.eq_ignore_ascii_case("content-length") {
            let digits = str::from_utf8(header.value).unwrap_or_default();
            let number = digits.parse::<u64>().ok();
            // No sign, and room for the values that hyper keeps for itself.
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            let number = number.filter(|number| plain && *number < u64::MAX - 2);
            if number.is_none() || length.is_some_and(|length| Some(length) != number) {
                return false;
            }
            length = number;
        }
    }
    chunked.is_none_or(|chunked| chunked && version == Some(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_heads_are_taken_as_they_are() {
        let head = b"POST /v1/batch?a=%20&b=[1] HTTP/1.1\r\nHost: k\r\nContent-Length: 2\r\n\r\n";
        assert_eq!(
            parse(&[&head[..], b"{}"].concat(), 0),
            ParsedHead::Plain(head.len())
        );
        for cut in 1..head.len() {
            assert_eq!(parse(&head[..cut], 0), ParsedHead::Incomplete);
            assert_eq!(parse(&head[..cut], cut - 1), ParsedHead::Incomplete);
            assert_eq!(parse(head, cut), ParsedHead::Plain(head.len()));
        }
    }

    #[test]
    fn a_head_in_pieces_is_judged_like_a_whole_one() {
        let many: Vec<_> = (0..300).map(|n| format!("X-{n}: {n}\r\n")).collect();
        let many = many.concat();
        let head = format!("GET /a?<> HTTP/1.1\r\n{many}Host: k\r\n\r\n");
        let head = head.as_bytes();
        let whole = parse(head, 0);
        let ParsedHead::Rewritten(length, shorter) = &whole else {
            panic!("{whole:?}")
        };
        assert_eq!(*length, head.len());
        assert_eq!(shorter, b"GET /a?%3C%3E HTTP/1.1\r\nHost: k\r\n\r\n");
        for cut in 1..head.len() {
            assert_eq!(parse(&head[..cut], 0), ParsedHead::Incomplete, "{cut}");
            assert_eq!(parse(head, cut), whole, "{cut}");
        }
    }
}
