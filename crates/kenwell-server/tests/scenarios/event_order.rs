//! The order of events, nulls and nested objects, from the SDK to the hash.

use std::{
    collections::BTreeMap,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};

use crate::support::{Redis, Server, eventually, post};

fn start(redis: &Redis, settings: &str) -> Server {
    Server::with(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{}\"\n{settings}\n",
        redis.address()
    ))
}

fn send(server: &Server, path: &str, body: &Value) {
    assert_eq!(post(&server.gateway, path, body.to_string()).status, 200);
    server.settle("profiles");
}

/// So many seconds before the test began.
fn before(seconds: i64) -> jiff::Timestamp {
    static BEGAN: OnceLock<jiff::Timestamp> = OnceLock::new();
    *BEGAN.get_or_init(jiff::Timestamp::now) - jiff::SignedDuration::from_secs(seconds)
}

/// An identify that happened so many seconds before the test began.
fn ago(seconds: i64, user: &str, traits: &Value) -> Value {
    let time = before(seconds);
    json!({ "type": "identify", "userId": user, "originalTimestamp": time.to_string(), "traits": traits })
}

fn identify(server: &Server, seconds: i64, traits: &Value) {
    send(server, "/v1/identify", &ago(seconds, "ada", traits));
}

fn fields(redis: &Redis) -> BTreeMap<String, String> {
    redis.fields("user:ada")
}

fn map(expected: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = expected.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn change(server: &Server, settings: &Value) {
    let reply = server.ask(
        "PATCH",
        "/api/v1/destinations/profiles",
        &settings.to_string(),
    );
    assert_eq!(reply.status, 200, "{}", reply.text());
}

fn retry_all(server: &Server) {
    let body = json!({ "destination": "profiles", "all": true }).to_string();
    let reply = server.ask("POST", "/api/v1/dead-letters/retry", &body);
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[test]
fn a_late_event_overwrites_nothing_and_a_null_stays() {
    let redis = Redis::start();
    let rules = "order = \"event_time\"\nnull_traits = \"delete\"\nnested = \"replace\"";
    let server = start(&redis, rules);
    identify(
        &server,
        60,
        &json!({ "plan": "pro", "home": { "city": "Rome", "zip": 1 } }),
    );
    identify(&server, 90, &json!({ "plan": "free", "n": 1 }));
    assert_eq!(fields(&redis)["plan"], "pro");
    assert_eq!(fields(&redis)["n"], "1");
    // The server forgets the script, and is told again.
    let _: String = redis.command(&["SCRIPT", "FLUSH"]);
    identify(&server, 50, &json!({ "home": { "city": "Oslo" } }));
    let expected = [("plan", "pro"), ("n", "1"), ("home.city", "Oslo")];
    assert_eq!(fields(&redis), map(&expected));
    identify(&server, 40, &json!({ "plan": null }));
    identify(
        &server,
        55,
        &json!({ "plan": "late", "home": { "zip": 2 } }),
    );
    assert_eq!(fields(&redis), map(&[("n", "1"), ("home.city", "Oslo")]));
    // Everything once more.
    let body = json!({ "from": "1970-01-01T00:00:00Z" }).to_string();
    let reply = server.ask("POST", "/api/v1/destinations/profiles/replay", &body);
    assert_eq!(reply.status, 200, "{}", reply.text());
    server.settle("profiles");
    assert_eq!(fields(&redis), map(&[("n", "1"), ("home.city", "Oslo")]));
    let reply = server.ask("DELETE", "/api/v1/profiles/profiles/ada", "");
    assert!(reply.status < 300, "{}", reply.text());
    let left: Vec<String> = redis.command(&["KEYS", "*ada*"]);
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_clock_of_a_batch_s_sender_is_corrected_by_what_the_batch_says() {
    let redis = Redis::start();
    let server = start(&redis, "order = \"event_time\"");
    identify(&server, 600, &json!({ "plan": "middle" }));
    // A clock that is two days slow: what it says happened ten minutes ago by ours, or five.
    let slow = 2 * 86_400;
    let sent = before(slow);
    for (seconds, plan, expected) in [(1_200, "older", "middle"), (300, "newer", "newer")] {
        let events = [ago(slow + seconds, "ada", &json!({ "plan": plan }))];
        let batch = json!({ "batch": events, "sentAt": sent.to_string() });
        send(&server, "/v1/batch", &batch);
        assert_eq!(fields(&redis)["plan"], expected);
    }
}

#[test]
fn by_time_a_retried_letter_counts_by_when_its_event_happened() {
    let redis = Redis::start();
    let server = start(&redis, "order = \"event_time\"");
    redis.command::<()>(&["SET", "user:ada", "no hash"]);
    identify(&server, 60, &json!({ "a": "newest", "c": "letter" }));
    identify(&server, 90, &json!({ "b": "oldest", "c": "late" }));
    redis.command::<()>(&["DEL", "user:ada"]);
    identify(&server, 80, &json!({ "a": "middle", "b": "middle" }));
    retry_all(&server);
    let expected = [("a", "newest"), ("b", "middle"), ("c", "letter")];
    eventually("the letters to be written", || {
        (fields(&redis).len() == 3).then_some(())
    });
    assert_eq!(fields(&redis), map(&expected));
}

#[test]
fn in_the_order_of_arrival_no_retried_letter_removes_or_brings_back() {
    let redis = Redis::start();
    let server = start(&redis, "null_traits = \"delete\"");
    redis.command::<()>(&["SET", "user:ada", "no hash"]);
    identify(
        &server,
        0,
        &json!({ "a": null, "x": { "y": "old", "z": "old" }, "kept": "letter" }),
    );
    redis.command::<()>(&["DEL", "user:ada"]);
    identify(&server, 0, &json!({ "a": { "b": "new" }, "x": null }));
    retry_all(&server);
    eventually("the letter to be written", || {
        fields(&redis).contains_key("kept").then_some(())
    });
    assert_eq!(fields(&redis), map(&[("a.b", "new"), ("kept", "letter")]));
}

#[test]
fn a_switch_between_the_orders_under_load_loses_nothing() {
    const USERS: u64 = 20;
    const SWITCHES: usize = 12;
    let redis = Redis::start();
    let server = start(&redis, "");
    let stop = AtomicBool::new(false);
    let rounds = std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut round = 0_u64;
            while !stop.load(Ordering::Relaxed) || round == 0 {
                round += 1;
                let traits = json!({ "last": round, format!("r{}", round % 50): round });
                let events: Vec<_> = (0..USERS)
                    .map(|user| ago(0, &format!("u{user}"), &traits))
                    .collect();
                let batch = json!({ "batch": events }).to_string();
                assert_eq!(post(&server.gateway, "/v1/batch", batch).status, 200);
            }
            round
        });
        for switch in 0..SWITCHES {
            let order = ["event_time", "arrival"][switch % 2];
            change(&server, &json!({ "order": order }));
        }
        stop.store(true, Ordering::Relaxed);
        sender.join().unwrap()
    });
    server.settle("profiles");
    let written = crate::support::metric(
        &server.metrics(),
        "kenwell_destination_dead_lettered_total",
        "profiles",
    );
    assert_eq!(written, 0);
    for user in 0..USERS {
        let stored = redis.fields(&format!("user:u{user}"));
        assert_eq!(stored["last"], rounds.to_string(), "u{user}");
        for round in rounds.saturating_sub(49).max(1)..=rounds {
            assert_eq!(
                stored[&format!("r{}", round % 50)],
                round.to_string(),
                "u{user}"
            );
        }
    }
}
