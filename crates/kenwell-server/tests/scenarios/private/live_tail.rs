//! The live tail: each outcome, only what was asked for, and nothing while nobody looks.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::support::code;
use crate::support::{ADMIN_KEY, PATIENCE, Redis, Server, eventually, post};

/// An open stream of events.
struct Stream {
    lines: BufReader<TcpStream>,
}

impl Stream {
    /// Opens it; once this returns, everything that happens is shown.
    fn open(server: &Server, query: &str) -> Self {
        let mut socket = TcpStream::connect(&server.private).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!(
            "GET /api/v1/events{query} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {ADMIN_KEY}\r\n\r\n",
            server.private
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut lines = BufReader::new(socket);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(lines.read_line(&mut head).unwrap(), 0, "{head}");
        }
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains("text/event-stream"), "{head}");
        assert!(head.contains("x-accel-buffering: no"), "{head}");
        Self { lines }
    }

    /// The data of the next message; nothing when the stream ended.
    fn try_next(&mut self) -> Option<Value> {
        loop {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line).unwrap();
            if read == 0 {
                return None;
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return Some(serde_json::from_str(data).unwrap());
            }
        }
    }

    fn next(&mut self) -> Value {
        self.try_next().expect("another event")
    }
}

fn identify(server: &Server, event: &str) {
    assert_eq!(post(&server.gateway, "/v1/identify", event).status, 200);
}

/// How many fields an event has written, left alone and removed, and their names.
fn told(seen: &Value) -> Value {
    let fields = ["written", "left_alone", "removed"].map(|kind| &seen["fields"][kind]);
    json!(fields.map(|names| json!([names["count"], names["names"]])))
}

#[test]
fn what_the_order_of_events_leaves_alone_and_a_null_removes_is_named() {
    let redis = Redis::start();
    let server = Server::with(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{}\"\norder = \"event_time\"\nnull_traits = \"delete\"\n",
        redis.address()
    ));
    let mut stream = Stream::open(&server, "?outcome=written&destination=profiles");
    for (second, traits, expected) in [
        (
            20,
            json!({ "plan": "pro", "n": 1 }),
            json!([[2, ["n", "plan"]], [0, []], [0, []]]),
        ),
        (
            10,
            json!({ "plan": "late", "n": 2 }),
            json!([[0, []], [2, ["n", "plan"]], [0, []]]),
        ),
        (
            11,
            json!({ "plan": "late", "m": 2 }),
            json!([[1, ["m"]], [1, ["plan"]], [0, []]]),
        ),
        (
            30,
            json!({ "n": null, "x": null, "plan": "max" }),
            json!([[1, ["plan"]], [0, []], [1, ["n"]]]),
        ),
        (
            12,
            json!({ "plan": null, "m": null }),
            json!([[0, []], [1, ["plan"]], [1, ["m"]]]),
        ),
    ] {
        let at = format!("2026-01-31T12:00:{second:02}.000Z");
        let event = json!({ "userId": "ada", "originalTimestamp": at, "traits": traits });
        identify(&server, &event.to_string());
        assert_eq!(told(&stream.next()), expected, "{event}");
    }
    // One batch: what a later event of it says is told of each.
    let event = |user: &str, second: u32, plan: &str| {
        let at = format!("2026-01-31T12:00:{second:02}.000Z");
        json!({ "type": "identify", "userId": user, "originalTimestamp": at, "traits": { "plan": plan } })
    };
    let batch = json!({ "batch": [event("eve", 40, "new"), event("eve", 35, "old")] });
    let reply = post(&server.gateway, "/v1/batch", batch.to_string());
    assert_eq!(reply.status, 200);
    let mut all = [told(&stream.next()), told(&stream.next())];
    all.sort_by_key(ToString::to_string);
    let left = json!([[0, []], [1, ["plan"]], [0, []]]);
    let written = json!([[1, ["plan"]], [0, []], [0, []]]);
    assert_eq!(all, [left, written]);
}

