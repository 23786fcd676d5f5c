//! A small HTTP client that hides nothing: what is sent and received is bytes.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use super::PATIENCE;

/// An answer as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// A keep-alive connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(address: &str) -> Self {
        Self::try_connect(address).expect("somebody to listen")
    }

    /// The same where the server may be down.
    pub(crate) fn try_connect(address: &str) -> Option<Self> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_nodelay(true).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let stream = BufReader::new(stream);
        Some(Self { stream })
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// What comes until the connection is at rest after the end of a chunked body, or ended.
    pub(crate) fn rest(&mut self) -> std::io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        while !rest.ends_with(b"0\r\n\r\n") && self.stream.read_until(b'\n', &mut rest)? > 0 {}
        Ok(rest)
    }

    /// Reads one answer; `None` when the connection ended.
    pub(crate) fn receive(&mut self, head_only: bool) -> Option<Reply> {
        let mut line = String::new();
        self.stream
            .read_line(&mut line)
            .ok()
            .filter(|read| *read > 0)?;
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut reply = Reply {
            status,
            headers,
            body: Vec::new(),
        };
        let length = reply
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        if !head_only {
            reply.body.resize(length, 0);
            self.stream.read_exact(&mut reply.body).ok()?;
        }
        (status != 100)
            .then_some(reply)
            .or_else(|| self.receive(head_only))
    }

    /// POSTs a body with the write key `WK`.
    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> Option<Reply> {
        self.post_as("WK", path, "", body)
    }

    /// Sends one event with the write key `WK`; it has to be accepted.
    pub(crate) fn identify(&mut self, event: &str) {
        let reply = self.post("/v1/identify", event.as_bytes());
        assert_eq!(reply.expect("an answer").status, 200, "{event}");
    }

    /// POSTs a body with any write key and more header lines, each ending in CRLF.
    pub(crate) fn post_as(
        &mut self,
        key: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Option<Reply> {
        use base64::{Engine, prelude::BASE64_STANDARD};
        let key = BASE64_STANDARD.encode(format!("{key}:"));
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: kenwell\r\nAuthorization: Basic {key}\r\n{headers}Content-Length: {length}\r\n\r\n"
        );
        self.send(&[head.as_bytes(), body].concat()).ok()?;
        self.receive(false)
    }
}

/// POSTs on a connection of its own, with the write key `WK`.
pub(crate) fn post(address: &str, path: &str, body: impl AsRef<[u8]>) -> Reply {
    Client::connect(address)
        .post(path, body.as_ref())
        .expect("an answer")
}

/// GETs on a connection of its own.
pub(crate) fn get(address: &str, path: &str) -> Reply {
    raw(
        address,
        format!("GET {path} HTTP/1.1\r\nHost: kenwell\r\n\r\n").as_bytes(),
    )
}

/// Sends bytes and reads one answer.
pub(crate) fn raw(address: &str, bytes: &[u8]) -> Reply {
    let mut client = Client::connect(address);
    client.send(bytes).unwrap();
    client
        .receive(bytes.starts_with(b"HEAD "))
        .expect("an answer")
}

/// One gzip member.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
