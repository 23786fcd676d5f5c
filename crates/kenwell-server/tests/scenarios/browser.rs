//! What browsers need: CORS on everything, and a `/sourceConfig` to load from.

use crate::{
    gateway::{assert_error, server},
    support::{Redis, get, raw},
};

#[test]
fn preflights_are_answered_on_any_path_and_echo_what_was_asked() {
    let redis = Redis::start();
    let server = server(&redis);
    let preflight = |path: &str, lines: &str| {
        raw(
            &server.gateway,
            format!("OPTIONS {path} HTTP/1.1\r\nHost: k\r\n{lines}\r\n").as_bytes(),
        )
    };
    let asked = "anonymousid,authorization,content-type,rsa-retry-attempt,sentat";
    for path in ["/v1/identify", "/sourceConfig/?writeKey=WK", "/nowhere"] {
        let lines = format!(
            "Origin: https://shop.example\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: {asked}\r\n"
        );
        let reply = preflight(path, &lines);
        assert_eq!((reply.status, reply.body.len()), (204, 0));
        for (name, value) in [
            ("access-control-allow-origin", "https://shop.example"),
            ("access-control-allow-methods", "POST"),
            ("access-control-allow-headers", asked),
            ("access-control-allow-credentials", "true"),
            ("access-control-max-age", "900"),
            (
                "vary",
                "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
            ),
        ] {
            assert_eq!(reply.header(name), Some(value), "{path} {name}");
        }
    }
    for lines in [
        "Origin: https://a.example\r\nAccess-Control-Request-Method: PUT\r\n",
        "Access-Control-Request-Method: POST\r\n",
    ] {
        let reply = preflight("/v1/batch", lines);
        assert_eq!(reply.status, 204);
        assert_eq!(reply.header("access-control-allow-origin"), None);
        assert!(reply.header("vary").is_some());
    }
}

#[test]
fn cors_is_on_errors_too() {
    let redis = Redis::start();
    let server = server(&redis);
    for request in [
        "POST /v1/identify",
        "GET /nowhere",
        "GET /v1/batch",
        "GET /health",
        "GET /sourceConfig",
    ] {
        let reply = raw(
            &server.gateway,
            format!("{request} HTTP/1.1\r\nHost: k\r\nOrigin: null\r\nContent-Length: 0\r\n\r\n")
                .as_bytes(),
        );
        assert_eq!(
            reply.header("access-control-allow-origin"),
            Some("null"),
            "{request}"
        );
        assert_eq!(
            reply.header("access-control-allow-credentials"),
            Some("true"),
            "{request}"
        );
        assert_eq!(reply.header("vary"), Some("Origin"), "{request}");
    }
}

#[test]
fn source_config_lets_browser_sdks_load() {
    let redis = Redis::start();
    let server = server(&redis);
    for path in [
        "/sourceConfig",
        "/sourceConfig/",
        "/sourceConfig/?p=npm&v=3&writeKey=WK",
    ] {
        let reply = raw(
            &server.gateway,
            format!("GET {path} HTTP/1.1\r\nHost: k\r\nAuthorization: Basic V0s6\r\n\r\n")
                .as_bytes(),
        );
        assert_eq!(reply.status, 200);
        let page: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        let source = &page["source"];
        assert_eq!(
            (
                source["id"].as_str(),
                source["name"].as_str(),
                source["enabled"].as_bool()
            ),
            (Some("web"), Some("Web site"), Some(true))
        );
        assert!(source["config"].is_object() && source["destinations"].is_array());
    }
    let by_query = get(&server.gateway, "/sourceConfig?writeKey=OFF");
    assert!(by_query.status == 200 && by_query.text().contains("\"enabled\":false"));
    assert_error(
        &get(&server.gateway, "/sourceConfig?writeKey=NO"),
        400,
        "invalid write key",
    );
    assert_error(
        &get(&server.gateway, "/sourceConfig"),
        400,
        "invalid write key",
    );
    let head = raw(
        &server.gateway,
        b"HEAD /sourceConfig/?view=ad HTTP/1.1\r\nHost: k\r\nAuthorization: Basic V0s6\r\n\r\n",
    );
    assert_eq!((head.status, head.body.len()), (200, 0));
}