#[test]
fn each_outcome_is_shown_with_its_reason_and_command() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    identify(&server, r#"{"userId":"before","traits":{"a":1}}"#);
    server.settle("profiles");
    let mut stream = Stream::open(&server, "");

    let track = r#"{"type":"track","userId":"u","event":"<img src=x>"}"#;
    assert_eq!(post(&server.gateway, "/v1/track", track).status, 200);
    let seen = stream.next();
    assert_eq!(
        (&seen["outcome"], &seen["reason"]),
        (&json!("ignored"), &json!("not_identify"))
    );
    assert_eq!(
        (&seen["type"], &seen["destination"]),
        (&json!("track"), &Value::Null)
    );
    assert_eq!(seen["event"]["event"], "<img src=x>");

    let mut both = |event: &str| {
        identify(&server, event);
        let (one, two) = (stream.next(), stream.next());
        // The delivery may be faster than the gateway's own word.
        if one["outcome"] == "accepted" {
            (one, two)
        } else {
            (two, one)
        }
    };
    let (accepted, written) = both(r#"{"userId":"u1","traits":{"plan":{"name":"pro"},"n":5.0}}"#);
    assert_eq!(
        (&accepted["outcome"], &accepted["source"]),
        (&json!("accepted"), &json!("web"))
    );
    assert_eq!(
        (&written["outcome"], &written["destination"]),
        (&json!("written"), &json!("profiles"))
    );
    assert_eq!(
        written["command"],
        json!(["HSET", "user:u1", "plan.name", "pro", "n", "5"])
    );
    assert_eq!(
        told(&written),
        json!([[2, ["plan.name", "n"]], [0, []], [0, []]])
    );
    assert_eq!(accepted["fields"], Value::Null);
    assert_eq!(
        (&written["user_id"], &written["type"]),
        (&json!("u1"), &json!("identify"))
    );
    let (_, ignored) = both(r#"{"userId":"u2","traits":{}}"#);
    assert_eq!(
        (&ignored["outcome"], &ignored["reason"]),
        (&json!("ignored"), &json!("there is no trait to write"))
    );
    redis.command::<()>(&["SET", "user:u3", "no hash"]);
    let (_, dead) = both(r#"{"userId":"u3","traits":{"a":1}}"#);
    assert_eq!(
        (&dead["outcome"], &dead["fields"]),
        (&json!("dead_lettered"), &Value::Null)
    );
    assert!(dead["reason"].as_str().unwrap().contains("WRONGTYPE"));
    let large = format!(
        r#"{{"userId":"u4","traits":{{"a":"{}"}}}}"#,
        "x".repeat(40_000)
    );
    let (_, large) = both(&large);
    assert!(large["event"]["$truncated"].as_u64().unwrap() > 40_000);
    assert!(large["command"][3].as_str().unwrap().len() < 3_000);
}

#[test]
fn only_what_was_asked_for_is_shown() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let mut stream = Stream::open(
        &server,
        "?user=b&outcome=written&destination=profiles&source=web&type=identify",
    );
    for user in ["a", "b", "c", "b"] {
        identify(
            &server,
            &format!(r#"{{"userId":"{user}","traits":{{"n":1}}}}"#),
        );
    }
    for _ in 0..2 {
        let seen = stream.next();
        assert_eq!(
            (&seen["user_id"], &seen["outcome"]),
            (&json!("b"), &json!("written"))
        );
    }
    let unknown = server.ask("GET", "/api/v1/events?outcome=lost", "");
    assert_eq!((unknown.status, &*code(&unknown)), (400, "bad_request"));
}

#[test]
fn readers_are_bounded_and_those_who_leave_make_room() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let streams: Vec<_> = (0..16).map(|_| Stream::open(&server, "")).collect();
    let refused = server.ask("GET", "/api/v1/events", "");
    assert_eq!((refused.status, &*code(&refused)), (503, "busy"));
    drop(streams);
    eventually("room for a reader", || {
        // A reader who left is noticed when something is to be shown to him.
        identify(&server, r#"{"userId":"a","traits":{"n":1}}"#);
        let reply = server.ask("POST", "/api/v1/sources/web/test-event", "{}");
        (reply.status == 200).then_some(())
    });
}

#[test]
fn a_stopping_server_ends_the_stream() {
    let redis = Redis::start();
    let mut server = Server::start(&redis);
    let mut stream = Stream::open(&server, "");
    assert!(server.terminate().success());
    assert_eq!(stream.try_next(), None);
}
