//! What is to be a JSON object is one: no list of its values, and nothing else.

use super::support::{code, json};
use crate::support::{Redis, Server};

#[test]
fn a_body_that_is_no_object_changes_nothing() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let before = std::fs::read_to_string(server.config()).unwrap();
    for (method, path, values) in [
        ("PATCH", "/api/v1/sources/web", r#"["x", false, []]"#),
        ("PATCH", "/api/v1/sources/web", r#"["x", false]"#),
        ("POST", "/api/v1/sources", r#"["x", "x", []]"#),
        (
            "POST",
            "/api/v1/sources/web/test-event",
            r#"["u", {"a": 1}]"#,
        ),
        (
            "PATCH",
            "/api/v1/destinations/profiles",
            r#"["x", false, true]"#,
        ),
        ("POST", "/api/v1/destinations", r#"["x", "127.0.0.1:1"]"#),
        ("POST", "/api/v1/destinations/test", r#"["profiles"]"#),
        (
            "POST",
            "/api/v1/destinations/profiles/replay",
            r#"["2020-01-01T00:00:00Z"]"#,
        ),
        (
            "POST",
            "/api/v1/dead-letters/retry",
            r#"["profiles", null, null, true]"#,
        ),
        (
            "POST",
            "/api/v1/dead-letters/discard",
            r#"["profiles", null, null, true]"#,
        ),
        ("POST", "/api/v1/session", r#"["kwa_guess"]"#),
    ] {
        for body in [values, "[]", " \n[{}]", "null", "true", "1", r#""x""#] {
            let reply = server.ask(method, path, body);
            assert_eq!(
                reply.status,
                400,
                "{method} {path} {body}: {}",
                reply.text()
            );
            assert_eq!(code(&reply), "bad_request");
            let message = json(&reply)["error"]["message"]
                .as_str()
                .unwrap()
                .to_owned();
            assert!(message.contains("no JSON object"), "{message}");
        }
    }
    assert_eq!(std::fs::read_to_string(server.config()).unwrap(), before);
    let objects = [
        (r#" {"name":"x"}"#, 200),
        ("{", 400),
        ("", 400),
        (r#"{"name":["x"]}"#, 422),
    ];
    for (body, status) in objects {
        let reply = server.ask("PATCH", "/api/v1/sources/web", body);
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
    }
}

#[test]
fn a_setting_that_is_given_twice_changes_nothing() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let before = std::fs::read_to_string(server.config()).unwrap();
    for (method, path) in [
        ("PATCH", "/api/v1/sources/web"),
        ("POST", "/api/v1/sources"),
        ("PATCH", "/api/v1/destinations/profiles"),
        ("POST", "/api/v1/destinations"),
        ("POST", "/api/v1/destinations/test"),
    ] {
        for second in [r#""b""#, r#""a""#, "null"] {
            let body = format!(r#"{{"name":"a","name":{second}}}"#);
            let reply = server.ask(method, path, &body);
            assert_eq!(reply.status, 422, "{method} {path}: {}", reply.text());
            assert_eq!(code(&reply), "bad_request");
            assert!(reply.text().contains("`name`"), "{}", reply.text());
        }
    }
    assert_eq!(std::fs::read_to_string(server.config()).unwrap(), before);
}
