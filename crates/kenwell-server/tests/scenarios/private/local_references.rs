//! Whoever edits over the network has no variables, files and sockets of the machine read, and never sees
//! what references of the file hold.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use serde_json::{Value, json};

use super::support::{json as body_of, ok};
use crate::support::{Certificates, Redis, Server, eventually, post};

fn file(server: &Server) -> String {
    fs::read_to_string(server.config()).unwrap()
}

/// The refusal of a change of `profiles`, and of the same as a new destination and as a test: the
/// setting and what is said about it, which must be the same for all.
#[track_caller]
fn refusal(server: &Server, change: &Value, key: &str) -> String {
    let before = file(server);
    let mut new = change.clone();
    new["name"] = "New".into();
    if new["address"].is_null() {
        new["address"] = "127.0.0.1:1".into();
    }
    let mut known = change.clone();
    known["id"] = "profiles".into();
    let asked = [
        ("PATCH", "/api/v1/destinations/profiles", change),
        ("POST", "/api/v1/destinations/test", &known),
        ("POST", "/api/v1/destinations/test", &new),
        ("POST", "/api/v1/destinations", &new),
    ];
    let messages: BTreeSet<String> = asked
        .into_iter()
        .map(|(method, path, body)| {
            let reply = server.ask(method, path, &body.to_string());
            assert_eq!(reply.status, 422, "{method} {body}: {}", reply.text());
            assert!(!reply.text().contains("MARK"), "{}", reply.text());
            let error = &body_of(&reply)["error"];
            assert_eq!(error["setting"], key, "{error}");
            assert_eq!(error["problems"].as_array().unwrap().len(), 1, "{error}");
            error["message"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(file(server), before);
    messages.into_iter().next().unwrap()
}

fn tables(redis: &Redis) -> String {
    format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{}\"\n",
        redis.address()
    )
}

/// Keys of a destination that can name something, with how they name this file.
fn naming(path: &str) -> Vec<(&'static str, Value)> {
    let by_file = format!("file:{path}");
    let tls = |key: &str, value: &str| json!({ "secure": true, key: value });
    vec![
        ("username", json!({ "username": by_file, "password": "p" })),
        ("password", json!({ "password": by_file })),
        (
            "sentinel_password",
            json!({ "sentinel_master": "m", "sentinel_password": by_file }),
        ),
        ("ca_certificate", tls("ca_certificate", path)),
        ("client_certificate", tls("client_certificate", path)),
        ("client_key", tls("client_key", path)),
        ("client_key", tls("client_key", &by_file)),
        ("address", json!({ "address": format!("unix:{path}") })),
    ]
}

#[test]
fn what_the_file_does_not_allow_is_not_even_looked_at() {
    let redis = Redis::start();
    let server = Server::with(&tables(&redis));
    let folder = server.data_dir();
    let place = |name: &str| folder.join(name).display().to_string();
    fs::write(place("secret"), "MARK").unwrap();
    fs::write(place("ca.pem"), Certificates::new().authority()).unwrap();
    let _socket = UnixListener::bind(folder.join("socket")).unwrap();
    let mut said = BTreeSet::new();
    let relative = server.config().with_file_name("x");
    fs::write(&relative, "MARK").unwrap();
    for path in [
        place("secret"),
        place("ca.pem"),
        place("socket"),
        place("missing"),
        place(""),
        "/etc/passwd".to_owned(),
        "/proc/self/environ".to_owned(),
        "x".to_owned(),
    ] {
        for (key, change) in naming(&path) {
            said.insert(refusal(&server, &change, key));
        }
    }
    for name in ["PATH", "NOT_SET_ANYWHERE", "KENWELL_PRIVATE_ADMIN_KEY"] {
        let by_name = format!("env:{name}");
        for key in ["username", "password"] {
            said.insert(refusal(&server, &json!({ key: by_name }), key));
        }
        let key = json!({ "secure": true, "client_key": by_name });
        said.insert(refusal(&server, &key, "client_key"));
    }
    assert_eq!(said.len(), 1, "the same words for all: {said:?}");
    assert!(said.iter().all(|said| said.contains("allowed_references")));
    // Nor can an edit allow it.
    let more = json!({ "allowed_references": ["file:/*"] });
    let reply = server.ask("PATCH", "/api/v1/destinations/profiles", &more.to_string());
    assert_ne!(reply.status, 200);
}

#[test]
fn what_the_file_allows_is_used_and_its_faults_have_one_text() {
    let redis = Redis::start();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::create_dir_all(path("secrets/deep")).unwrap();
    fs::write(path("outside"), "MARK").unwrap();
    fs::write(path("secrets/empty"), "").unwrap();
    fs::write(path("secrets/text"), "MARK").unwrap();
    fs::write(path("secrets/deep/password"), "sesame\n").unwrap();
    fs::write(path("secrets/ca.pem"), Certificates::new().authority()).unwrap();
    symlink(path("outside"), path("secrets/link")).unwrap();
    symlink(path("secrets/deep"), path("secrets/inside")).unwrap();
    symlink(folder.path(), path("secrets/up")).unwrap();
    let allowed = format!(
        "allowed_references = [\"env:REDIS_*\", \"env:ONE\", \"file:{}/*\"]\n{}",
        path("secrets"),
        tables(&redis)
    );
    let server = Server::with(&allowed);
    redis.command::<()>(&["CONFIG", "SET", "requirepass", "sesame"]);
    let healthy = |change: &Value| {
        let reply = server.ask("POST", "/api/v1/destinations/test", &change.to_string());
        ok(&reply)["healthy"].as_bool().unwrap()
    };
    let with = |password: &str| json!({ "address": redis.address(), "password": password });
    for inside in ["secrets/deep/password", "secrets/inside/password"] {
        assert!(
            healthy(&with(&format!("file:{}", path(inside)))),
            "{inside}"
        );
    }
    let authority = json!({ "secure": true, "ca_certificate": path("secrets/ca.pem") });
    let mut known = authority.clone();
    known["id"] = "profiles".into();
    assert!(!healthy(&known), "it is read, and this Redis speaks no TLS");
    let mut said = BTreeSet::new();
    for (key, name) in [
        ("password", "secrets/missing"),
        ("password", "secrets/empty"),
        ("password", "secrets/deep"),
        ("password", "secrets/link"),
        ("password", "secrets/up/outside"),
        ("password", "secrets/../outside"),
        ("password", "secrets/deep/../../outside"),
        ("password", "secrets"),
        ("password", "outside"),
        ("ca_certificate", "secrets/missing"),
        ("ca_certificate", "secrets/text"),
        ("ca_certificate", "secrets/link"),
        ("client_certificate", "secrets/deep/password"),
        ("client_key", "secrets/missing"),
        ("client_key", "secrets/text"),
        ("client_key", "secrets/../outside"),
    ] {
        let change = match key {
            "password" => json!({ key: format!("file:{}", path(name)) }),
            _ => json!({ "secure": true, key: path(name) }),
        };
        said.insert(refusal(&server, &change, key));
    }
    for name in ["REDIS_NOT_SET", "ONE", "ONE_MORE", "redis_x", "XREDIS_"] {
        said.insert(refusal(
            &server,
            &json!({ "password": format!("env:{name}") }),
            "password",
        ));
    }
    assert_eq!(said.len(), 1, "the same words for all: {said:?}");
}

#[test]
fn a_reference_is_shown_and_never_what_it_holds() {
    let redis = Redis::start();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("user");
    fs::write(&place, "MARK-of-a-file\n").unwrap();
    let by_file = format!("file:{}", place.display());
    let mut server = Server::with(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{}\"\n",
        redis.address()
    ));
    server.terminate();
    let more = format!(
        "username = \"env:REDIS_USER\"\npassword = \"env:REDIS_PASSWORD\" # kept\n\
         [[destinations]]\nid = \"by-file\"\naddress = \"{0}\"\nusername = \"{by_file}\"\npassword = \"x\"\n\
         [[destinations]]\nid = \"by-url\"\nurl = \"env:REDIS_URL\"\n",
        redis.address()
    );
    fs::write(server.config(), file(&server) + &more).unwrap();
    // One of them gets in, and may do nothing.
    let user = [
        "ACL",
        "SETUSER",
        "MARK-of-a-variable",
        "on",
        ">MARK-p",
        "~*",
        "-@all",
        "+client",
    ];
    redis.command::<()>(&user);
    let url = format!("redis://MARK-of-a-url:MARK-p@{}", redis.address());
    server.restart_with(&format!(
        "export REDIS_USER=MARK-of-a-variable REDIS_PASSWORD=MARK-p REDIS_URL={url}"
    ));
    let shown = |id: &str| ok(&server.ask("GET", &format!("/api/v1/destinations/{id}"), ""));
    assert_eq!(shown("profiles")["username"], "env:REDIS_USER");
    assert_eq!(shown("by-file")["username"], by_file);
    assert_eq!(shown("by-url")["username"], "env:REDIS_URL");
    assert_eq!(shown("profiles")["password_from"], "environment");
    let mut answers = vec![
        server.ask("GET", "/api/v1/destinations", "").text(),
        server.ask("GET", "/api/v1/overview", "").text(),
        server.ready().text(),
    ];
    for id in ["profiles", "by-file", "by-url"] {
        let path = format!("/api/v1/destinations/{id}/test");
        let report = server.ask("POST", &path, "");
        assert_eq!(ok(&report)["healthy"], false);
        answers.push(report.text());
        // Sent back as it is shown, it stays as it is written.
        let back =
            json!({ "id": id, "username": shown(id)["username"], "address": redis.address() });
        let test = server.ask("POST", "/api/v1/destinations/test", &back.to_string());
        assert_eq!(test.status, 200, "{}", test.text());
        answers.push(test.text());
    }
    let back =
        json!({ "username": "env:REDIS_USER", "password": "env:REDIS_PASSWORD", "prefix": "p" });
    let path = "/api/v1/destinations/profiles";
    let changed = server.ask("PATCH", path, &back.to_string());
    assert_eq!(ok(&changed)["prefix"], "p");
    assert!(file(&server).contains("password = \"env:REDIS_PASSWORD\" # kept"));
    // Kept, it is bound to its place; and it may not be named anywhere else.
    let elsewhere = json!({ "password": "env:REDIS_PASSWORD", "address": "127.0.0.1:1" });
    let refused = server.ask("PATCH", path, &elsewhere.to_string());
    assert_eq!(body_of(&refused)["error"]["setting"], "password");
    let other = json!({ "username": "env:REDIS_PASSWORD" });
    assert_eq!(server.ask("PATCH", path, &other.to_string()).status, 422);
    let event = r#"{"userId":"u","traits":{"a":1}}"#;
    assert_eq!(post(&server.gateway, "/v1/identify", event).status, 200);
    let refused = eventually("Redis' refusal", || {
        let ready = server.ready().text();
        ready.contains("NOPERM").then_some(ready)
    });
    answers.extend([refused, server.log()]);
    for answer in answers {
        assert!(!answer.contains("MARK"), "{answer}");
    }
}
