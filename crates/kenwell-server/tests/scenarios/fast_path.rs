//! Requests that the gateway answers without the HTTP library: the same answers, in the same order, and as durable.

use crate::{
    gateway::server,
    support::{Client, Redis, Reply, metric},
};

/// Has a request take the usual way: the fast path leaves whatever prefers something to others.
const USUAL_WAY: &str = "Prefer: return=minimal\r\n";
const EVENT: &str = r#"{"userId":"u","traits":{"plan":"pro"}}"#;

fn request(path: &str, lines: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: k\r\n{lines}Content-Length: {length}\r\n\r\n{body}")
}

/// Status, headers in their order, and body; without the date, which moves on.
fn comparable(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let mut headers = reply.headers.clone();
    let before = headers.len();
    headers.retain(|(name, _)| name != "Date");
    assert_eq!(headers.len() + 1, before, "{reply:?}");
    (reply.status, headers, reply.text())
}

#[test]
fn both_ways_give_the_same_answers() {
    let redis = Redis::start();
    let server = server(&redis);
    let mut client = Client::connect(&server.gateway);
    let key = "Authorization: Basic V0s6\r\n";
    let batch = format!(r#"{{"writeKey":"WK","batch":[{EVENT}]}}"#);
    for (path, lines, body) in [
        ("/v1/identify", key.to_owned(), EVENT),
        (
            "/v1/identify",
            format!("{key}Origin: https://shop.example\r\n"),
            EVENT,
        ),
        ("/v1/i/", format!("{key}Connection: keep-alive\r\n"), EVENT),
        ("/v1/track", key.to_owned(), r#"{"userId":"u","event":"e"}"#),
        (
            "/v1/batch",
            format!("{key}User-Agent: analytics-ruby/2.5.0\r\n"),
            &batch,
        ),
        (
            "/v1/import",
            format!("{key}User-Agent: analytics-java/3.5.4\r\n"),
            &batch,
        ),
        (
            "/v1/identify",
            format!("{key}User-Agent: analytics-ruby/2.5.0\r\n"),
            "{",
        ),
        ("/v1/identify", key.to_owned(), "[1]"),
        (
            "/v1/identify",
            "Authorization: Basic bm86\r\n".to_owned(),
            EVENT,
        ),
        ("/v1/identify", String::new(), EVENT),
        ("/v1/none", key.to_owned(), EVENT),
        ("/v1/batch", String::new(), &batch),
    ] {
        let replies = ["", USUAL_WAY].map(|way| {
            client
                .send(request(path, &format!("{lines}{way}"), body).as_bytes())
                .unwrap();
            comparable(&client.receive(false).unwrap())
        });
        assert_eq!(replies[0], replies[1], "{path} {lines}");
    }
    let page = server.metrics();
    let counted = |labels: &str| metric(&page, "kenwell_requests_total", labels);
    assert_eq!(counted("route=\"identify\",status=\"200\""), 6);
    assert_eq!(counted("route=\"import\",status=\"200\""), 2);
    server.settle("profiles");
    assert_eq!(redis.fields("user:u")["plan"], "pro");
}

#[test]
fn requests_at_once_are_answered_in_order_whichever_way_each_takes() {
    let redis = Redis::start();
    let server = server(&redis);
    let mut client = Client::connect(&server.gateway);
    let key = "Authorization: Basic V0s6\r\n";
    let fast = request("/v1/identify", key, EVENT);
    let slow = request("/v1/identify", &format!("{key}{USUAL_WAY}"), EVENT);
    let version = "GET /version HTTP/1.1\r\nHost: k\r\n\r\n".to_owned();
    let nowhere = request("/v1/none", key, EVENT);
    for together in [
        vec![&fast, &version, &fast, &nowhere, &slow, &fast],
        vec![&version, &fast, &nowhere],
        vec![&fast],
        vec![&nowhere, &fast, &fast, &version],
    ] {
        let bytes: String = together.iter().map(|it| it.as_str()).collect();
        client.send(bytes.as_bytes()).unwrap();
        for sent in together {
            let reply = client.receive(false).unwrap();
            let text = reply.text();
            let is_its_answer = match reply.status {
                404 => *sent == nowhere,
                _ if text == "ok" => [&fast, &slow].contains(&sent),
                _ => *sent == version,
            };
            assert!(is_its_answer, "{sent:?}: {reply:?}");
        }
    }
}
