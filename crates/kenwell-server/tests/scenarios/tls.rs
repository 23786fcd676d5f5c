//! HTTPS on both listeners, with real certificates, `curl` and `kenwell identify`.

use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::{Command, Output},
};

use crate::support::{ADMIN_KEY, Certificates, Redis, Server, eventually};

/// A server whose gateway and private plane show the certificate in this directory.
fn start(redis: &Redis, directory: &Path) -> Server {
    start_with("", redis, directory)
}

/// Likewise, with more settings for the gateway.
fn start_with(settings: &str, redis: &Redis, directory: &Path) -> Server {
    let path = |name: &str| directory.join(name).display().to_string();
    let identity = format!(
        "tls_certificate = {:?}\ntls_key = {:?}\n",
        path("server.pem"),
        path("server.key")
    );
    Server::with_gateway(
        &format!("{settings}\n{identity}"),
        &format!(
            "{identity}[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
             [[destinations]]\nid = \"profiles\"\naddress = \"{}\"\n",
            redis.address()
        ),
    )
}

/// Puts what a server needs into a directory, as `certbot` does on renewal.
fn install(certificates: &Certificates, directory: &Path) {
    for name in ["server.pem", "server.key", "ca.pem"] {
        fs::write(directory.join(name), certificates.text(name)).unwrap();
    }
}

fn curl(arguments: &[&str]) -> Output {
    Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "20"])
        .args(arguments)
        .output()
        .expect("these tests need curl; install it with: apt-get install curl")
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(both).unwrap()
}

fn on_localhost(address: &str, path: &str) -> String {
    let port = address.rsplit(':').next().unwrap();
    format!("https://localhost:{port}{path}")
}

/// Sends one identify with curl; whether it was taken.
fn sends(server: &Server, authority: &Path, more: &[&str]) -> bool {
    let url = on_localhost(&server.gateway, "/v1/identify");
    let body = r#"{"userId":"ada","traits":{"plan":"pro"}}"#;
    let ca = authority.to_str().unwrap();
    let arguments = ["--cacert", ca, "--user", "WK:", "--data", body, &url];
    let output = curl(&[&arguments[..], more].concat());
    output.status.success() && said(&output) == "ok"
}

