//! Destinations that cannot be waited for, or not yet.

use super::{accepted, change, event, page, reason, send, send_later, stored, waits};
use crate::redis_faults::{behind, refuse_in_new_words};
use crate::support::{Act, Client, Proxy, Redis, Server, post};

const PROFILES: &str = "/api/v1/destinations/profiles";

/// A server with one source that feeds two destinations, `up` and `down`.
fn with_two(up: &Redis, down: &Redis) -> Server {
    Server::with(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"up\", \"down\"]\n\
         [[destinations]]\nid = \"up\"\naddress = \"{}\"\n[[destinations]]\nid = \"down\"\naddress = \"{}\"\n",
        up.address(),
        down.address()
    ))
}

#[test]
fn a_redis_that_is_down_is_waited_for_no_longer_than_was_said() {
    let mut redis = Redis::start();
    let server = Server::start(&redis);
    redis.kill();
    let said = page(&send(&server, "a", 1, "200ms"));
    assert_eq!(said["reason"], "timeout", "{said}");
    assert_eq!(said["offsets"], serde_json::json!({ "from": 0, "to": 1 }));
    let (gateway, body) = (server.gateway.clone(), event("b", 2));
    let waiting = std::thread::spawn(move || {
        let mut client = Client::connect(&gateway);
        let reply = client.post_as("WK", "/v1/identify", "Prefer: wait=50\r\n", body.as_bytes());
        reply.unwrap()
    });
    accepted(&server, "profiles", 2);
    redis.restart();
    let reply = waiting.join().unwrap();
    assert_eq!(
        (stored(&redis, "a"), stored(&redis, "b")),
        (Some(1), Some(2))
    );
    assert_eq!(reply.status, 200, "{}", reply.text());
    let results = ["timeout", "applied"].map(|result| waits(&server, "write", result));
    assert_eq!(results, [1, 1]);
}

#[test]
fn all_destinations_count() {
    let (up, mut down) = (Redis::start(), Redis::start());
    let server = with_two(&up, &down);
    assert_eq!(send(&server, "a", 1, "30s").status, 200);
    assert_eq!((stored(&up, "a"), stored(&down, "a")), (Some(1), Some(1)));
    down.kill();
    assert_eq!(reason(&send(&server, "a", 2, "300ms")), "timeout");
    server.settle("up");
    assert_eq!(stored(&up, "a"), Some(2));
    let waiting = send_later(&server, "a", 3, "50s");
    accepted(&server, "down", 3);
    down.restart();
    assert_eq!(waiting.join().unwrap().status, 200);
    assert_eq!((stored(&up, "a"), stored(&down, "a")), (Some(3), Some(3)));
    // Paused, it ends the wait though the other one has the event, or will have it.
    change(&server, "POST", "/api/v1/destinations/down/pause", "");
    assert_eq!(reason(&send(&server, "a", 4, "60s")), "paused");
}

#[test]
fn what_is_paused_meanwhile_is_not_waited_for() {
    let mut redis = Redis::start();
    let server = Server::start(&redis);
    redis.kill();
    let waiting = [1, 2].map(|value| send_later(&server, "a", value, "60s"));
    accepted(&server, "profiles", 2);
    change(&server, "POST", &format!("{PROFILES}/pause"), "");
    for waiting in waiting {
        assert_eq!(reason(&waiting.join().unwrap()), "paused");
    }
    assert_eq!(reason(&send(&server, "a", 3, "60s")), "paused");
    redis.restart();
    change(&server, "POST", &format!("{PROFILES}/resume"), "");
    assert_eq!(send(&server, "b", 4, "50s").status, 200);
    // Everything before it, too: it was accepted earlier.
    assert_eq!(
        (stored(&redis, "a"), stored(&redis, "b")),
        (Some(3), Some(4))
    );
}

#[test]
fn a_change_of_settings_is_waited_through() {
    let mut redis = Redis::start();
    let server = Server::start(&redis);
    redis.kill();
    let waiting = send_later(&server, "a", 1, "55s");
    accepted(&server, "profiles", 1);
    change(&server, "PATCH", PROFILES, r#"{"prefix":"crm"}"#);
    redis.restart();
    assert_eq!(waiting.join().unwrap().status, 200);
    assert_eq!(redis.fields("crm:user:a")["n"], "1");
}

#[test]
fn what_is_disabled_or_removed_meanwhile_is_not_waited_for() {
    let mut redis = Redis::start();
    let server = Server::start(&redis);
    redis.kill();
    let waiting = send_later(&server, "a", 1, "60s");
    accepted(&server, "profiles", 1);
    change(&server, "PATCH", PROFILES, r#"{"enabled":false}"#);
    assert_eq!(reason(&waiting.join().unwrap()), "disabled");
    change(&server, "PATCH", PROFILES, r#"{"enabled":true}"#);
    let waiting = send_later(&server, "a", 2, "60s");
    accepted(&server, "profiles", 2);
    change(&server, "DELETE", &format!("{PROFILES}?forget=2"), "");
    assert_eq!(reason(&waiting.join().unwrap()), "removed");
    // Nothing gets events any more: there is nothing to wait for.
    assert_eq!(send(&server, "a", 3, "60s").status, 200);
}

#[test]
fn a_destination_that_is_away_from_the_file_goes_on_where_it_stood() {
    let mut redis = Redis::start();
    let mut server = Server::start(&redis);
    redis.kill();
    let waiting = send_later(&server, "a", 1, "60s");
    accepted(&server, "profiles", 1);
    // Taken out of the file: its events are kept, and it goes on where it stood.
    let text = std::fs::read_to_string(server.config()).unwrap();
    let start = text.find("[[destinations]]").unwrap();
    let without = text[..start].replace("[\"profiles\"]", "[]");
    server.terminate();
    let reply = waiting.join().unwrap();
    assert_eq!(reason(&reply), "stopping");
    let position = reply.header("kenwell-position").unwrap().to_owned();
    std::fs::write(server.config(), without).unwrap();
    server.restart();
    std::fs::write(server.config(), text).unwrap();
    server.terminate();
    server.restart();
    redis.restart();
    server.settle("profiles");
    assert_eq!(stored(&redis, "a"), Some(1));
    let reply = super::positions::read(&server, "a", &position, 30);
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[test]
fn an_event_that_waits_by_itself_keeps_only_its_own_request_waiting() {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis.address());
    refuse_in_new_words(&proxy);
    let server = Server::with(&behind(&proxy, ""));
    let waiting = send_later(&server, "bad", 1, "55s");
    accepted(&server, "profiles", 1);
    for value in 2..20 {
        let reply = send(&server, "good", value, "55s");
        assert_eq!((reply.status, stored(&redis, "good")), (200, Some(value)));
        // Whoever is with it in one request waits with it, and what comes later for its user, too.
        let batch = format!(
            r#"{{"batch":[{},{}]}}"#,
            event("good", value),
            event("bad", value)
        );
        let reply = post(&server.gateway, "/v1/batch?wait=applied&timeout=1ms", batch);
        assert_eq!(reason(&reply), "timeout");
    }
    assert!(!waiting.is_finished());
    assert_eq!(stored(&redis, "bad"), None);
    proxy.rule(|_| Act::Pass);
    let reply = send(&server, "bad", 20, "55s");
    assert_eq!((reply.status, stored(&redis, "bad")), (200, Some(20)));
    assert_eq!(waiting.join().unwrap().status, 200);
}
