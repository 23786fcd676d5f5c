//! Dead letters that are outstanding are seen everywhere, whoever makes or takes them, and hide nothing.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::{Value, json};

use crate::support::{ADMIN_KEY, Redis, Server, eventually, metric, post};

fn send(server: &Server, user: &str, traits: &Value) {
    let event = json!({ "userId": user, "traits": traits }).to_string();
    assert_eq!(post(&server.gateway, "/v1/identify", event).status, 200);
}

/// Sends an event for each of these users, which Redis refuses.
fn refused(server: &Server, redis: &Redis, users: &[&str]) {
    for user in users {
        redis.command::<()>(&["SET", &format!("user:{user}"), "no hash"]);
        send(server, user, &json!({ "n": 1 }));
    }
    server.settle("profiles");
}

fn json_of(server: &Server, path: &str) -> Value {
    serde_json::from_str(&server.ask("GET", path, "").text()).unwrap()
}

fn outstanding(server: &Server) -> [Value; 3] {
    let ready: Value = serde_json::from_str(&server.ready().text()).unwrap();
    let field = "dead_letters_outstanding";
    [
        ready["destinations"][0][field].clone(),
        json_of(server, "/api/v1/overview")["destinations"][0][field].clone(),
        json!(metric(
            &server.metrics(),
            "kenwell_destination_dead_letters_outstanding",
            "profiles"
        )),
    ]
}

#[test]
fn letters_are_a_state_that_follows_what_other_processes_do() {
    let redis = Redis::start();
    let mut server = Server::start(&redis);
    eventually("the letters to be counted", || {
        (outstanding(&server) == [json!(0), json!(0), json!(0)]).then_some(())
    });
    refused(&server, &redis, &["a", "b", "c"]);
    assert_eq!(outstanding(&server), [json!(3), json!(3), json!(3)]);
    let ready: Value = serde_json::from_str(&server.ready().text()).unwrap();
    assert_eq!(ready["status"], "ready");
    redis.command::<()>(&["DEL", "user:a"]);
    server.cli(&["dead-letters", "retry"]);
    eventually("another process' retry to be seen", || {
        (outstanding(&server) == [json!(2), json!(2), json!(2)]).then_some(())
    });
    server.kill();
    server.restart();
    eventually("the letters to be counted again", || {
        (outstanding(&server) == [json!(2), json!(2), json!(2)]).then_some(())
    });
    let page = json_of(&server, "/api/v1/dead-letters?limit=1");
    assert_eq!(
        (&page["total"], page["letters"].as_array().unwrap().len()),
        (&json!(2), 1)
    );
}

#[test]
fn counters_begin_at_zero_so_that_the_first_of_each_is_an_increase() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let page = server.metrics();
    for line in [
        "kenwell_destination_dead_lettered_total{destination=\"profiles\",reason=\"WRONGTYPE\"} 0",
        "kenwell_destination_dead_lettered_total{destination=\"profiles\",reason=\"other\"} 0",
        "kenwell_destination_ignored_total{destination=\"profiles\",reason=\"no_traits\"} 0",
        "kenwell_destination_written_total{destination=\"profiles\"} 0",
        "kenwell_destination_lost_total{destination=\"profiles\"} 0",
        "kenwell_destination_dead_letters_written_total{destination=\"profiles\"} 0",
        "kenwell_events_accepted_total{source=\"web\"} 0",
        "kenwell_events_ignored_total{source=\"web\",reason=\"not_identify\"} 0",
        "kenwell_requests_total{route=\"identify\",status=\"200\"} 0",
        "kenwell_requests_total{route=\"batch\",status=\"401\"} 0",
    ] {
        assert!(page.lines().any(|it| it == line), "{line}\n{page}");
    }
    refused(&server, &redis, &["a"]);
    let names = |page: &str| -> Vec<String> {
        let lines = page.lines().filter(|line| !line.starts_with('#'));
        let name = |line: &str| line.rsplit_once(' ').unwrap().0.to_owned();
        let mut names: Vec<_> = lines.map(name).collect();
        // The order of labels means nothing.
        names.sort();
        names
    };
    assert_eq!(
        names(&server.metrics()),
        names(&page),
        "nothing appears with its first event"
    );
}

