//! Opening a TCP socket: all addresses of a host are tried, none of them waited for alone.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::resolver::Resolver;

/// How long one address has before the next one is tried beside it (RFC 8305, section 8).
const STAGGER: Duration = Duration::from_millis(250);

/// The most addresses of one name that are tried.
const MAX_ADDRESSES: usize = 16;

/// How long a connection may be idle before the kernel asks whether the server is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long the kernel waits for each answer, and how many it misses before it gives the connection up.
const KEEP_ALIVE_AGAIN: Duration = Duration::from_secs(5);
const KEEP_ALIVE_TIMES: u32 = 3;

/// Opens a socket to a host, whose addresses the resolver looks up within `lookup_time`. The caller bounds the
/// whole time.
pub(super) async fn open(
    host: &str,
    port: u16,
    resolver: &Resolver,
    lookup_time: Duration,
) -> io::Result<TcpStream> {
    let addresses = resolver.look_up(host, port, lookup_time).await?;
    let stream = connect(&addresses).await?;
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    let keep_alive = TcpKeepalive::new().with_time(KEEP_ALIVE);
    let keep_alive = keep_alive.with_interval(KEEP_ALIVE_AGAIN);
    socket.set_tcp_keepalive(&keep_alive.with_retries(KEEP_ALIVE_TIMES))?;
    // We close a connection only when all its replies came, or to give it up. Then whatever the
    // kernel has not sent yet must never arrive: it is sent again on another connection, and a
    // late copy would overwrite newer values.
    socket.set_linger(Some(Duration::ZERO))?;
    Ok(stream)
}

/// Connects to whichever address answers first (RFC 8305, "Happy Eyeballs"): the families in turns, and a new
/// attempt beside the others whenever one has failed, or none has succeeded for a while. The caller bounds
/// the time.
///
/// # Errors
/// When all have failed, that of the address that came first.
pub(super) async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut waiting: VecDeque<_> = in_turns(addresses).into();
    let mut under_way = FuturesUnordered::new();
    let mut failure: Option<(usize, io::Error)> = None;
    let mut number = 0;
    loop {
        if let Some(address) = waiting.pop_front() {
            let place = number;
            number += 1;
            under_way.push(async move { (place, TcpStream::connect(address).await) });
        }
        if under_way.is_empty() {
            break;
        }
        let stagger = async {
            if waiting.is_empty() {
                std::future::pending::<()>().await;
            } else {
                sleep(STAGGER).await;
            }
        };
        tokio::select! {
            biased;
            Some((place, connected)) = under_way.next() => match connected {
                Ok(stream) => return Ok(stream),
                Err(error) => {
                    if failure.as_ref().is_none_or(|(first, _)| place < *first) {
                        failure = Some((place, error));
                    }
                }
            },
            () = stagger => {}
        }
    }
    let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    Err(failure.map_or_else(none, |(_, error)| error))
}

/// The addresses that are tried, of both families in turns, beginning with the one that the system prefers.
fn in_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let is_like_first = |address: &SocketAddr| {
        addresses.first().map(SocketAddr::is_ipv6) == Some(address.is_ipv6())
    };
    let (mut preferred, mut other): (VecDeque<SocketAddr>, VecDeque<_>) =
        addresses.iter().copied().partition(is_like_first);
    let mut all = Vec::with_capacity(addresses.len());
    while !preferred.is_empty() || !other.is_empty() {
        all.extend(preferred.pop_front());
        all.extend(other.pop_front());
    }
    all.truncate(MAX_ADDRESSES);
    all
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream as Blocking};
    use std::thread;

    use tokio::time::{Instant, timeout};

    use super::super::Settings;
    use super::super::dial::dial;
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// An address that answers nothing: its backlog is full. It stays so for as long as these live.
    fn black_hole() -> (SocketAddr, TcpListener, Vec<Blocking>) {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.unwrap();
        socket.bind(&address("127.0.0.2:0").into()).unwrap();
        socket.listen(0).unwrap();
        let listener = TcpListener::from(socket);
        let at = listener.local_addr().unwrap();
        let mut queue = Vec::new();
        while let Ok(stream) = Blocking::connect_timeout(&at, Duration::from_millis(300)) {
            queue.push(stream);
        }
        (at, listener, queue)
    }

    #[tokio::test]
    async fn a_dead_first_address_costs_a_moment() {
        let (dead, _listener, _queue) = black_hole();
        let alive = TcpListener::bind("127.0.0.1:0").unwrap();
        let alive = alive.local_addr().unwrap();
        let began = Instant::now();
        let limit = Duration::from_mins(1);
        let stream = timeout(limit, connect(&[dead, dead, alive])).await;
        let stream = stream.unwrap().unwrap();
        assert_eq!(stream.peer_addr().unwrap(), alive);
        assert!(began.elapsed() >= 2 * STAGGER);
    }

    /// Knows none of the four commands of a login, as a very old Redis.
    fn old_redis() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let (mut commands, mut bytes) = (0, [0; 1024]);
            while commands < 4 {
                let count = client.read(&mut bytes).unwrap();
                commands += bytes[..count].split(|byte| *byte == b'*').count() - 1;
            }
            let answers = "-ERR unknown command\r\n".repeat(4);
            client.write_all(answers.as_bytes()).unwrap();
            // Until the other side leaves.
            while client.read(&mut bytes).is_ok_and(|count| count > 0) {}
        });
        at
    }

    #[tokio::test]
    async fn a_connection_opens_though_the_first_address_of_its_host_is_dead() {
        let (dead, _listener, _queue) = black_hole();
        let alive = old_redis();
        let settings = Settings {
            connect_timeout: Duration::from_mins(1),
            ..Settings::new("redis.internal:6379")
        };
        let mut target = settings.targets().unwrap().remove(0);
        target.resolver = Resolver::finding(vec![dead, alive]);
        let address = "redis.internal:6379".into();
        let opened = dial(&settings, &target, &address, None);
        let opened = timeout(settings.connect_timeout, opened).await;
        assert!(!opened.unwrap().unwrap().is_closed());
    }

    #[tokio::test]
    async fn a_refusal_leads_to_the_next_one_at_once_and_the_first_one_is_told() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap();
        let refusing = gone.local_addr().unwrap();
        drop(gone);
        let alive = TcpListener::bind("127.0.0.1:0").unwrap();
        let alive = alive.local_addr().unwrap();
        let stream = connect(&[refusing, alive]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), alive);
        let unusable = address("255.255.255.255:1");
        let error = connect(&[refusing, unusable]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let error = connect(&[]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn families_take_turns() {
        let all = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"].map(address);
        let expected = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"];
        assert_eq!(in_turns(&all), expected.map(address));
        let many = vec![address("1.1.1.1:1"); 100];
        assert_eq!(in_turns(&many).len(), MAX_ADDRESSES);
    }
}
