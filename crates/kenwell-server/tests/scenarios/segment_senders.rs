//! Segment's senders: the write key where they put it, the paths that they use, the answers that they parse.

use serde_json::Value;

use crate::{
    gateway::{assert_error, assert_ok, server},
    sdk_captures::{Capture, captures},
    support::{Client, Redis, Reply, Server, get, gzip, raw},
};

const NO_KEY: &str = "failed to read writekey from header";

fn event(user: &str) -> String {
    event_with(user, "")
}

/// An identify with more members, each behind a comma.
fn event_with(user: &str, more: &str) -> String {
    format!(r#"{{"type":"identify","userId":"{user}","traits":{{"plan":"pro"}}{more}}}"#)
}

/// POSTs with these header lines, each ending in CRLF, and no other but those that HTTP needs.
fn send(server: &Server, path: &str, lines: &str, body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: k\r\n{lines}Content-Length: {length}\r\n\r\n");
    raw(&server.gateway, &[head.as_bytes(), body].concat())
}

#[track_caller]
fn assert_json(reply: &Reply, status: u16, expected: &Value) {
    let page: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!((reply.status, &page), (status, expected));
    assert_eq!(
        reply.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(reply.header("vary"), Some("Origin"));
}

#[test]
fn recorded_requests_of_senders_that_name_themselves_in_the_body() {
    let success = serde_json::json!({"success": true});
    for (file, key, json) in [
        ("segment-analytics-java-3.5.4", "WK_JAVA", true),
        ("segment-analytics-kotlin-1.27.0", "WK_KOTLIN", false),
        ("segment-analytics-python-2.3.5", "WK_SPY", false),
        ("rudder-sdk-kotlin-1.7.0", "WK_RKOTLIN", false),
    ] {
        let redis = Redis::start();
        let server = Server::with(&format!(
            "[[sources]]\nid = \"it\"\nwrite_key = \"{key}\"\ndestinations = [\"profiles\"]\n\
             [[destinations]]\nid = \"profiles\"\ntype = \"redis\"\naddress = \"{}\"\n",
            redis.address()
        ));
        let captures = captures(file);
        for capture in &captures {
            let reply = raw(&server.gateway, &capture.request());
            match capture.text("method") {
                "GET" => assert_eq!(reply.status, 200, "{file}"),
                _ if json => assert_json(&reply, 200, &success),
                _ => assert_ok(&reply),
            }
        }
        server.settle("profiles");
        let posts = captures.iter().filter(|it| it.text("method") == "POST");
        let mut users = 0;
        for event in posts.flat_map(Capture::events) {
            let user = event["userId"].as_str().filter(|user| !user.is_empty());
            let plan = event["traits"]["plan"].as_str();
            if let (Some(user), Some(_), "identify") = (user, plan, event["type"].as_str().unwrap())
            {
                let fields = redis.fields(&format!("user:{user}"));
                assert!(fields.contains_key("plan"), "{file} {user}");
                users += 1;
            }
        }
        assert!(users > 0 || file.starts_with("rudder"), "{file}");
        assert!(!redis.keys().is_empty(), "{file}");
    }
}

#[test]
fn a_write_key_is_found_wherever_it_stands_in_the_body() {
    let redis = Redis::start();
    let server = server(&redis);
    let mut sent = 0;
    let mut user = || {
        sent += 1;
        format!("u{sent}")
    };
    for path in [
        "/v1/batch",
        "/v1/b",
        "/v1/b/",
        "//v1/batch",
        "/v1/import",
        "/v1/import/",
    ] {
        for (before, after) in [
            (r#"{"batch":["#, r#"],"sentAt":"x","writeKey":"WK"}"#),
            (r#"{"writeKey":"WK","batch":["#, "]}"),
        ] {
            let body = format!("{before}{}{after}", event(&user()));
            assert_eq!(send(&server, path, "", &body).status, 200, "{path}");
            let body = gzip(format!("{before}{}{after}", event(&user())).as_bytes());
            let zipped = "Content-Encoding: gzip\r\n";
            assert_eq!(send(&server, path, zipped, &body).status, 200, "{path}");
        }
    }
    let key = r#","writeKey":"WK""#;
    for path in ["/v1/identify", "/v1/identify/", "/v1/i"] {
        assert_ok(&send(&server, path, "", event_with(&user(), key)));
    }
    let batch = format!(r#"{{"batch":[{}]}}"#, event_with(&user(), key));
    assert_ok(&send(&server, "/v1/b", "", batch));
    // Segment's own token says nothing here, nor does a header without a key; the key in the body does.
    for header in ["Bearer segment-token", "Basic Og==", "Basic %%%", ""] {
        let batch = format!(r#"{{"batch":[{}],"writeKey":"WK"}}"#, event(&user()));
        let header = format!("Authorization: {header}\r\n");
        assert_ok(&send(&server, "/v1/batch", &header, batch));
    }
    server.settle("profiles");
    for user in 1..=sent {
        assert_eq!(
            redis.fields(&format!("user:u{user}"))["plan"],
            "pro",
            "{user}"
        );
    }
}

#[test]
fn short_routes_mean_what_the_long_ones_do() {
    let redis = Redis::start();
    let server = server(&redis);
    for route in ["t", "p", "s", "g", "a"] {
        let body = event_with("nobody", r#","writeKey":"WK""#);
        assert_ok(&send(&server, &format!("/v1/{route}"), "", body));
    }
    assert_ok(&send(
        &server,
        "/v1/i",
        "",
        event_with("somebody", r#","writeKey":"WK""#),
    ));
    // What SDKs report about themselves needs no key, and goes nowhere.
    let reported = send(&server, "/v1/m", "", r#"{"series":[{"type":"Counter"}]}"#);
    assert_json(&reported, 200, &serde_json::json!({"success": true}));
    server.settle("profiles");
    assert_eq!(redis.keys(), ["user:somebody"]);
    let page = server.metrics();
    let ignored = "kenwell_events_ignored_total{source=\"web\",reason=\"not_identify\"} 5";
    assert!(page.contains(ignored), "{page}");
    let reports = "kenwell_requests_total{route=\"reports\",status=\"200\"} 1";
    assert!(page.contains(reports), "{page}");
}

#[test]
fn who_names_nobody_in_the_body_is_told_so_in_rudderstacks_words() {
    let redis = Redis::start();
    let server = server(&redis);
    let batch = |more: &str| format!(r#"{{"batch":[{}]{more}}}"#, event("u"));
    for body in [
        String::new(),
        "{".into(),
        "{}".into(),
        "[]".into(),
        batch(""),
        batch(r#","writeKey":"""#),
        batch(r#","writeKey":null"#),
        batch(r#","writeKey":["WK"]"#),
        batch(r#","context":{"writeKey":"WK"}"#),
    ] {
        for path in ["/v1/batch", "/v1/import/", "/v1/identify"] {
            assert_error(&send(&server, path, "", &body), 401, NO_KEY);
        }
    }
    let unknown = batch(r#","writeKey":"NO""#);
    assert_error(
        &send(&server, "/v1/b", "", unknown),
        401,
        "invalid write key",
    );
    let disabled = batch(r#","writeKey":"OFF""#);
    assert_error(
        &send(&server, "/v1/b", "", disabled),
        404,
        "source is disabled",
    );
    for (more, text) in [
        (r#","batch":[]"#, "empty batch payload"),
        (
            r#","batch":[{}]"#,
            "request neither has anonymousId nor userId",
        ),
        (r#","batch":[7]"#, "event is not a valid rudder event"),
        (r#","batch":["#, "invalid json"),
    ] {
        let body = format!(r#"{{"writeKey":"WK"{more}}}"#);
        assert_error(&send(&server, "/v1/batch", "", body), 400, text);
    }
    server.settle("profiles");
    assert!(redis.keys().is_empty());
}

#[test]
fn whoever_the_header_names_stays_who_they_are() {
    let redis = Redis::start();
    let server = two_sources(&redis, "");
    let mut client = Client::connect(&server.gateway);
    let theirs = event_with("u", r#","writeKey":"OTHER""#);
    let batch = format!(r#"{{"batch":[{theirs}],"writeKey":"OTHER"}}"#);
    assert_ok(&client.post("/v1/batch", batch.as_bytes()).unwrap());
    let reply = client.post_as("NO", "/v1/batch", "", batch.as_bytes());
    assert_error(&reply.unwrap(), 401, "invalid write key");
    server.settle("profiles");
    let page = server.metrics();
    assert!(
        page.contains("kenwell_events_accepted_total{source=\"web\"} 1"),
        "{page}"
    );
    assert!(
        page.contains("kenwell_events_accepted_total{source=\"other\"} 0"),
        "{page}"
    );
}

fn two_sources(redis: &Redis, gateway: &str) -> Server {
    Server::with_gateway(
        gateway,
        &format!(
            "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
             [[sources]]\nid = \"other\"\nwrite_key = \"OTHER\"\ndestinations = [\"profiles\"]\n\
             [[destinations]]\nid = \"profiles\"\ntype = \"redis\"\naddress = \"{}\"\n",
            redis.address()
        ),
    )
}

#[test]
fn the_events_of_a_batch_may_have_keys_of_their_own() {
    let redis = Redis::start();
    let server = two_sources(&redis, "");
    let of = |user: &str, key: &str| event_with(user, &format!(r#","writeKey":"{key}""#));
    let all = [
        of("a", "WK"),
        event("b"),
        of("c", "OTHER"),
        of("d", "OTHER"),
    ]
    .join(",");
    let batch = format!(r#"{{"batch":[{all}],"writeKey":"WK"}}"#);
    assert_ok(&send(&server, "/v1/batch", "", batch));
    // One that nobody knows keeps the whole batch out, as one bad key in a header does.
    let unknown = format!(
        r#"{{"batch":[{},{}],"writeKey":"WK"}}"#,
        event("e"),
        of("f", "NO")
    );
    assert_error(
        &send(&server, "/v1/batch", "", unknown),
        401,
        "invalid write key",
    );
    let missing = format!(r#"{{"batch":[{},{}]}}"#, event("g"), of("h", "WK"));
    assert_error(&send(&server, "/v1/batch", "", missing), 401, NO_KEY);
    let many: Vec<_> = (0..17).map(|key| of("i", &key.to_string())).collect();
    let many = format!(r#"{{"batch":[{}]}}"#, many.join(","));
    assert_error(
        &send(&server, "/v1/batch", "", many),
        401,
        "invalid write key",
    );
    server.settle("profiles");
    assert_eq!(redis.keys().len(), 4);
    let page = server.metrics();
    for source in ["web", "other"] {
        let accepted = format!("kenwell_events_accepted_total{{source=\"{source}\"}} 2");
        assert!(page.contains(&accepted), "{page}");
    }
}

#[test]
fn a_rate_limit_holds_for_keys_in_the_body() {
    let redis = Redis::start();
    let server = two_sources(&redis, "rate_limit = 5");
    let batch = format!(r#"{{"batch":[{}],"writeKey":"WK"}}"#, event("u"));
    let replies = (0..50).map(|_| send(&server, "/v1/b", "", &batch));
    let refused = replies.into_iter().find(|reply| reply.status != 200);
    let refused = refused.expect("50 events at 5 a second");
    assert_error(&refused, 429, "max requests limit reached");
    assert!(refused.header("retry-after").is_some());
    let others = format!(r#"{{"batch":[{}],"writeKey":"OTHER"}}"#, event("u"));
    assert_ok(&send(&server, "/v1/b", "", others));
}

#[test]
fn slashes_too_many_say_nothing() {
    let redis = Redis::start();
    let server = server(&redis);
    let mut client = Client::connect(&server.gateway);
    for path in ["//v1/batch", "/v1/batch/", "///v1//batch//", "//v1/import/"] {
        let batch = format!(r#"{{"batch":[{}]}}"#, event("u"));
        assert_ok(&client.post(path, batch.as_bytes()).unwrap());
    }
    let beacon = send(
        &server,
        "//beacon/v1/batch/?writeKey=WK",
        "",
        r#"{"batch":[{"type":"track","userId":"u"}]}"#,
    );
    assert_ok(&beacon);
    for path in [
        "//health",
        "/version/",
        "//sourceConfig?writeKey=WK",
        "//sourceConfig/?writeKey=WK",
        "//pixel/v1/track",
        "//robots.txt",
        "//",
    ] {
        assert_eq!(get(&server.gateway, path).status, 200, "{path}");
    }
}

#[test]
fn senders_that_parse_the_answer_get_json() {
    let redis = Redis::start();
    let server = server(&redis);
    let success = serde_json::json!({"success": true});
    let batch = |more: &str| format!(r#"{{"batch":[{}]{more}}}"#, event("u"));
    let (in_body, without) = (batch(r#","writeKey":"WK""#), batch(""));
    let key = "Authorization: Basic V0s6\r\n";
    let java = "User-Agent: analytics-java/3.5.4\r\n";
    let ruby = "User-Agent: analytics-ruby/2.5.0\r\n";
    for (path, lines, body) in [
        ("/v1/import/", java.to_owned(), &in_body),
        ("/v1/import", java.to_owned(), &in_body),
        // Under a name of the program's own, and on a path of its own.
        ("/v1/import/", "User-Agent: shop\r\n".to_owned(), &in_body),
        ("/v1/batch", java.to_owned(), &in_body),
        // Before and after the versions that name the key in the body alone.
        ("/v1/import/", format!("{java}{key}"), &without),
        ("/v1/import/", format!("{java}{key}"), &in_body),
        ("/v1/import", format!("{ruby}{key}"), &without),
        ("/v1/batch", format!("{ruby}{key}"), &without),
    ] {
        assert_json(&send(&server, path, &lines, body), 200, &success);
    }
    // RudderStack's Java SDK has the same name, and is to get what RudderStack says.
    assert_ok(&send(
        &server,
        "/v1/batch",
        &format!("{java}{key}"),
        &without,
    ));
    assert_ok(&send(&server, "/v1/import", key, &without));
    // Segment's Ruby SDK parses refusals too: what it cannot parse it sends ten times.
    let refused = send(
        &server,
        "/v1/import",
        &format!("{ruby}Authorization: Basic Tk86\r\n"),
        &without,
    );
    let page = serde_json::json!({"success": false, "error": "invalid write key"});
    assert_json(&refused, 401, &page);
}

#[test]
fn strangers_do_not_take_the_room_of_those_who_are_known() {
    let redis = Redis::start();
    // Longer than this test has patience: whoever waits for a stranger waits for ever.
    let server = two_sources(&redis, "body_timeout = \"10m\"");
    // Each says more than fits a small body, and then nothing.
    let begun = [
        b"POST /v1/b HTTP/1.1\r\nHost: k\r\nContent-Length: 1000000\r\n\r\n".to_vec(),
        vec![b' '; 100_000],
    ]
    .concat();
    let mut strangers: Vec<_> = (0..64).map(|_| Client::connect(&server.gateway)).collect();
    for stranger in &mut strangers {
        stranger.send(&begun).unwrap();
    }
    let large = "x".repeat(200_000);
    let known = event_with("known", &format!(r#","x":"{large}""#));
    assert_ok(&crate::support::post(
        &server.gateway,
        "/v1/identify",
        known,
    ));
    server.settle("profiles");
    assert_eq!(redis.keys(), ["user:known"]);
}
