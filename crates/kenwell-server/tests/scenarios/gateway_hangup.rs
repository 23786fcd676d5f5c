//! Senders that leave: what arrived whole is stored, whoever hangs up, and however.

mod senders;

use std::{
    collections::BTreeMap,
    io::Write,
    net::Shutdown,
    process::Command,
    time::{Duration, Instant},
};

use senders::{Case, Framing, Leaving, Senders, Size, Wire, rest};

use crate::support::{Client, PATIENCE, Redis, eventually, metric};

/// How often each way of leaving is tried.
const ROUNDS: usize = 20;
fn signal(name: &str, pid: &str) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), pid])
        .status();
    assert!(status.unwrap().success());
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
        std::thread::sleep(Duration::from_millis(50));
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
        // What is stored may not be answered yet, and is counted then.
        let counted = || {
            let page = senders.server(wire).metrics();
            let routes = ["identify", "batch", "beacon"].iter();
            let labels = routes.map(|route| format!("route=\"{route}\",status=\"200\""));
            let counts = labels.map(|labels| metric(&page, "kenwell_requests_total", &labels));
            counts.sum::<u64>()
        };
        let requests = u64::try_from(requests).unwrap();
        eventually("every request to be counted", || {
            (counted() >= requests).then_some(())
        });
        assert_eq!(counted(), requests);
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