#[test]
fn what_a_retry_did_is_counted_and_told_though_the_client_hangs_up() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let users: Vec<String> = (0..100).map(|user| format!("u{user}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    refused(&server, &redis, &users);
    redis.command::<()>(&["FLUSHALL"]);
    let ask = |verb: &str| {
        let body = r#"{"destination":"profiles","all":true}"#;
        let request = format!(
            "POST /api/v1/dead-letters/{verb} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {ADMIN_KEY}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            server.private,
            body.len()
        );
        let mut stream = TcpStream::connect(&server.private).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
    };
    let counted = |name: &str| metric(&server.metrics(), name, "profiles");
    // A request that nobody has read when its sender is gone is none, so it is made again now and then.
    let hang_up_until = |verb: &str, name: &str, count: u64| {
        let mut looks = 0;
        eventually("the letters to be counted", || {
            if looks % 200 == 0 {
                ask(verb);
            }
            looks += 1;
            (counted(name) == count).then_some(())
        });
    };
    hang_up_until(
        "retry",
        "kenwell_destination_dead_letters_written_total",
        100,
    );
    eventually("the retry to be told", || {
        server.log().contains("written=100").then_some(())
    });
    refused(&server, &redis, &["a", "b"]);
    hang_up_until(
        "discard",
        "kenwell_destination_dead_letters_discarded_total",
        2,
    );
    eventually("the discard to be told", || {
        server.log().contains("discarded=2").then_some(())
    });
}

#[test]
fn refusals_are_told_once_a_minute_for_each_reason() {
    let redis = Redis::start();
    let mut server = Server::start(&redis);
    for user in ["a", "b", "c", "d"] {
        refused(&server, &redis, &[user]);
    }
    let told = |server: &Server| {
        let log = server.log();
        let lines = log
            .lines()
            .filter(|line| line.contains("refused events for good"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let lines = told(&server);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("WRONGTYPE") && lines[0].contains("letters=1"),
        "{lines:?}"
    );
    server.terminate();
    let lines = told(&server);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[1].contains("letters=3"),
        "none is left out: {lines:?}"
    );
}

#[test]
fn a_letter_that_costs_the_connection_does_not_keep_others_from_being_retried() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let large = "x".repeat(3 << 19);
    redis.command::<()>(&["SET", "user:large", "no hash"]);
    send(&server, "large", &json!({ "large": large }));
    refused(&server, &redis, &["a", "b"]);
    redis.command::<()>(&["DEL", "user:large", "user:a", "user:b"]);
    redis.command::<()>(&["CONFIG", "SET", "proto-max-bulk-len", "1048576"]);
    let output = server.cli(&["dead-letters", "retry"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("2 written") && said.contains("1 kept"),
        "{said}"
    );
    assert_eq!(redis.fields("user:a")["n"], "1");
    redis.command::<()>(&["CONFIG", "SET", "proto-max-bulk-len", "10485760"]);
    let output = server.cli(&["dead-letters", "retry"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(redis.fields("user:large")["large"].len(), large.len());
}

#[test]
fn an_unreadable_line_hides_no_letters() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    refused(&server, &redis, &["a"]);
    let path = server.data_dir().join("dead-letters/profiles.jsonl");
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap();
    writeln!(file, "damaged").unwrap();
    refused(&server, &redis, &["b"]);
    let output = server.cli(&["dead-letters", "list"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("user:a") && said.contains("profiles: 2 dead letters"),
        "{said}"
    );
    let why = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        why.contains("1 lines cannot be read") && why.contains(":2 is not"),
        "{why}"
    );
    assert_eq!(json_of(&server, "/api/v1/dead-letters")["total"], 2);
    let mut text = String::new();
    std::fs::File::open(&path)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    redis.command::<()>(&["DEL", "user:a", "user:b"]);
    server.cli(&["dead-letters", "retry"]);
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "damaged\n",
        "{text}"
    );
}
