//! Requests of every size and framing, and the ways in which their senders leave.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    sync::Arc,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::pem::PemObject,
};
use tokio::runtime::Runtime;

use crate::support::{Certificates, PATIENCE, Redis, Server, gzip};

/// Requests that are sent at once where they are pipelined.
const PIPELINED: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Size {
    Small,
    /// A trait of 50 KB.
    Medium,
    /// A batch of 300 KiB in gzip, twice that inflated.
    Large,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Framing {
    KeepAlive,
    ConnectionClose,
    /// Announced with `Expect: 100-continue`, and sent without waiting for it.
    Continue,
    Chunked,
    Pipelined,
    Beacon,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Leaving {
    /// `close()` right after the body.
    Close,
    /// `shutdown(SHUT_WR)`, and then the answer is read.
    HalfClose,
    /// A reset right after the body.
    Reset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wire {
    Plain,
    Tls,
}

pub(super) type Case = (Size, Framing, Leaving, Wire);

pub(super) trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// Everything that senders need.
pub(super) struct Senders {
    pub(super) servers: [Server; 2],
    tls: Arc<ClientConfig>,
    /// What a large batch has besides its user, compressed.
    filling: Vec<u8>,
    /// The server looks at its files again and again.
    _certificates: Certificates,
    /// Knows how to reset a connection.
    runtime: Runtime,
}

impl Senders {
    pub(super) fn start(redis: &Redis) -> Self {
        let certificates = Certificates::new();
        let path = |name: &str| certificates.path(name).display().to_string();
        let identity = format!(
            "tls_certificate = {:?}\ntls_key = {:?}\n",
            path("server.pem"),
            path("server.key")
        );
        let tables = format!(
            "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
             [[destinations]]\nid = \"profiles\"\naddress = \"{}\"\n",
            redis.address()
        );
        let mut authorities = RootCertStore::empty();
        let authority = certificates.authority();
        let authority = rustls::pki_types::CertificateDer::from_pem_slice(authority.as_bytes());
        authorities.add(authority.unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(authorities)
            .with_no_client_auth();
        Self {
            servers: [
                Server::with(&tables),
                Server::with_gateway(&identity, &tables),
            ],
            tls: Arc::new(tls),
            filling: gzip(filling().as_bytes()),
            _certificates: certificates,
            runtime: Runtime::new().unwrap(),
        }
    }

    pub(super) fn server(&self, wire: Wire) -> &Server {
        &self.servers[usize::from(wire == Wire::Tls)]
    }

    pub(super) fn connect(&self, wire: Wire) -> (TcpStream, Box<dyn Stream>) {
        let socket = TcpStream::connect(&self.server(wire).gateway).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let below = socket.try_clone().unwrap();
        if wire == Wire::Plain {
            return (socket, Box::new(below));
        }
        let name = "localhost".try_into().unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.tls), name).unwrap();
        let mut stream = StreamOwned::new(connection, below);
        // Reads what the server says after a handshake: otherwise closing would be a reset.
        stream
            .write_all(b"GET /version HTTP/1.1\r\nHost: kenwell\r\n\r\n")
            .unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\"}") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.extend(byte);
        }
        (socket, Box::new(stream))
    }

    fn body(&self, size: Size, framing: Framing, user: &str) -> Vec<u8> {
        let pad = if size == Size::Medium { 50_000 } else { 1 };
        let event = format!(
            r#"{{"type":"identify","userId":"{user}","traits":{{"pad":"{}"}}}}"#,
            "x".repeat(pad)
        );
        match (size, framing) {
            (Size::Large, _) => {
                let first = gzip(format!("{{\"batch\":[{event}").as_bytes());
                [&first[..], &self.filling].concat()
            }
            (_, Framing::Beacon) => format!("{{\"batch\":[{event}]}}").into_bytes(),
            _ => event.into_bytes(),
        }
    }

    pub(super) fn request(&self, size: Size, framing: Framing, user: &str) -> Vec<u8> {
        let key = BASE64_STANDARD.encode("WK:");
        let body = self.body(size, framing, user);
        let path = match (size, framing) {
            (_, Framing::Beacon) => "/beacon/v1/batch?writeKey=WK",
            (Size::Large, _) => "/v1/batch",
            _ => "/v1/identify",
        };
        let authorization = match framing {
            Framing::Beacon => String::new(),
            _ => format!("Authorization: Basic {key}\r\n"),
        };
        let mut head = format!("POST {path} HTTP/1.1\r\nHost: kenwell\r\n{authorization}");
        if size == Size::Large {
            head += "Content-Encoding: gzip\r\n";
        }
        head += match framing {
            Framing::ConnectionClose => "Connection: close\r\n",
            Framing::Continue => "Expect: 100-continue\r\n",
            _ => "",
        };
        if framing == Framing::Chunked {
            let mut request = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
            for chunk in body.chunks(10_000) {
                request.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                request.extend([chunk, b"\r\n"].concat());
            }
            return [&request[..], b"0\r\n\r\n"].concat();
        }
        let head = format!("{head}Content-Length: {}\r\n\r\n", body.len());
        [head.as_bytes(), &body].concat()
    }

    /// Sends, leaves, and gives the users that were sent and the number of answers that are missing.
    pub(super) fn send(&self, case: Case, round: usize) -> (Vec<String>, usize) {
        let (size, framing, leaving, wire) = case;
        let requests = if framing == Framing::Pipelined {
            PIPELINED
        } else {
            1
        };
        let users: Vec<_> = (0..requests)
            .map(|number| format!("{size:?}-{framing:?}-{leaving:?}-{wire:?}-{round}-{number}"))
            .collect();
        let bytes = users.iter().map(|user| self.request(size, framing, user));
        let bytes: Vec<u8> = bytes.flatten().collect();
        let (socket, mut stream) = self.connect(wire);
        stream.write_all(&bytes).unwrap();
        stream.flush().unwrap();
        let mut unanswered = 0;
        match leaving {
            Leaving::Close => {}
            Leaving::HalfClose => {
                socket.shutdown(Shutdown::Write).unwrap();
                let answer = rest(&mut stream);
                unanswered = requests - answer.matches("HTTP/1.1 200 OK").count();
            }
            Leaving::Reset => {
                let _context = self.runtime.enter();
                socket.set_nonblocking(true).unwrap();
                let socket = tokio::net::TcpStream::from_std(socket).unwrap();
                socket.set_zero_linger().unwrap();
            }
        }
        (users, unanswered)
    }
}

/// The rest of a batch that begins with one event: ten events of text that hardly compresses.
fn filling() -> String {
    let mut random = fastrand::Rng::with_seed(1);
    let events = (0..10).map(|number| {
        let text: String = (0..41_000).map(|_| random.alphanumeric()).collect();
        format!(
            r#",{{"type":"identify","userId":"filling-{number}","traits":{{"text":"{text}"}}}}"#
        )
    });
    events.collect::<String>() + "]}"
}

/// All that still comes, until the other side is done.
pub(super) fn rest(stream: &mut dyn Stream) -> String {
    let mut all = Vec::new();
    // A TLS client calls an end without farewell an error.
    stream.read_to_end(&mut all).ok();
    String::from_utf8(all).unwrap()
}
