//! The queue of each destination: right from the first page on, never going down, and all of one moment.

use std::{net::TcpListener, process::Command};

use crate::support::{Client, Redis, Server, eventually, free_port, metric, post};

fn count(page: &str, name: &str, destination: &str) -> u64 {
    let labels = format!("destination=\"{destination}\"");
    metric(page, &format!("kenwell_destination_{name}"), &labels)
}

/// Sources `s1`, `s2`, `s3`, each feeding all destinations up to its own number; the first is up, the others are not.
fn three(redis: &Redis) -> String {
    let down = free_port();
    let table = |number: u64| {
        let ids: Vec<_> = (1..=number).map(|id| format!("\"d{id}\"")).collect();
        let port = if number == 1 { redis.port } else { down };
        format!(
            "[[sources]]\nid = \"s{number}\"\nwrite_key = \"K{number}\"\ndestinations = [{}]\n\
             [[destinations]]\nid = \"d{number}\"\naddress = \"127.0.0.1:{port}\"\n",
            ids.join(", ")
        )
    };
    (1..=3).map(table).collect()
}

fn state(server: &Server, id: &str) -> String {
    let ready: serde_json::Value = serde_json::from_str(&server.ready().text()).unwrap();
    let mut all = ready["destinations"].as_array().unwrap().iter();
    let found = all.find(|it| it["id"] == id).unwrap();
    format!(
        "{} {}",
        ready["status"].as_str().unwrap(),
        found["state"].as_str().unwrap()
    )
}

#[test]
fn what_waits_is_counted_exactly_at_every_start() {
    let redis = Redis::start();
    let mut server = Server::with(&three(&redis));
    let mut client = Client::connect(&server.gateway);
    for number in 0..60 {
        let key = format!("K{}", number % 3 + 1);
        let event = format!("{{\"userId\":\"u{number}\",\"traits\":{{\"n\":{number}}}}}");
        let reply = client.post_as(&key, "/v1/identify", "", event.as_bytes());
        assert_eq!(reply.unwrap().text(), "ok");
    }
    server.settle("d1");
    for _ in 0..2 {
        server.kill();
        server.restart();
        let page = server.metrics();
        let terms = |name| ["d1", "d2", "d3"].map(|id| count(&page, name, id));
        // The cursor of "d1" may be behind by what a kill cost it.
        assert_eq!(terms("queued")[1..], [40, 20], "{page}");
        assert_eq!(terms("accepted_total")[1..], [40, 20], "{page}");
        server.settle("d1");
        let page = server.metrics();
        assert_eq!(count(&page, "accepted_total", "d2"), 40);
        let overview = server.ask("GET", "/api/v1/overview", "").text();
        assert!(!overview.contains("\"balanced\":false"), "{overview}");
    }
}

#[test]
fn every_page_balances_and_nothing_goes_down_while_events_arrive() {
    let redis = Redis::start();
    let server = Server::with(&three(&redis));
    let names = [
        "accepted_total",
        "written_total",
        "ignored_total",
        "dead_lettered_total",
        "lost_total",
        "queued",
    ];
    std::thread::scope(|threads| {
        let sending = threads.spawn(|| {
            let mut client = Client::connect(&server.gateway);
            for number in 0..1_500 {
                // Some are ignored by every destination.
                let user = if number % 5 == 0 {
                    String::new()
                } else {
                    format!("u{number}")
                };
                let event = format!(
                    "{{\"userId\":\"{user}\",\"anonymousId\":\"a\",\"traits\":{{\"n\":{number}}}}}"
                );
                let reply = client.post_as("K1", "/v1/identify", "", event.as_bytes());
                assert_eq!(reply.unwrap().text(), "ok");
            }
        });
        let (mut before, mut looks) = ([0; 6], 0);
        while !sending.is_finished() {
            let page = server.metrics();
            let terms = names.map(|name| count(&page, name, "d1"));
            assert_eq!(
                terms[0],
                terms[1..].iter().sum::<u64>(),
                "{names:?}: {terms:?}"
            );
            for (name, (before, now)) in names.iter().zip(before.iter().zip(terms)).take(5) {
                assert!(*before <= now, "{name} went from {before} to {now}");
            }
            before = terms;
            looks += 1;
        }
        assert!(looks > 1, "all was sent before anybody looked twice");
    });
    server.settle("d1");
    assert_eq!(count(&server.metrics(), "accepted_total", "d1"), 1_500);
}

