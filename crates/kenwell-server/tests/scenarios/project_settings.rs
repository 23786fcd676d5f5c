//! What Segment's mobile, JVM and browser SDKs load before they send, and where it leads them.

use serde_json::{Value, json};

use crate::{
    gateway::server,
    support::{Redis, Reply, Server, get, raw},
};

fn page(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    serde_json::from_slice(&reply.body).unwrap()
}

fn asked(server: &Server, path: &str, lines: &str) -> Value {
    let request = format!("GET {path} HTTP/1.1\r\n{lines}\r\n");
    page(&raw(&server.gateway, request.as_bytes()))
}

#[test]
fn settings_lead_to_this_gateway() {
    let redis = Redis::start();
    let server = server(&redis);
    for path in [
        "/v1/projects/WK/settings",
        "/v1/projects/WK/settings/",
        "//v1/projects/WK/settings",
        "/projects/WK/settings",
    ] {
        let host = format!("Host: {}\r\n", server.gateway);
        let settings = asked(&server, path, &host);
        let segment = &settings["integrations"]["Segment.io"];
        assert_eq!(segment["apiKey"], "WK");
        assert_eq!(segment["protocol"], "http");
        // Kotlin and Swift put `https://` before it and `/b` behind it.
        let api_host = segment["apiHost"].as_str().unwrap();
        let (address, prefix) = api_host.split_once('/').unwrap();
        let batch = r#"{"batch":[{"type":"track","userId":"u"}],"writeKey":"WK"}"#;
        let length = batch.len();
        let post = format!(
            "POST /{prefix}/b HTTP/1.1\r\nHost: k\r\nContent-Length: {length}\r\n\r\n{batch}"
        );
        assert_eq!(raw(address, post.as_bytes()).status, 200);
    }
    let proxied = "Host: kenwell:8080\r\nX-Forwarded-Host: events.example.com\r\nX-Forwarded-Proto: https\r\n";
    let settings = asked(&server, "/v1/projects/WK/settings", proxied);
    let segment = &settings["integrations"]["Segment.io"];
    assert_eq!(segment["apiHost"], "events.example.com/v1");
    assert_eq!(segment["protocol"], "https");
}

#[test]
fn settings_are_what_the_decoders_want() {
    let redis = Redis::start();
    let server = server(&redis);
    let settings = page(&get(&server.gateway, "/v1/projects/WK/settings"));
    // Kotlin: every one that is there is an object; text or null makes the whole unreadable, and the SDK
    // then sends to Segment.
    for field in [
        "integrations",
        "plan",
        "edgeFunction",
        "middlewareSettings",
        "metrics",
        "consentSettings",
        "autoInstrumentation",
    ] {
        let value = settings.get(field);
        assert!(value.is_none_or(Value::is_object), "{field}");
    }
    // Kotlin and Swift report about themselves to Segment unless the rate is zero; the browser SDK, too.
    assert_eq!(settings["metrics"]["sampleRate"], 0);
    // Browser: with one integration only, it loads nothing else from Segment's CDN.
    let integrations = settings["integrations"].as_object().unwrap();
    assert_eq!(integrations.keys().collect::<Vec<_>>(), ["Segment.io"]);
    // React Native takes both as text.
    for field in ["apiKey", "apiHost", "protocol"] {
        assert!(integrations["Segment.io"][field].is_string(), "{field}");
    }
}

#[test]
fn a_key_that_nobody_knows_sends_no_user_to_segment() {
    let redis = Redis::start();
    let server = server(&redis);
    for (key, status) in [("NO", 401), ("OFF", 404)] {
        let settings = page(&get(
            &server.gateway,
            &format!("/v1/projects/{key}/settings"),
        ));
        let segment = &settings["integrations"]["Segment.io"];
        assert_eq!(
            (&segment["apiKey"], &segment["apiHost"]),
            (&json!(key), &json!("kenwell/v1"))
        );
        let batch =
            format!(r#"{{"batch":[{{"type":"identify","userId":"u"}}],"writeKey":"{key}"}}"#);
        let length = batch.len();
        let post =
            format!("POST /v1/b HTTP/1.1\r\nHost: k\r\nContent-Length: {length}\r\n\r\n{batch}");
        assert_eq!(raw(&server.gateway, post.as_bytes()).status, status);
    }
}

#[test]
fn settings_reach_pages_of_other_origins() {
    let redis = Redis::start();
    let server = server(&redis);
    let request =
        "GET /v1/projects/WK/settings HTTP/1.1\r\nHost: k\r\nOrigin: https://shop.example\r\n\r\n";
    let reply = raw(&server.gateway, request.as_bytes());
    let allowed = reply.header("access-control-allow-origin");
    assert_eq!(allowed, Some("https://shop.example"));
    // A page that came by TLS may call nothing else.
    assert_eq!(
        page(&reply)["integrations"]["Segment.io"]["protocol"],
        "https"
    );
    let head = raw(
        &server.gateway,
        b"HEAD /v1/projects/WK/settings HTTP/1.1\r\nHost: k\r\n\r\n",
    );
    assert_eq!((head.status, head.body.len()), (200, 0));
    let post = raw(
        &server.gateway,
        b"POST /v1/projects/WK/settings HTTP/1.1\r\nHost: k\r\nContent-Length: 0\r\n\r\n",
    );
    assert_eq!(
        (post.status, post.header("allow")),
        (405, Some("GET, HEAD"))
    );
    // The script that Segment's CDN serves is Segment's.
    let script = get(&server.gateway, "/analytics.js/v1/WK/analytics.min.js");
    assert_eq!(script.status, 404);
}

#[test]
fn a_large_head_leads_to_where_it_came_from_too() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let cookie = "c".repeat(20_000);
    let lines = format!(
        "Host: inside\r\nCookie: {cookie}\r\nX-Forwarded-Host: events.example.com\r\nX-Forwarded-Proto: https\r\n"
    );
    let settings = asked(&server, "/v1/projects/WK/settings", &lines);
    let segment = &settings["integrations"]["Segment.io"];
    assert_eq!(segment["apiHost"], "events.example.com/v1");
    assert_eq!(segment["protocol"], "https");
}

#[test]
fn what_is_configured_is_where_clients_are_led() {
    let redis = Redis::start();
    let server = Server::with_gateway(
        "public_url = \"https://events.example.com/kenwell/\"",
        &format!(
            "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
             [[destinations]]\nid = \"profiles\"\ntype = \"redis\"\naddress = \"{}\"\n",
            redis.address()
        ),
    );
    let lines = "Host: elsewhere\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: http\r\n";
    let settings = asked(&server, "/v1/projects/WK/settings", lines);
    let segment = &settings["integrations"]["Segment.io"];
    assert_eq!(segment["apiHost"], "events.example.com/kenwell/v1");
    assert_eq!(segment["protocol"], "https");
}
