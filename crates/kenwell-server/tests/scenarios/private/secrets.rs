//! Secrets are in no answer, no metric, no log line; what strangers send comes back as text.

use serde_json::json;

use super::access::operations;
use super::support::{Browser, ok};
use crate::support::{ADMIN_KEY, Redis, Server, post};

/// What must never come back.
const MARKS: [&str; 4] = [
    "MARK-password",
    "MARK-sentinel",
    "MARK-replacement",
    "MARK-tested",
];

#[test]
fn no_answer_metric_or_log_line_has_a_secret() {
    let redis = Redis::start();
    let server = Server::with(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\", \"watched\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{0}\"\nusername = \"somebody\"\npassword = \"{1}\"\n\
         [[destinations]]\nid = \"watched\"\naddress = \"{0}\"\nsentinel_master = \"m\"\nsentinel_password = \"{2}\"\n",
        redis.address(),
        MARKS[0],
        MARKS[1],
    ));
    let browser = Browser::sign_in(&server);
    post(
        &server.gateway,
        "/v1/identify",
        r#"{"userId":"u","traits":{"a":1}}"#,
    );
    let mut answers = Vec::new();
    let mut ask = |method: &str, path: &str, body: &str| {
        let reply = browser.ask(method, path, body);
        answers.push(format!(
            "{method} {path}: {:?} {}",
            reply.headers,
            reply.text()
        ));
    };
    for id in ["profiles", "watched"] {
        ask("GET", &format!("/api/v1/destinations/{id}"), "");
        ask("POST", &format!("/api/v1/destinations/{id}/test"), "");
        ask("GET", &format!("/api/v1/profiles/{id}/u"), "");
        ask("POST", &format!("/api/v1/destinations/{id}/pause"), "");
        ask("POST", &format!("/api/v1/destinations/{id}/resume"), "");
    }
    let change = json!({ "password": MARKS[2] }).to_string();
    ask("PATCH", "/api/v1/destinations/profiles", &change);
    let test = json!({ "id": "profiles", "password": MARKS[3], "address": redis.address() });
    ask("POST", "/api/v1/destinations/test", &test.to_string());
    let wrong = json!({ "name": "n", "address": "nowhere", "password": MARKS[3] });
    ask("POST", "/api/v1/destinations", &wrong.to_string());
    ask("POST", "/api/v1/sources/web/test-event", "{}");
    for (method, path) in operations(&server) {
        if method == "GET" && path != "/api/v1/events" {
            ask("GET", &path, "");
        }
    }
    let shown = ok(&browser.ask("GET", "/api/v1/destinations/profiles", ""));
    assert_eq!(
        (&shown["has_password"], &shown["password_from"]),
        (&json!(true), &json!("file"))
    );
    let file = std::fs::read_to_string(server.config()).unwrap();
    assert!(file.contains(MARKS[2]), "the new password is in force");
    answers.push(format!("the log: {}", server.log()));
    for answer in &answers {
        for mark in MARKS.iter().chain([&ADMIN_KEY]) {
            assert!(!answer.contains(mark), "{mark} in {answer}");
        }
    }
}

#[test]
fn what_strangers_send_comes_back_as_json() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let attack = "</script><img src=x onerror=alert(1)>";
    let source = json!({ "name": attack }).to_string();
    let added = server.ask("POST", "/api/v1/sources", &source);
    assert_eq!(ok(&added)["name"], attack);
    let event = json!({ "userId": attack, "traits": { attack: attack } });
    let key = format!("user:{attack}");
    assert_eq!(
        post(&server.gateway, "/v1/identify", event.to_string()).status,
        200
    );
    server.settle("profiles");
    let path = format!("/api/v1/profiles/profiles/{}", escaped(attack));
    let profile = server.ask("GET", &path, "");
    assert_eq!(ok(&profile)["fields"], json!([[attack, attack]]));
    redis.command::<()>(&["DEL", &key]);
    redis.command::<()>(&["SET", &key, "no hash"]);
    assert_eq!(
        post(&server.gateway, "/v1/identify", event.to_string()).status,
        200
    );
    server.settle("profiles");
    let letters = server.ask("GET", "/api/v1/dead-letters", "");
    assert_eq!(ok(&letters)["letters"][0]["user_id"], attack);
    let nowhere = server.ask(
        "GET",
        &format!("/api/v1/destinations/{}", escaped(attack)),
        "",
    );
    assert!(nowhere.text().contains("no_destination"));
    for reply in [added, profile, letters, nowhere] {
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    }
}

fn escaped(text: &str) -> String {
    let bytes: Vec<_> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    bytes.concat()
}