#[test]
fn both_listeners_speak_tls_and_nothing_else() {
    let (redis, all, directory) = (
        Redis::start(),
        Certificates::new(),
        tempfile::tempdir().unwrap(),
    );
    install(&all, directory.path());
    let server = start(&redis, directory.path());
    let authority = all.path("ca.pem");
    // Clients who say nothing keep nobody waiting.
    let silent: Vec<_> = (0..20)
        .map(|_| TcpStream::connect(&server.gateway).unwrap())
        .collect();
    for version in ["--tlsv1.3", "--tlsv1.2"] {
        let exactly = ["--tls-max", version.trim_start_matches("--tlsv")];
        assert!(
            sends(&server, &authority, &[&[version], &exactly[..]].concat()),
            "{version}"
        );
    }
    assert!(!sends(&server, &authority, &["--tls-max", "1.1"]));
    drop(silent);
    let plain = curl(&[&on_localhost(&server.gateway, "/health").replace("https", "http")]);
    assert!(!plain.status.success(), "{plain:?}");
    let stranger = curl(&[&on_localhost(&server.gateway, "/health")]);
    assert_eq!(stranger.status.code(), Some(60), "{stranger:?}");

    let ready = on_localhost(&server.private, "/ready");
    let ca = authority.to_str().unwrap();
    let ready = eventually("the event to be delivered", || {
        let output = curl(&["--cacert", ca, &ready]);
        Some(said(&output)).filter(|said| said.contains("\"ready\""))
    });
    assert!(ready.contains("profiles"), "{ready}");
    eventually("the profile", || {
        redis.fields("user:ada").contains_key("plan").then_some(())
    });

    let url = on_localhost(&server.gateway, "");
    let identify = [
        "identify",
        "ben",
        "plan=free",
        "--write-key",
        "WK",
        "--url",
        &url,
    ];
    let output = server.cli(&[&identify[..], &["--ca", ca]].concat());
    assert_eq!(said(&output), "ok\n");
    let output = server.cli(&identify);
    assert!(!output.status.success());
    assert!(
        said(&output).contains("fix: give --ca"),
        "{}",
        said(&output)
    );
    let output = server.cli(&[&identify[..], &["--ca", "/not/there.pem"]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let other = url.replace("localhost", "127.0.0.1");
    let output = server.cli(&[
        "identify",
        "ben",
        "--write-key",
        "WK",
        "--url",
        &other,
        "--ca",
        ca,
    ]);
    assert!(
        said(&output).contains("a name that is in it"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_renewed_certificate_is_shown_without_a_restart() {
    let (redis, old, new) = (Redis::start(), Certificates::new(), Certificates::new());
    let directory = tempfile::tempdir().unwrap();
    install(&old, directory.path());
    let server = start(&redis, directory.path());
    assert!(sends(&server, &old.path("ca.pem"), &[]));

    // Half of it: the key does not fit yet, and the former certificate stays.
    fs::write(directory.path().join("server.pem"), new.text("server.pem")).unwrap();
    eventually("the misfit to be noticed", || {
        assert!(sends(&server, &old.path("ca.pem"), &[]));
        server.log().contains("the former one stays").then_some(())
    });
    install(&new, directory.path());
    eventually("the new certificate to be shown", || {
        sends(&server, &new.path("ca.pem"), &[]).then_some(())
    });
    assert!(!sends(&server, &old.path("ca.pem"), &[]));
}

#[test]
fn an_expired_certificate_is_shown_all_the_same_and_is_an_error_in_the_log() {
    let (redis, all, directory) = (
        Redis::start(),
        Certificates::new(),
        tempfile::tempdir().unwrap(),
    );
    let san = "subjectAltName=DNS:localhost";
    all.issue_dated("old", "ca", san, ["20200101000000Z", "20210101000000Z"]);
    install(&all, directory.path());
    for end in ["pem", "key"] {
        let old = all.text(&format!("old.{end}"));
        fs::write(directory.path().join(format!("server.{end}")), old).unwrap();
    }
    let server = start(&redis, directory.path());
    let authority = all.path("ca.pem");
    assert!(!sends(&server, &authority, &[]));
    assert!(sends(&server, &authority, &["--insecure"]));
    let line = eventually("the error in the log", || {
        let log = server.log();
        let mut lines = log.lines();
        let line = lines.find(|line| line.contains("ERROR") && line.contains("expired on"))?;
        Some(line.to_owned())
    });
    assert!(line.contains("tls_certificate"), "{line}");
    // The renewed one is shown without a restart.
    install(&all, directory.path());
    eventually("the renewed certificate", || {
        sends(&server, &authority, &[]).then_some(())
    });
}

#[test]
fn the_consoles_cookie_never_travels_without_tls() {
    let (redis, all, directory) = (
        Redis::start(),
        Certificates::new(),
        tempfile::tempdir().unwrap(),
    );
    install(&all, directory.path());
    let server = start(&redis, directory.path());
    let authority = all.path("ca.pem");
    let url = on_localhost(&server.private, "/login");
    let form = format!("key={ADMIN_KEY}");
    let ca = authority.to_str().unwrap();
    let output = curl(&["--include", "--cacert", ca, "--data", &form, &url]);
    let answer = said(&output).to_lowercase();
    assert!(answer.starts_with("http/1.1 303"), "{answer}");
    assert!(
        answer.contains("samesite=strict; path=/; secure"),
        "{answer}"
    );
}

#[test]
fn who_never_shakes_hands_makes_room() {
    let (redis, all, directory) = (
        Redis::start(),
        Certificates::new(),
        tempfile::tempdir().unwrap(),
    );
    install(&all, directory.path());
    let server = start_with("max_connections = 2", &redis, directory.path());
    let authority = all.path("ca.pem");
    for _ in 0..3 {
        let silent: Vec<_> = (0..5)
            .map(|_| TcpStream::connect(&server.gateway).unwrap())
            .collect();
        assert!(sends(&server, &authority, &[]));
        drop(silent);
    }
}
