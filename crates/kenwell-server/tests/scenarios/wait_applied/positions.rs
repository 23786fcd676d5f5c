//! `Kenwell-Position`: a read that comes no earlier than a write.

use super::{accepted, change, page, send, stored, waits};
use crate::support::{ADMIN_KEY, Redis, Reply, Server, raw};

/// Reads a profile, not before this position, for so many seconds.
pub(super) fn read(server: &Server, user: &str, position: &str, seconds: u64) -> Reply {
    let headers = format!("Kenwell-Position: {position}\r\nPrefer: wait={seconds}\r\n");
    ask(&server.private, user, &headers)
}

fn ask(private: &str, user: &str, headers: &str) -> Reply {
    let request = format!(
        "GET /api/v1/profiles/profiles/{user} HTTP/1.1\r\nHost: {private}\r\nAuthorization: Bearer {ADMIN_KEY}\r\n\
         {headers}\r\n"
    );
    raw(private, request.as_bytes())
}

fn position(reply: &Reply) -> String {
    reply.header("kenwell-position").unwrap().to_owned()
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) {
    let text = reply.text();
    assert_eq!(reply.status, status, "{text}");
    assert!(text.contains(&format!("\"code\":\"{code}\"")), "{text}");
}

#[test]
fn a_read_waits_for_a_write_that_did_not() {
    let mut redis = Redis::start();
    let server = Server::start(&redis);
    redis.kill();
    let reply = send(&server, "a", 1, "1ms");
    assert_eq!(page(&reply)["reason"], "timeout");
    let at = position(&reply);
    let early = read(&server, "a", &at, 1);
    refused(&early, 409, "not_applied");
    assert!(
        early.text().contains("Redis of \\\"profiles\\\""),
        "{}",
        early.text()
    );
    assert_eq!(early.header("retry-after"), Some("1"));
    let (private, headers) = (
        server.private.clone(),
        format!("Kenwell-Position: {at}\r\nPrefer: wait=55\r\n"),
    );
    let reading = std::thread::spawn(move || ask(&private, "a", &headers));
    redis.restart();
    let reply = reading.join().unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.text().contains(r#"["n","1"]"#), "{}", reply.text());
    assert_eq!(reply.header("preference-applied"), Some("wait"));
    let results =
        ["not_applied", "timeout", "applied"].map(|result| waits(&server, "read", result));
    assert_eq!(results, [0, 1, 1]);
}

#[test]
fn reads_are_never_older_than_the_position_that_they_show() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    for value in 1..=200 {
        let at = position(&send(&server, "a", value, "1ms"));
        let reply = read(&server, "a", &at, 55);
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(
            reply.text().contains(&format!(r#"["n","{value}"]"#)),
            "{}",
            reply.text()
        );
    }
}

#[test]
fn all_positions_that_a_read_shows_are_waited_for() {
    let mut redis = Redis::start();
    let server = Server::start(&redis);
    let applied = position(&send(&server, "a", 1, "50s"));
    redis.kill();
    let waiting = position(&send(&server, "a", 2, "1ms"));
    let several =
        format!("Prefer: wait=1\r\nKenwell-Position: {applied}\r\nKenwell-Position: {waiting}\r\n");
    let joined = format!("Prefer: wait=1\r\nKenwell-Position: {applied}, {waiting}\r\n");
    for headers in [&several, &joined] {
        refused(&ask(&server.private, "a", headers), 409, "not_applied");
    }
    redis.restart();
    let patient = several.replace("wait=1", "wait=55");
    let reply = ask(&server.private, "a", &patient);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.text().contains(r#"["n","2"]"#), "{}", reply.text());
    let wrong = format!("Kenwell-Position: {applied}\r\nKenwell-Position: 1\r\n");
    refused(&ask(&server.private, "a", &wrong), 400, "bad_request");
}

#[test]
fn a_position_outlives_a_kill_and_a_replay() {
    let mut redis = Redis::start();
    let mut server = Server::start(&redis);
    let applied = position(&send(&server, "a", 1, "50s"));
    redis.kill();
    let waiting = position(&send(&server, "a", 2, "1ms"));
    server.kill();
    server.restart();
    refused(&read(&server, "a", &waiting, 1), 409, "not_applied");
    redis.restart();
    for at in [&waiting, &applied] {
        let reply = read(&server, "a", at, 55);
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(reply.text().contains(r#"["n","2"]"#), "{}", reply.text());
    }
    // What comes again is waited for again.
    redis.kill();
    let path = "/api/v1/destinations/profiles/replay";
    change(&server, "POST", path, r#"{"from":"2020-01-01T00:00:00Z"}"#);
    refused(&read(&server, "a", &applied, 1), 409, "not_applied");
    redis.restart();
    assert_eq!(read(&server, "a", &applied, 55).status, 200);
}

#[test]
fn a_paused_destination_is_told_at_once_and_what_it_has_is_read() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let before = position(&send(&server, "a", 1, "50s"));
    change(&server, "POST", "/api/v1/destinations/profiles/pause", "");
    let after = send(&server, "a", 2, "60s");
    assert_eq!(page(&after)["reason"], "paused");
    let reply = read(&server, "a", &position(&after), 60);
    refused(&reply, 409, "not_applied");
    assert!(reply.text().contains("paused"), "{}", reply.text());
    assert_eq!(read(&server, "a", &before, 60).status, 200);
    assert_eq!(stored(&redis, "a"), Some(1));
}

#[test]
fn a_dead_letter_has_its_outcome_and_is_not_waited_for() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    redis.command::<()>(&["SET", "user:wrong", "a string"]);
    redis.command::<()>(&["HSET", "user:a", "n", "0"]);
    let reply = send(&server, "wrong", 1, "50s");
    assert_eq!(page(&reply)["reason"], "refused");
    assert_eq!(read(&server, "a", &position(&reply), 55).status, 200);
}

#[test]
fn a_position_of_elsewhere_is_refused_in_words() {
    let redis = Redis::start();
    let mut server = Server::start(&redis);
    let other = Server::start(&redis);
    let at = position(&send(&server, "a", 1, "50s"));
    send(&other, "b", 1, "50s");
    refused(&read(&other, "a", &at, 60), 409, "other_journal");
    let ahead = at.replace(".0.1", ".0.999");
    refused(&read(&server, "a", &ahead, 60), 409, "other_journal");
    for wrong in ["", "1", "1.0.1", "2.0000000000000000.0.1", "Ünfug"] {
        let reply = read(&server, "a", wrong, 60);
        refused(&reply, 400, "bad_request");
        assert!(
            reply.text().contains("Kenwell-Position"),
            "{}",
            reply.text()
        );
    }
    assert_eq!(read(&server, "a", &at, 60).status, 200);
    // A journal that begins anew is another one, though its offsets are the same.
    server.terminate();
    std::fs::remove_dir_all(server.data_dir().join("journal")).unwrap();
    server.restart();
    send(&server, "a", 2, "50s");
    accepted(&server, "profiles", 1);
    refused(&read(&server, "a", &at, 60), 409, "other_journal");
}
