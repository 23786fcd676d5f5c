//! Certificates whose time is over, or soon will be: a state of their destination, and of nothing else.

use std::fs;

use crate::support::{Certificates, Node, Redis, Server, eventually, post};

const SAN: &str = "subjectAltName=DNS:localhost";
const AUTHORITY: &str = "basicConstraints=critical,CA:TRUE";
const PAST: [&str; 2] = ["20200101000000Z", "20210101000000Z"];
const FUTURE: [&str; 2] = ["20900101000000Z", "20910101000000Z"];

/// A plain destination, and one whose Redis is reached with this authority.
fn both(plain: &Redis, secure: &Node, authority: &str) -> String {
    format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"plain\", \"secure\"]\n\
         [[destinations]]\nid = \"plain\"\naddress = \"{}\"\n\
         [[destinations]]\nid = \"secure\"\naddress = \"localhost:{}\"\nsecure = true\nca_certificate = \"{authority}\"\n",
        plain.address(),
        secure.tls_port(),
    )
}

#[test]
fn an_expired_authority_keeps_only_its_own_destination_waiting() {
    let (plain, all) = (Redis::start(), Certificates::new());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.pem");
    for (name, dates, when) in [
        ("past", PAST, "expired on Jan  1 00:00:00 2021"),
        ("future", FUTURE, "is not valid before Jan  1 00:00:00 2090"),
    ] {
        all.issue_dated(name, name, AUTHORITY, dates);
        all.issue(&format!("by-{name}"), "/CN=localhost", name, SAN);
        let options = ["--tls-auth-clients", "no"];
        let secure = Node::start_with_certificate(&all, &format!("by-{name}"), &options);
        fs::write(&path, all.text(&format!("{name}.pem"))).unwrap();
        let config = both(&plain, &secure, path.to_str().unwrap());

        // It starts, and takes events for both.
        let server = Server::with(&config);
        let event = format!(r#"{{"userId":"{name}","traits":{{"n":1}}}}"#);
        assert_eq!(post(&server.gateway, "/v1/identify", event).status, 200);
        server.settle("plain");
        assert!(plain.fields(&format!("user:{name}")).contains_key("n"));
        let ready = eventually("the reason to show", || {
            let ready = server.ready().text();
            Some(ready).filter(|text| text.contains(when))
        });
        for word in ["degraded", "in ca_certificate", "\"needs_operator\":true"] {
            assert!(ready.contains(word), "{ready}");
        }
        let overview = server.ask("GET", "/api/v1/overview", "").text();
        assert!(overview.contains(when), "{overview}");
        assert!(server.log().contains(when), "{}", server.log());

        // An edit that has nothing to do with it.
        let edited = server.ask(
            "PATCH",
            "/api/v1/destinations/plain",
            r#"{"name":"Another name"}"#,
        );
        assert_eq!(edited.status, 200, "{}", edited.text());

        // Judged again at each connection: the renewed one is taken up.
        all.openssl(&format!(
            "req -x509 -key {name}.key -days 2 -subj /CN=localhost -out {name}-renewed.pem"
        ));
        fs::write(&path, all.text(&format!("{name}-renewed.pem"))).unwrap();
        server.settle("secure");
        eventually("the server to be ready", || {
            server.ready().text().contains("\"ready\"").then_some(())
        });
    }
}

#[test]
fn a_certificate_that_expires_soon_is_said_in_the_log() {
    // The certificates of the tests end in two days.
    let (plain, all) = (Redis::start(), Certificates::new());
    let secure = Node::start_with_certificate(&all, "server", &["--tls-auth-clients", "no"]);
    let authority = all.path("ca.pem");
    let server = Server::with(&both(&plain, &secure, authority.to_str().unwrap()));
    let shown = format!(
        "the certificate of the server at localhost:{} expires on",
        secure.tls_port()
    );
    for words in [
        shown.as_str(),
        "the certificate \"CN=authority\" expires on",
    ] {
        let line = eventually("the warning", || {
            let log = server.log();
            let line = log.lines().find(|line| line.contains(words))?;
            Some(line.to_owned())
        });
        assert!(line.contains("WARN"), "{line}");
    }
    server.settle("secure");
}

#[test]
fn a_connection_string_from_azure_shows_its_password_to_nobody() {
    let redis = Redis::start();
    let mut admin = redis.connection();
    let set: redis::Value = redis::cmd("CONFIG")
        .arg(&["SET", "requirepass", "azure-SECRET="])
        .query(&mut admin)
        .unwrap();
    assert_eq!(set, redis::Value::Okay);
    let address = redis.address();
    let server = Server::with(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{address},password=azure-SECRET=,ssl=False,abortConnect=False\"\n",
    ));
    let event = r#"{"userId":"ada","traits":{"n":1}}"#;
    assert_eq!(post(&server.gateway, "/v1/identify", event).status, 200);
    server.settle("profiles");
    // Also after an edit that writes the keys out, and in the answer to an edit that is refused.
    let edit = |body: &str| server.ask("PATCH", "/api/v1/destinations/profiles", body);
    assert_eq!(edit(r#"{"database":1}"#).status, 200);
    let refused = edit(r#"{"address":"localhost:6380:azure-SECRET="}"#);
    assert_ne!(refused.status, 200);
    let pages = [
        refused.text(),
        server.ask("GET", "/api/v1/destinations", "").text(),
        server.ask("GET", "/api/v1/overview", "").text(),
        server.ready().text(),
        server.log(),
    ];
    for page in pages {
        assert!(!page.is_empty());
        assert!(!page.contains("SECRET"), "{page}");
    }
}
