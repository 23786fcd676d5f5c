//! A stored secret stays with the place that it was given for.

use std::net::TcpListener;

use serde_json::{Value, json};

use super::support::{code, json as body_of, ok};
use crate::support::{Certificates, Redis, Server};

const PASSWORD: &str = "MARK-stored";

/// A place that nobody was to talk to.
struct Stranger(TcpListener);

impl Stranger {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    #[track_caller]
    fn assert_nobody_came(&self) {
        assert!(self.0.accept().is_err(), "somebody came");
    }
}

fn file(server: &Server) -> String {
    std::fs::read_to_string(server.config()).unwrap()
}

fn path(id: &str) -> String {
    format!("/api/v1/destinations/{id}")
}

/// The change is refused at this setting, whether it is saved or only tried.
#[track_caller]
fn assert_asked_again(server: &Server, id: &str, change: &Value, setting: &str) {
    let before = file(server);
    let mut tried = change.clone();
    tried["id"] = id.into();
    let patched = server.ask("PATCH", &path(id), &change.to_string());
    let tested = server.ask("POST", "/api/v1/destinations/test", &tried.to_string());
    for reply in [patched, tested] {
        assert_eq!(reply.status, 422, "{change}: {}", reply.text());
        assert_eq!(code(&reply), "invalid_setting");
        let error = &body_of(&reply)["error"];
        assert_eq!(error["setting"], setting, "{change}: {error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(" again"), "{change}: {message}");
        assert!(!reply.text().contains("MARK"), "{}", reply.text());
    }
    assert_eq!(file(server), before, "{change}");
}

fn server(redis: &Redis) -> Server {
    let (address, pem) = (redis.address(), Certificates::new().authority());
    Server::with(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\", \"encrypted\", \"watched\", \"by-url\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{address}\"\npassword = \"{PASSWORD}\"\n\
         [[destinations]]\nid = \"encrypted\"\naddress = \"{address}\"\nprefix = \"e\"\npassword = \"{PASSWORD}\"\n\
         secure = true\nserver_name = \"redis\"\nca_certificate = '''\n{pem}'''\n\
         [[destinations]]\nid = \"watched\"\naddress = \"{address}, localhost:1\"\nsentinel_master = \"m\"\nsentinel_username = \"s\"\n\
         sentinel_password = \"{PASSWORD}\"\n\
         [[destinations]]\nid = \"by-url\"\nprefix = \"u\"\nurl = \"redis://:{PASSWORD}@{address}\"\n",
    ))
}

#[test]
fn whoever_changes_the_place_types_the_password_again() {
    let (redis, stranger) = (Redis::start(), Stranger::new());
    redis.command::<()>(&["CONFIG", "SET", "requirepass", PASSWORD]);
    let server = server(&redis);
    let elsewhere = stranger.address();
    for (id, change, setting) in [
        ("profiles", json!({ "address": elsewhere }), "password"),
        (
            "profiles",
            json!({ "address": format!("{},{elsewhere}", redis.address()), "cluster_mode": true }),
            "password",
        ),
        ("profiles", json!({ "cluster_mode": true }), "password"),
        ("profiles", json!({ "sentinel_master": "m" }), "password"),
        ("profiles", json!({ "username": "somebody" }), "password"),
        ("profiles", json!({ "secure": true }), "password"),
        (
            "encrypted",
            json!({ "secure": null, "server_name": null, "ca_certificate": null }),
            "password",
        ),
        ("encrypted", json!({ "skip_verify": true }), "password"),
        ("encrypted", json!({ "ca_certificate": null }), "password"),
        (
            "encrypted",
            json!({ "server_name": "localhost" }),
            "password",
        ),
        (
            "encrypted",
            json!({ "address": elsewhere, "prefix": "x" }),
            "password",
        ),
        (
            "watched",
            json!({ "address": elsewhere }),
            "sentinel_password",
        ),
        (
            "watched",
            json!({ "sentinel_username": "t" }),
            "sentinel_password",
        ),
        (
            "watched",
            json!({ "sentinel_master": "n" }),
            "sentinel_password",
        ),
        (
            "watched",
            json!({ "address_map": { "localhost": "127.0.0.1" } }),
            "sentinel_password",
        ),
        ("by-url", json!({ "address": elsewhere }), "password"),
        ("by-url", json!({ "username": "somebody" }), "password"),
    ] {
        assert_asked_again(&server, id, &change, setting);
    }
    stranger.assert_nobody_came();
    // What does not change who gets it needs nothing.
    for (id, change) in [
        (
            "profiles",
            json!({ "prefix": "p", "name": "P", "heal": false, "connect_timeout": "4s" }),
        ),
        (
            "profiles",
            json!({ "address": redis.address(), "secure": false, "username": null }),
        ),
        ("watched", json!({ "address": redis.address() })),
        ("by-url", json!({ "prefix": "w" })),
    ] {
        let reply = server.ask("PATCH", &path(id), &change.to_string());
        assert_eq!(reply.status, 200, "{change}: {}", reply.text());
    }
    // Given again, or taken away, it may be changed.
    let typed = json!({ "address": elsewhere, "password": PASSWORD });
    let reply = server.ask("PATCH", &path("profiles"), &typed.to_string());
    assert_eq!(reply.status, 200, "{}", reply.text());
    let without = json!({ "address": elsewhere, "password": null });
    let reply = server.ask("PATCH", &path("by-url"), &without.to_string());
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(
        ok(&server.ask("GET", &path("by-url"), ""))["has_password"],
        false
    );
}

#[test]
fn secrets_of_the_environment_go_nowhere_else_either() {
    let (redis, stranger) = (Redis::start(), Stranger::new());
    let mut server = Server::start(&redis);
    server.terminate();
    server.restart_with(
        "export KENWELL_DESTINATIONS_PROFILES_PASSWORD=MARK KENWELL_DESTINATIONS_OTHER_SENTINEL_PASSWORD=MARK",
    );
    let elsewhere = json!({ "address": stranger.address() });
    assert_asked_again(&server, "profiles", &elsewhere, "password");
    // The variable wins over what is typed.
    let typed = json!({ "address": stranger.address(), "password": "typed" });
    assert_asked_again(&server, "profiles", &typed, "password");
    let nowhere = stranger.address();
    for new in [
        json!({ "id": "other", "name": "n", "address": nowhere, "sentinel_master": "m" }),
        // Its variable is the same as that of the other's `sentinel_password`.
        json!({ "id": "other-sentinel", "name": "n", "address": nowhere }),
    ] {
        let reply = server.ask("POST", "/api/v1/destinations", &new.to_string());
        assert_eq!(reply.status, 422, "{}", reply.text());
        assert!(reply.text().contains("the environment of the server"));
    }
    stranger.assert_nobody_came();
}
