//! A request with a body that came in one piece, with nothing in its head that would need the HTTP library.

use std::mem::MaybeUninit;

use httparse::{Header, Status};

use super::rewrite;

/// Headers that such a request has at most; SDKs send fewer than twenty.
const MAX_HEADERS: usize = 32;

/// A POST over HTTP/1.1 that arrived whole, with what the gateway uses of its head. Header values are visible ASCII.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::gateway) struct WholeRequest<'a> {
    /// Path without a query.
    pub(in crate::gateway) path: &'a str,
    pub(in crate::gateway) authorization: Option<&'a str>,
    pub(in crate::gateway) user_agent: &'a str,
    pub(in crate::gateway) origin: Option<&'a str>,
    /// As sent: it is not compressed.
    pub(in crate::gateway) body: &'a [u8],
}

impl<'a> WholeRequest<'a> {
    /// The request at the beginning of `bytes`, and its length. `None` unless all of it is there and everything in its
    /// head is known to be harmless: whatever is unusual is for the HTTP library.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<(Self, usize)> {
        if !bytes.starts_with(b"POST /") {
            return None;
        }
        let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let mut head = httparse::Request::new(&mut []);
        let Ok(Status::Complete(begin)) = head.parse_with_uninit_headers(bytes, &mut headers)
        else {
            return None;
        };
        let path = head.path?;
        let is_plain = rewrite::is_plain(path.as_bytes()) && !path.contains('?');
        if head.version != Some(1) || !is_plain {
            return None;
        }
        let mut request = Self {
            path,
            ..Self::default()
        };
        let mut length = None;
        for header in &*head.headers {
            request.take(header, &mut length)?;
        }
        let end = begin.checked_add(length?)?;
        request.body = bytes.get(begin..end)?;
        Some((request, end))
    }

    /// Takes what is used of a header. `None` when it means something that is not understood here, or is there twice.
    fn take(&mut self, header: &Header<'a>, length: &mut Option<usize>) -> Option<()> {
        let name = header.name;
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        // By length first: most headers are none of these.
        match name.len() {
            6 if is("expect") || is("prefer") => return None,
            6 if is("origin") => return once(&mut self.origin, header),
            7 if is("upgrade") => return None,
            10 if is("connection") && !header.value.eq_ignore_ascii_case(b"keep-alive") => {
                return None;
            }
            10 if is("user-agent") => {
                let mut agent = Some(self.user_agent).filter(|agent| !agent.is_empty());
                once(&mut agent, header)?;
                self.user_agent = agent?;
            }
            13 if is("authorization") => return once(&mut self.authorization, header),
            14 if is("content-length") => {
                let digits = str::from_utf8(header.value).ok()?;
                let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
                let number = digits.parse().ok().filter(|_| is_number)?;
                return length.replace(number).is_none().then_some(());
            }
            16 if is("content-encoding") => return None,
            17 if is("transfer-encoding") => return None,
            29 if is("access-control-request-method") => return None,
            _ => {}
        }
        Some(())
    }
}

/// Keeps the value of a header that must not be there twice.
fn once<'a>(place: &mut Option<&'a str>, header: &Header<'a>) -> Option<()> {
    let is_visible = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    let value = str::from_utf8(header.value).ok()?;
    let is_first = place.replace(value).is_none();
    (is_first && header.value.iter().all(is_visible)).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &str) -> Vec<u8> {
        format!("POST /v1/identify HTTP/1.1\r\n{lines}\r\n{{}}more").into_bytes()
    }

    #[test]
    fn what_is_usual_is_read() {
        let bytes = head(
            "Host: k\r\nuser-agent: a/1\r\nAUTHORIZATION: Basic V0s6\r\nOrigin: https://a.example\r\n\
             Connection: Keep-Alive\r\nContent-Length: 2\r\n",
        );
        let (request, length) = WholeRequest::parse(&bytes).unwrap();
        let expected = WholeRequest {
            path: "/v1/identify",
            authorization: Some("Basic V0s6"),
            user_agent: "a/1",
            origin: Some("https://a.example"),
            body: b"{}",
        };
        assert_eq!(request, expected);
        assert_eq!(&bytes[length..], b"more");
        // Without its last byte it has not arrived whole.
        for cut in 0..length {
            assert_eq!(WholeRequest::parse(&bytes[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn everything_else_is_left_to_others() {
        let usual = "Content-Length: 2\r\n";
        assert!(WholeRequest::parse(&head(usual)).is_some());
        for lines in [
            "",
            "Content-Length: 2\r\nContent-Length: 2\r\n",
            "Content-Length: +2\r\n",
            "Content-Length: 2, 2\r\n",
            "Content-Length: \r\n",
            "Content-Length: 18446744073709551615\r\n",
            "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: 2\r\nConnection: close\r\n",
            "Content-Length: 2\r\nConnection: Upgrade\r\n",
            "Content-Length: 2\r\nUpgrade: h2c\r\n",
            "Content-Length: 2\r\nExpect: 100-continue\r\n",
            "Content-Length: 2\r\nPrefer: wait=3\r\n",
            "Content-Length: 2\r\nContent-Encoding: gzip\r\n",
            "Content-Length: 2\r\nAuthorization: a\r\nAuthorization: b\r\n",
            "Content-Length: 2\r\nOrigin: a\r\nOrigin: a\r\n",
            "Content-Length: 2\r\nUser-Agent: a\r\nUser-Agent: b\r\n",
            "Content-Length: 2\r\nAuthorization: \u{e4}\r\n",
        ] {
            assert_eq!(WholeRequest::parse(&head(lines)), None, "{lines:?}");
        }
        for first in [
            "GET /v1/identify HTTP/1.1",
            "POST /v1/identify HTTP/1.0",
            "POST /v1/identify?wait=applied HTTP/1.1",
            "POST /v1/<> HTTP/1.1",
            "POST http://k/v1/identify HTTP/1.1",
        ] {
            let bytes = format!("{first}\r\n{usual}\r\n{{}}");
            assert_eq!(WholeRequest::parse(bytes.as_bytes()), None, "{first}");
        }
    }
}
