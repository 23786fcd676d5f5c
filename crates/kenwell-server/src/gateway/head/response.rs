//! An answer as bytes, in the form in which the HTTP library writes it.

use std::cell::RefCell;

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};

/// Bytes of an answer that need no more room; only those to pages of other origins may.
const USUAL_BYTES: usize = 320;

/// Whether the connection goes on after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    NextRequest,
    Close,
}

/// The bytes of `response`, which has no `Content-Length`, `Connection` or `Date` of its own.
pub(super) fn encode(response: &Response<Bytes>, after: After) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(USUAL_BYTES + response.body().len());
    let status = response.status();
    bytes.extend_from_slice(b"HTTP/1.1 ");
    bytes.extend_from_slice(status.as_str().as_bytes());
    bytes.push(b' ');
    let reason = status.canonical_reason().unwrap_or_default();
    bytes.extend_from_slice(reason.as_bytes());
    bytes.extend_from_slice(b"\r\n");
    for (name, value) in response.headers() {
        push(&mut bytes, name.as_str(), value.as_bytes());
    }
    if after == After::Close {
        push(&mut bytes, header::CONNECTION.as_str(), b"close");
    }
    let length = HeaderValue::from(response.body().len());
    push(&mut bytes, "content-length", length.as_bytes());
    with_date(|date| push(&mut bytes, "date", date.as_bytes()));
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(response.body());
    bytes
}

/// Adds a header, its name in title case.
fn push(bytes: &mut Vec<u8>, name: &str, value: &[u8]) {
    let mut begins = true;
    bytes.extend(name.bytes().map(|byte| {
        let written = if begins {
            byte.to_ascii_uppercase()
        } else {
            byte
        };
        begins = byte == b'-';
        written
    }));
    bytes.extend_from_slice(b": ");
    bytes.extend_from_slice(value);
    bytes.extend_from_slice(b"\r\n");
}

/// Gives the time to `write` as HTTP has it: made once a second on each thread.
fn with_date(write: impl FnOnce(&str)) {
    thread_local! {
        static DATE: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
    }
    let now = Timestamp::now();
    DATE.with_borrow_mut(|(second, text)| {
        if *second != now.as_second() {
            // It cannot fail in the years that HTTP can write; without a date an answer is valid, too.
            *text = DateTimePrinter::new()
                .timestamp_to_rfc9110_string(&now)
                .unwrap_or_default();
            *second = now.as_second();
        }
        write(text);
    });
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn an_answer_is_written_as_http() {
        let mut response = Response::new(Bytes::from_static(b"no\n"));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        for (after, connection) in [
            (After::NextRequest, ""),
            (After::Close, "Connection: close\r\n"),
        ] {
            let text = String::from_utf8(encode(&response, after)).unwrap();
            let (before, date) = text.split_once("Date: ").unwrap();
            let expected = format!(
                "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 1\r\n{connection}Content-Length: 3\r\n"
            );
            assert_eq!(before, expected);
            let (date, body) = date.split_once("\r\n").unwrap();
            let read = jiff::fmt::rfc2822::parse(date).unwrap().timestamp();
            assert!(
                (Timestamp::now().as_second() - read.as_second()).abs() < 60,
                "{date}"
            );
            assert_eq!(body, "\r\nno\n");
        }
    }
}
