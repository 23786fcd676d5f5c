//! Senders that leave: what arrived whole is stored, whoever hangs up, and however.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    process::Command,
    sync::Arc,
    time::Instant,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::pem::PemObject,
};
use tokio::runtime::Runtime;

use crate::support::{Certificates, Client, PATIENCE, Redis, Server, gzip, metric};

/// How often each way of leaving is tried.
const ROUNDS: usize = 20;
/// Requests that are sent at once where they are pipelined.
const PIPELINED: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Size {
    Small,
    /// A trait of 50 KB.
    Medium,
    /// A batch of 300 KiB in gzip, twice that inflated.
    Large,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Framing {
    KeepAlive,
    ConnectionClose,
    /// Announced with `Expect: 100-continue`, and sent without waiting for it.
    Continue,
    Chunked,
    Pipelined,
    Beacon,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Leaving {
    /// `close()` right after the body.
    Close,
    /// `shutdown(SHUT_WR)`, and then the answer is read.
    HalfClose,
    /// A reset right after the body.
    Reset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wire {
    Plain,
    Tls,
}

type Case = (Size, Framing, Leaving, Wire);

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// Everything that senders need.
struct Senders {
    servers: [Server; 2],
    tls: Arc<ClientConfig>,
    /// What a large batch has besides its user, compressed.
    filling: Vec<u8>,
    /// The server looks at its files again and again.
    _certificates: Certificates,
    /// Knows how to reset a connection.
    runtime: Runtime,
}

impl Senders {
    fn start(redis: &Redis) -> Self {
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

    fn server(&self, wire: Wire) -> &Server {
        &self.servers[usize::from(wire == Wire::Tls)]
    }

    fn connect(&self, wire: Wire) -> (TcpStream, Box<dyn Stream>) {
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

    fn request(&self, size: Size, framing: Framing, user: &str) -> Vec<u8> {
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
    fn send(&self, case: Case, round: usize) -> (Vec<String>, usize) {
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

fn signal(name: &str, pid: &str) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), pid])
        .status();
    assert!(status.unwrap().success());
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
fn rest(stream: &mut dyn Stream) -> String {
    let mut all = Vec::new();
    // A TLS client calls an end without farewell an error.
    stream.read_to_end(&mut all).ok();
    String::from_utf8(all).unwrap()
}

fn cases() -> Vec<Case> {
    use Framing::{Beacon, Chunked, ConnectionClose, Continue, KeepAlive, Pipelined};
    let mut cases = Vec::new();
    for wire in [Wire::Plain, Wire::Tls] {
        for leaving in [Leaving::Close, Leaving::HalfClose, Leaving::Reset] {
            for framing in [
                KeepAlive,
                ConnectionClose,
                Continue,
                Chunked,
                Pipelined,
                Beacon,
            ] {
                cases.push((Size::Small, framing, leaving, wire));
            }
            cases.push((Size::Medium, Continue, leaving, wire));
            for framing in [KeepAlive, Chunked] {
                cases.push((Size::Medium, framing, leaving, wire));
                // A reset takes back what the other side had no room for.
                if leaving != Leaving::Reset {
                    cases.push((Size::Large, framing, leaving, wire));
                }
            }
        }
    }
    cases
}

/// How many users of each case are not in Redis.
fn missing(redis: &Redis, sent: &BTreeMap<Case, Vec<String>>) -> BTreeMap<Case, usize> {
    let mut connection = redis.connection();
    let mut missing = BTreeMap::new();
    for (case, users) in sent {
        let mut pipeline = redis::pipe();
        for user in users {
            pipeline.exists(format!("user:{user}"));
        }
        let there: Vec<bool> = pipeline.query(&mut connection).unwrap();
        let gone = there.iter().filter(|there| !**there).count();
        if gone > 0 {
            missing.insert(*case, gone);
        }
    }
    missing
}

#[test]
fn i8_what_arrived_whole_is_stored_though_its_sender_has_left() {
    let redis = Redis::start();
    let senders = Senders::start(&redis);
    let (mut sent, mut unanswered) = (BTreeMap::new(), BTreeMap::new());
    for case in cases() {
        for round in 0..ROUNDS {
            let (users, without) = senders.send(case, round);
            sent.entry(case).or_insert_with(Vec::new).extend(users);
            if without > 0 {
                *unanswered.entry(case).or_insert(0) += without;
            }
        }
    }
    let deadline = Instant::now() + PATIENCE;
    let mut gone = missing(&redis, &sent);
    while !gone.is_empty() && Instant::now() < deadline {
        std::thread::sleep(std::time::Duration::from_millis(50));
        gone = missing(&redis, &sent);
    }
    let nobody = BTreeMap::new();
    assert_eq!(
        (gone, unanswered),
        (nobody.clone(), nobody),
        "not stored, and not answered, of {ROUNDS} rounds each"
    );
    for wire in [Wire::Plain, Wire::Tls] {
        let requests = sent.iter().filter(|((.., over), _)| *over == wire);
        let requests: usize = requests.map(|(_, users)| users.len()).sum();
        let page = senders.server(wire).metrics();
        let counted: u64 = ["identify", "batch", "beacon"]
            .map(|route| format!("route=\"{route}\",status=\"200\""))
            .iter()
            .map(|labels| metric(&page, "kenwell_requests_total", labels))
            .sum();
        assert_eq!(counted, u64::try_from(requests).unwrap(), "{page}");
    }
}

#[test]
fn a_half_closed_connection_ends_when_no_answer_is_due() {
    let redis = Redis::start();
    let senders = Senders::start(&redis);
    let whole = senders.request(Size::Small, Framing::KeepAlive, "cut");
    let head = &whole[..40];
    let cut = &whole[..whole.len() - 1];
    for wire in [Wire::Plain, Wire::Tls] {
        for (bytes, answer) in [
            (&b""[..], ""),
            (head, ""),
            (cut, "HTTP/1.1 400 Bad Request"),
        ] {
            let (socket, mut stream) = senders.connect(wire);
            stream.write_all(bytes).unwrap();
            stream.flush().unwrap();
            socket.shutdown(Shutdown::Write).unwrap();
            let begun = Instant::now();
            let said = rest(&mut stream);
            assert!(said.starts_with(answer), "{wire:?}: {said}");
            assert!(begun.elapsed() < PATIENCE, "{wire:?}: it stays open");
        }
    }
    assert!(redis.fields("user:cut").is_empty());
}

#[test]
fn i8_a_server_that_stops_stores_what_has_arrived() {
    let redis = Redis::start();
    let mut senders = Senders::start(&redis);
    let mut users: Vec<_> = (0..60).map(|number| format!("last-{number}")).collect();
    let known: Vec<_> = (0..50)
        .map(|_| {
            let mut client = Client::connect(&senders.server(Wire::Plain).gateway);
            let greeting = client.post("/v1/identify", br#"{"userId":"early"}"#);
            assert_eq!(greeting.unwrap().status, 200);
            client
        })
        .collect();
    // On connections that were idle, and on new ones, while the server does not come to reading them.
    let pid = senders.server(Wire::Plain).pid().to_string();
    signal("STOP", &pid);
    for (number, mut client) in known.into_iter().enumerate() {
        let user = format!("idle-{number}");
        let request = senders.request(Size::Small, Framing::KeepAlive, &user);
        client.send(&request).unwrap();
        users.push(user);
    }
    for user in users.iter().take(60) {
        let (_socket, mut stream) = senders.connect(Wire::Plain);
        let request = senders.request(Size::Small, Framing::KeepAlive, user);
        stream.write_all(&request).unwrap();
    }
    signal("TERM", &pid);
    signal("CONT", &pid);
    let server = &mut senders.servers[0];
    assert!(server.ended().success());
    server.restart();
    server.settle("profiles");
    let mut connection = redis.connection();
    let mut pipeline = redis::pipe();
    for user in &users {
        pipeline.exists(format!("user:{user}"));
    }
    let there: Vec<bool> = pipeline.query(&mut connection).unwrap();
    let missing = users.iter().zip(there).filter(|(_, there)| !there);
    let missing: Vec<_> = missing.map(|(user, _)| user).collect();
    assert!(missing.is_empty(), "{} missing: {missing:?}", missing.len());
}
