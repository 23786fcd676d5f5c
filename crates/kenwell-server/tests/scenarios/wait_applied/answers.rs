//! What answers look like, and what is refused.

use super::{event, page, reason, send, stored, waits};
use crate::support::{Client, Redis, Reply, Server, get, metric, post, raw};

/// The names of an answer's headers.
fn names(reply: &Reply) -> Vec<String> {
    let names = reply.headers.iter();
    names.map(|(name, _)| name.to_lowercase()).collect()
}

#[test]
fn who_does_not_wait_gets_the_answer_as_ever() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let expected = ["content-type", "vary", "content-length", "date"];
    for path in [
        "/v1/identify",
        "/v1/identify?timeout=soon",
        "/v1/batch?waiting=applied",
    ] {
        let body = format!(r#"{{"batch":[{}],"userId":"a"}}"#, event("a", 1));
        let mut client = Client::connect(&server.gateway);
        let reply = client.post_as("WK", path, "Prefer: return=minimal\r\n", body.as_bytes());
        let reply = reply.unwrap();
        assert_eq!((reply.status, &*reply.text()), (200, "ok"), "{path}");
        assert_eq!(names(&reply), expected, "{path}");
    }
    assert_eq!(waits(&server, "write", ""), 0);
}

#[test]
fn an_event_that_is_older_than_what_is_there_gets_200_and_changes_nothing() {
    let redis = Redis::start();
    let server = Server::with(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{}\"\norder = \"event_time\"\n",
        redis.address()
    ));
    // As from a clock that is half an hour ahead.
    let ahead = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(30);
    let path = "/v1/identify?wait=applied&timeout=30s";
    let first = format!(r#"{{"userId":"a","traits":{{"n":1}},"originalTimestamp":"{ahead}"}}"#);
    assert_eq!(post(&server.gateway, path, first).status, 200);
    let reply = send(&server, "a", 2, "30s");
    assert_eq!((reply.status, stored(&redis, "a")), (200, Some(1)));
    let position = reply.header("kenwell-position").unwrap();
    assert!(position.ends_with(".1.2"), "{position}");
}

