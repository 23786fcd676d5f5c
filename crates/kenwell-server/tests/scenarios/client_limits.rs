//! Strangers who take what they can get (connections, descriptors, memory, time) stop nobody else.

mod connections;
mod memory;
mod slow_readers;

use std::{
    io::{ErrorKind, Write},
    net::TcpStream,
    time::Duration,
};

use crate::support::{Client, Redis, Server, eventually};

/// A source for the stranger and one for everybody else.
fn tables(redis: &Redis) -> String {
    format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[sources]]\nid = \"app\"\nwrite_key = \"APP\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\ntype = \"redis\"\naddress = \"{}\"\n",
        redis.address()
    )
}

const IDENTIFY: &[u8] = br#"{"userId":"ada","traits":{"plan":"pro"}}"#;
/// A head without its end.
const BEGUN: &[u8] = b"POST /v1/identify HTTP/1.1\r\nHost: k\r\n";
/// A request of which one byte of the body is there.
const SLOW: &[u8] = b"POST /v1/identify HTTP/1.1\r\nHost: k\r\nAuthorization: Basic V0s6\r\n\
    Content-Length: 1000\r\n\r\n{";

/// Whether an event gets its 200 on a connection of its own.
fn is_served(server: &Server) -> Option<()> {
    let mut client = Client::try_connect(&server.gateway)?;
    let reply = client.post("/v1/identify", IDENTIFY)?;
    (reply.status == 200).then_some(())
}

/// A connection on which `bytes` were said, as far as they were taken within a moment.
fn saying(address: &str, bytes: &[u8]) -> Option<TcpStream> {
    let mut socket = TcpStream::connect(address).ok()?;
    let moment = Duration::from_secs(1);
    socket.set_write_timeout(Some(moment)).ok()?;
    // Whoever is hung up on has been answered: nothing else is asked of a stranger.
    socket.write_all(bytes).ok();
    Some(socket)
}

/// Who sends this request again and again on a connection, and never reads an answer.
struct NeverReading {
    socket: TcpStream,
    requests: Vec<u8>,
    sent: usize,
}

impl NeverReading {
    fn connect(address: &str, request: &[u8]) -> Option<Self> {
        let socket = TcpStream::connect(address).ok()?;
        let moment = Duration::from_millis(100);
        socket.set_write_timeout(Some(moment)).ok()?;
        Some(Self {
            socket,
            requests: request.repeat(1000),
            sent: 0,
        })
    }

    /// Sends for a moment; false when it was hung up on.
    fn goes_on(&mut self) -> bool {
        match self.socket.write(&self.requests[self.sent..]) {
            Ok(sent) => {
                self.sent = (self.sent + sent) % self.requests.len();
                true
            }
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }
}

#[test]
fn strangers_who_want_every_descriptor_stop_neither_journal_nor_redis() {
    let redis = Redis::start();
    let mut server = Server::with(&tables(&redis));
    assert!(server.terminate().success());
    server.restart_with("ulimit -n 256");
    let mut crowd: Vec<_> = Vec::new();
    for bytes in [&b""[..], BEGUN, SLOW].iter().cycle().take(400) {
        crowd.extend(saying(&server.gateway, bytes));
        crowd.extend(saying(&server.private, bytes));
    }
    // What has to be opened anew can be: a connection to Redis, and one of a sender.
    redis.command::<u64>(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    eventually("an event to be taken", || is_served(&server));
    eventually("it to be delivered", || {
        (redis.fields("user:ada").get("plan")? == "pro").then_some(())
    });
    assert!(!server.log().contains("os error 24"), "{}", server.log());
    let log = server.log();
    let warning = log.lines().find(|line| line.contains("max_connections"));
    let warning = warning.expect("a warning that names the setting");
    assert!(
        warning.contains("WARN") && warning.contains("4096"),
        "{warning}"
    );
    assert!(warning.contains("256"), "{warning}");
}

#[test]
fn the_soft_limit_of_descriptors_is_raised_at_the_start() {
    let redis = Redis::start();
    let mut server = Server::with(&tables(&redis));
    assert!(server.terminate().success());
    server.restart_with("ulimit -Sn 200");
    let limits = format!("/proc/{}/limits", server.pid());
    let limits = std::fs::read_to_string(limits).unwrap();
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let mut numbers = files.unwrap().split_whitespace().skip(3);
    assert_eq!(numbers.next(), numbers.next(), "{limits}");
}
