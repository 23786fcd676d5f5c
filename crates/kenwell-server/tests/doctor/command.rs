//! What the command prints, and how it ends.

use super::support::ports::free_port;
use super::support::server::Server;
use super::{configure, doctor, stderr, stdout};

/// Puts names in place of what differs between two runs.
fn settled(text: &str, port: &str) -> String {
    let text = text.replace(port, "PORT");
    let settle = |line: &str| {
        if let Some((before, _)) = line.split_once("p50 ") {
            return format!("{before}p50 N ms, p99 N ms of 100 PINGs");
        }
        match line.split_once("Redis 7.").or(line.split_once("Redis 8.")) {
            Some((before, _)) => format!("{before}Redis N"),
            None => line.to_owned(),
        }
    };
    text.lines().map(settle).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_healthy_redis_exits_with_0() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&["--appendonly", "yes"]);
    let line = format!("address = \"{}\"\nprefix = \"app\"", server.address());
    configure(directory.path(), &[("profiles", &line)]);
    let output = doctor(directory.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(stderr(&output), "");
    let port = server.address().rsplit(':').next().unwrap().to_owned();
    insta::assert_snapshot!("healthy", settled(&stdout(&output), &port));
    assert_eq!(server.command("DBSIZE"), ":0");
}

#[test]
fn one_ill_redis_is_enough_for_1() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&["--maxmemory-policy", "allkeys-lru"]);
    let rules = "ACL SETUSER kenwell on >SECRET +@all -hset";
    assert_eq!(server.command(rules), "+OK");
    let well = format!("address = \"{}\"", server.address());
    let ill = format!("{well}\nusername = \"kenwell\"\npassword = \"SECRET\"\nprefix = \"app\"");
    let destinations = [
        ("well", well.as_str()),
        ("ill", ill.as_str()),
        (
            "old",
            "address = \"no-such-host.invalid:1\"\nenabled = false",
        ),
    ];
    configure(directory.path(), &destinations);
    let output = doctor(directory.path(), &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(stderr(&output), "error: not healthy: ill\n");
    let port = server.address().rsplit(':').next().unwrap().to_owned();
    insta::assert_snapshot!("ill", settled(&stdout(&output), &port));
    let chosen = doctor(directory.path(), &["--destination", "well"]);
    assert_eq!(chosen.status.code(), Some(0), "{chosen:?}");
    let disabled = doctor(directory.path(), &["--destination", "old"]);
    assert_eq!(disabled.status.code(), Some(1), "{disabled:?}");
}

#[test]
fn json_has_a_line_for_each_destination() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let away = format!("address = \"127.0.0.1:{port}\"\npassword = \"SECRET\"");
    let old = format!("{away}\nenabled = false");
    configure(directory.path(), &[("away", &away), ("old", &old)]);
    let output = doctor(directory.path(), &["--json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    insta::assert_snapshot!("json", stdout(&output).replace(&port.to_string(), "PORT"));
    let said = stdout(&output);
    let first: serde_json::Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(first.get("healthy"), Some(&false.into()));
}

#[test]
fn what_cannot_be_examined_exits_with_2() {
    let directory = tempfile::tempdir().unwrap();
    let missing = doctor(directory.path(), &[]);
    assert_eq!(missing.status.code(), Some(2), "{missing:?}");
    configure(directory.path(), &[]);
    let none = doctor(directory.path(), &["--json"]);
    assert_eq!(none.status.code(), Some(2), "{none:?}");
    assert!(stderr(&none).contains("no destination"), "{none:?}");
    configure(directory.path(), &[("profiles", "address = \"h:1\"")]);
    let unknown = doctor(directory.path(), &["--destination", "profile"]);
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
    assert!(
        stderr(&unknown).contains("use one of: profiles"),
        "{unknown:?}"
    );
}