#[test]
fn who_waits_gets_200_and_a_position_when_it_is_in_redis() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let reply = send(&server, "a", 1, "30s");
    assert_eq!(stored(&redis, "a"), Some(1));
    assert_eq!((reply.status, &*reply.text()), (200, "ok"));
    let position = reply.header("kenwell-position").unwrap();
    assert!(
        position.starts_with("1.") && position.ends_with(".0.1"),
        "{position}"
    );
    assert_eq!(reply.header("preference-applied"), None);
    let mut client = Client::connect(&server.gateway);
    let headers = "Prefer: respond-async, wait=30\r\nOrigin: https://shop.example\r\n";
    let batch = format!(r#"{{"batch":[{},{}]}}"#, event("b", 2), event("c", 3));
    let reply = client.post_as("WK", "/v1/batch", headers, batch.as_bytes());
    let reply = reply.unwrap();
    assert_eq!(
        (stored(&redis, "b"), stored(&redis, "c")),
        (Some(2), Some(3))
    );
    assert_eq!((reply.status, &*reply.text()), (200, "ok"));
    assert!(reply.header("kenwell-position").unwrap().ends_with(".1.3"));
    assert_eq!(reply.header("preference-applied"), Some("wait"));
    let exposed = reply.header("access-control-expose-headers");
    assert_eq!(exposed, Some("Kenwell-Position, Preference-Applied"));
    // What is not kept is not waited for, and has no place in the journal.
    let track = br#"{"type":"track","userId":"a","event":"x"}"#;
    let reply = post(&server.gateway, "/v1/track?wait=applied", track);
    assert_eq!(
        (reply.status, reply.header("kenwell-position")),
        (200, None)
    );
    // An identify without a user has nothing for Redis: that is its outcome.
    let anonymous = br#"{"anonymousId":"x","traits":{"n":1}}"#;
    let reply = post(
        &server.gateway,
        "/v1/identify?wait=applied&timeout=30s",
        anonymous,
    );
    assert_eq!(reply.status, 200);
    let beacon = format!(r#"{{"batch":[{}]}}"#, event("d", 4));
    let reply = post(
        &server.gateway,
        "/beacon/v1/batch?writeKey=WK&wait=applied&timeout=30s",
        beacon,
    );
    assert_eq!((reply.status, stored(&redis, "d")), (200, Some(4)));
    assert_eq!(waits(&server, "write", "applied"), 5);
    let waited = metric(&server.metrics(), "kenwell_wait_seconds_count", "");
    assert_eq!(waited, 5);
}

#[test]
fn a_sender_that_parses_its_answer_gets_json_all_the_same() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let mut client = Client::connect(&server.gateway);
    let body = format!(r#"{{"batch":[{}]}}"#, event("a", 1));
    let agent = "User-Agent: analytics-ruby/2.5.0\r\n";
    let path = "/v1/batch?wait=applied&timeout=30s";
    let reply = client.post_as("WK", path, agent, body.as_bytes()).unwrap();
    assert_eq!((reply.status, &*reply.text()), (200, r#"{"success":true}"#));
}

#[test]
fn what_cannot_be_used_is_named_and_nothing_is_stored() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    for (query, words) in [
        ("wait=true", "wait must be \"applied\""),
        ("wait=", "wait must be \"applied\""),
        (
            "wait=applied&timeout=never",
            "timeout must be between 1ms and 60s",
        ),
        (
            "wait=applied&timeout=0s",
            "timeout must be between 1ms and 60s",
        ),
        (
            "wait=applied&timeout=61s",
            "timeout must be between 1ms and 60s",
        ),
    ] {
        for route in ["identify", "batch", "track", "import"] {
            let path = format!("/v1/{route}?{query}");
            let reply = post(&server.gateway, &path, event("a", 1));
            assert_eq!(reply.status, 400, "{path}");
            assert!(reply.text().starts_with(words), "{path}: {}", reply.text());
        }
    }
    // The pixel has no answer to wait for.
    let pixel = get(&server.gateway, "/pixel/v1/track?writeKey=WK&wait=true");
    assert_eq!(pixel.status, 200);
    assert_eq!(stored(&redis, "a"), None);
    let page = server.metrics();
    assert_eq!(metric(&page, "kenwell_events_accepted_total", ""), 0);
}

#[test]
fn a_dead_letter_is_an_outcome_and_no_200() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    redis.command::<()>(&["SET", "user:wrong", "a string"]);
    let batch = [event("right", 1), event("wrong", 2), event("wrong", 3)].join(",");
    let batch = format!(r#"{{"batch":[{batch}]}}"#);
    let reply = post(&server.gateway, "/v1/batch?wait=applied&timeout=30s", batch);
    let said = page(&reply);
    assert_eq!(stored(&redis, "right"), Some(1));
    assert_eq!(
        (&said["reason"], &said["refused"]),
        (&"refused".into(), &2.into()),
        "{said}"
    );
    assert_eq!(said["offsets"], serde_json::json!({ "from": 0, "to": 3 }));
    // A newer one of somebody else is not held to it.
    assert_eq!(send(&server, "right", 4, "30s").status, 200);
    assert_eq!(reason(&send(&server, "wrong", 5, "30s")), "refused");
}

#[test]
fn a_batch_of_several_sources_waits_for_all_of_them() {
    let (one, mut two) = (Redis::start(), Redis::start());
    let server = Server::with(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"one\"]\n\
         [[sources]]\nid = \"app\"\nwrite_key = \"AK\"\ndestinations = [\"two\"]\n\
         [[destinations]]\nid = \"one\"\naddress = \"{}\"\n[[destinations]]\nid = \"two\"\naddress = \"{}\"\n",
        one.address(),
        two.address()
    ));
    let keyed = |key: &str, user: &str| {
        format!(r#"{{"type":"identify","writeKey":"{key}","userId":"{user}","traits":{{"n":1}}}}"#)
    };
    let send = |limit: &str| {
        let batch = format!(r#"{{"batch":[{},{}]}}"#, keyed("WK", "a"), keyed("AK", "b"));
        let request = format!(
            "POST /v1/batch?wait=applied&timeout={limit} HTTP/1.1\r\nHost: k\r\nContent-Length: {}\r\n\r\n{batch}",
            batch.len()
        );
        raw(&server.gateway, request.as_bytes())
    };
    let reply = send("30s");
    assert_eq!((stored(&one, "a"), stored(&two, "b")), (Some(1), Some(1)));
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.header("kenwell-position").unwrap().ends_with(".0.2"));
    two.kill();
    assert_eq!(reason(&send("300ms")), "timeout");
}