#[test]
fn a_destination_is_up_when_it_was_reached_and_not_before() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut redis = Redis::start();
    let address = silent.local_addr().unwrap();
    let mut server = Server::with(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"down\", \"silent\"]\n\
         [[destinations]]\nid = \"down\"\naddress = \"{}\"\n\
         [[destinations]]\nid = \"silent\"\naddress = \"{address}\"\nconnect_timeout = \"10s\"\n",
        redis.address()
    ));
    // No event was sent: it is asked all the same.
    assert_eq!(state(&server, "silent"), "degraded connecting");
    eventually("it to be reached", || {
        (state(&server, "down") == "degraded up").then_some(())
    });
    // What is sent to a Redis that is known need not wait for a look at it.
    redis.kill();
    assert!(server.terminate().success());
    server.restart();
    eventually("the refusal", || {
        (state(&server, "down") == "degraded waiting").then_some(())
    });
    // What is ignored says nothing about Redis.
    let nothing = "{\"userId\":\"\",\"anonymousId\":\"a\",\"traits\":{\"n\":1}}";
    assert_eq!(post(&server.gateway, "/v1/identify", nothing).text(), "ok");
    server.settle("down");
    assert_eq!(state(&server, "down"), "degraded waiting");
    eventually("the silence to count as a failure", || {
        (state(&server, "silent") == "degraded waiting").then_some(())
    });
    redis.restart();
    eventually("it to be reached again", || {
        (state(&server, "down") == "degraded up").then_some(())
    });
}

#[test]
fn a_start_opens_no_more_segments_than_it_reads() {
    const SEGMENTS: u64 = 3_000;
    let redis = Redis::start();
    let mut server = Server::start(&redis);
    server.terminate();
    let shared = std::path::Path::new("/dev/shm");
    let place = if shared.is_dir() {
        tempfile::tempdir_in(shared)
    } else {
        tempfile::tempdir()
    };
    let place = place.unwrap();
    let journal = server.data_dir().join("journal");
    std::fs::remove_dir_all(&journal).unwrap();
    std::os::unix::fs::symlink(place.path(), &journal).unwrap();
    fill(place.path(), SEGMENTS);
    server.restart_with("ulimit -n 512");
    server.settle("profiles");
    let users: Vec<String> = redis.command(&["KEYS", "user:*"]);
    assert_eq!(users.len() as u64, SEGMENTS);
    let limited = format!(
        "ulimit -n 64 && exec {} journal stats",
        env!("CARGO_BIN_EXE_kenwell")
    );
    let stats = Command::new("sh")
        .args(["-c", &limited])
        .env("KENWELL_CONFIG", server.config())
        .output();
    let stats = stats.unwrap();
    assert!(stats.status.success(), "{stats:?}");
}

/// A journal with so many segments of one event each, all of them waiting for `profiles`.
fn fill(directory: &std::path::Path, segments: u64) {
    use kenwell_journal::{Batch, Durability, Options};
    use kenwell_server::envelope;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let options = Options {
        segment_bytes: kenwell_journal::MIN_SEGMENT_BYTES,
        durability: Durability::Os,
        ..Options::default()
    };
    let (journal, _) = kenwell_journal::open(directory, options).unwrap();
    drop(journal.reader("profiles").unwrap());
    let prefix = envelope::prefix("web", &["profiles".to_owned()]);
    let header = envelope::header(&prefix, std::time::SystemTime::now(), None);
    for number in 0..segments {
        let filler = "x".repeat(3_000);
        let event = format!(
            "{{\"userId\":\"u{number}\",\"traits\":{{\"n\":{number},\"filler\":\"{filler}\"}}}}"
        );
        let mut batch = Batch::new();
        batch.push(&[&header, event.as_bytes()]);
        runtime.block_on(journal.append(batch)).unwrap();
    }
    assert!(journal.stats().segments as u64 >= segments);
    runtime.block_on(journal.close()).unwrap();
}
