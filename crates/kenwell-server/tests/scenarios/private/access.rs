//! Nobody passes without the key or a session, and no foreign page passes with one.

use serde_json::Value;

use super::support::{Browser, JSON, code, json, ok, send};
use crate::support::{ADMIN_KEY, Redis, Server};

/// Every method and path of the description, with ids in place of the variables.
pub(super) fn operations(server: &Server) -> Vec<(String, String)> {
    let description = ok(&server.ask("GET", "/api/v1/openapi.json", ""));
    let paths = description["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, methods)| {
        let path = path.replace("{id}", "x").replace("{destination}", "x");
        let path = path.replace("{user_id}", "x");
        let methods = methods.as_object().unwrap().keys();
        methods.map(move |method| (method.to_uppercase(), path.clone()))
    });
    operations.collect()
}

#[test]
fn without_key_and_session_only_readiness_answers() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let mut all = operations(&server);
    assert!(all.len() > 25, "{all:?}");
    for path in [
        "/",
        "/console/index.html",
        "/nothing",
        "/api/v1/nothing",
        "/login",
    ] {
        all.push(("GET".to_owned(), path.to_owned()));
    }
    all.push(("DELETE".to_owned(), "/ready".to_owned()));
    let wrong = format!("Authorization: Bearer {ADMIN_KEY}x\r\n");
    let basic = "Authorization: Basic a3dhOg==\r\n";
    let cookie = "Cookie: kenwell_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n";
    for (method, path) in &all {
        if (method.as_str(), path.as_str()) == ("POST", "/api/v1/session") {
            continue; // the sign-in itself
        }
        for headers in ["", &wrong, basic, cookie] {
            let headers = format!("{JSON}{headers}");
            let reply = send(&server.private, method, path, &headers, "");
            // From an address with too many wrong keys none is even looked at.
            let expected: &[u16] = match (method.as_str(), path.as_str()) {
                ("GET", "/ready") => &[200],
                _ if headers.contains("Authorization") => &[401, 429],
                _ => &[401],
            };
            let status = reply.status;
            assert!(
                expected.contains(&status),
                "{method} {path} {headers}: {status}"
            );
        }
    }
}

#[test]
fn every_answer_tells_browsers_what_they_must_not_do() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let key = format!("Authorization: Bearer {ADMIN_KEY}\r\n");
    for (path, headers) in [
        ("/", ""),
        ("/", &*key),
        ("/ready", ""),
        ("/metrics", ""),
        ("/metrics", &key),
        ("/api/v1/overview", &key),
        ("/nothing", &key),
        ("/console/index.html", &key),
    ] {
        let reply = send(&server.private, "GET", path, headers, "");
        let policy = reply.header("content-security-policy").unwrap();
        // The page to sign in has a script of its own, and no other will do.
        let scripts = match headers {
            "" if path == "/" => " 'sha256-",
            _ => ";",
        };
        assert!(
            policy.starts_with(&format!("default-src 'none'; script-src 'self'{scripts}")),
            "{path}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{path}"
        );
        assert_eq!(
            reply.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert!(reply.header("referrer-policy").is_some(), "{path}");
        assert!(reply.header("cache-control").is_some(), "{path}");
    }
}

#[test]
fn a_page_of_another_site_changes_nothing() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let browser = Browser::sign_in(&server);
    let add =
        |headers: &str| browser.ask_with("POST", "/api/v1/sources", headers, "{\"name\":\"Evil\"}");
    let token = format!("X-Kenwell-CSRF: {}\r\n", browser.token);
    for headers in [
        String::new(),
        "X-Kenwell-CSRF: \r\n".to_owned(),
        "X-Kenwell-CSRF: 0\r\n".to_owned(),
        format!("{token}Origin: https://evil.example\r\n"),
        format!("{token}Origin: null\r\n"),
        format!("{token}Sec-Fetch-Site: cross-site\r\n"),
    ] {
        let reply = add(&headers);
        assert_eq!((reply.status, &*code(&reply)), (403, "csrf"), "{headers}");
    }
    let file = std::fs::read_to_string(server.config()).unwrap();
    assert!(!file.contains("Evil"));
    // The session is as good as before, and our own page may.
    let own = format!(
        "{token}Origin: http://{}\r\nSec-Fetch-Site: same-origin\r\n",
        server.private
    );
    assert_eq!(add(&own).status, 201);
    assert_eq!(
        browser.ask_with("GET", "/api/v1/sources", "", "").status,
        200
    );
}

#[test]
fn a_name_that_was_made_to_point_here_is_refused() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let browser = Browser::sign_in(&server);
    let named = |host: &str, headers: &str| {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n");
        crate::support::raw(&server.private, request.as_bytes())
    };
    let cookie = format!("Cookie: {}\r\n", browser.cookie);
    let refused = named("evil.example", &cookie);
    assert_eq!((refused.status, &*code(&refused)), (403, "unknown_host"));
    assert_eq!(named("evil.example", "").status, 403);
    assert_eq!(named("localhost", &cookie).status, 200);
    // A program that has the key is no browser that was lured here.
    let key = format!("Authorization: Bearer {ADMIN_KEY}\r\n");
    assert_eq!(named("kenwell.internal", &key).status, 200);
}

#[test]
fn paths_and_methods_that_are_none_are_told_in_our_own_form() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let reply = server.ask("GET", "/api/v1/nothing", "");
    assert_eq!((reply.status, &*code(&reply)), (404, "no_path"));
    let reply = server.ask("PUT", "/api/v1/sources", "");
    assert_eq!((reply.status, &*code(&reply)), (405, "wrong_method"));
    for body in ["{", "[]", "{\"nmae\":\"x\"}", ""] {
        let reply = server.ask("POST", "/api/v1/sources", body);
        assert_eq!(code(&reply), "bad_request", "{body}");
        assert!((400..=422).contains(&reply.status), "{body}");
    }
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(600 * 1024));
    assert_eq!(server.ask("POST", "/api/v1/sources", &large).status, 413);
    let Value::Object(error) = json(&reply) else {
        panic!()
    };
    assert!(
        error["error"]["message"]
            .as_str()
            .unwrap()
            .contains("openapi.json")
    );
}
