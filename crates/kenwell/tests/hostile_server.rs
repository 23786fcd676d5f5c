//! A server that answers with what no Redis answers with: it takes no memory, and writes no lines of its own.
#![allow(
    clippy::allow_attributes,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic, and its helpers are part of it"
)]

mod support;

use std::time::Duration;

use kenwell::connection::{Connection, Settings};
use kenwell::doctor::examine;
use kenwell::profile::{self, Layout, Marker, ProfileUpdate};
use kenwell::state::values::{self, Read, Write};
use support::proxy::{Act, Proxy, is};
use support::server::Server;

/// What a process of these tests may take in all, in KiB; without a bound on replies it is gigabytes.
const ENOUGH: u64 = 500_000;

fn update(user: &str) -> ProfileUpdate {
    let event = format!(r#"{{"userId":"{user}","traits":{{"n":1}}}}"#);
    profile::update(event.as_bytes(), &Layout::default()).unwrap()
}

/// The most memory that this process ever had, in KiB.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.unwrap().trim().trim_end_matches(" kB");
    number.parse().unwrap()
}

/// What such a server sends, and goes on sending.
fn floods() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let chunk = |bytes: &[u8]| bytes.repeat(65_536 / bytes.len());
    vec![
        ("a large value", b"$2000000000\r\n".to_vec(), chunk(b"x")),
        (
            "a long list",
            b"*1000000000\r\n".to_vec(),
            chunk(b"$-1\r\n"),
        ),
        ("a list of lists", Vec::new(), chunk(b"*1\r\n")),
        ("wide lists", Vec::new(), chunk(b"*1000000\r\n")),
        ("an endless line", b"+".to_vec(), chunk(b"x")),
        ("an endless refusal", b"-ERR ".to_vec(), chunk(b"x")),
        ("an endless number", b":".to_vec(), chunk(b"1")),
        ("an endless length", b"$".to_vec(), chunk(b"0")),
        (
            "a large map",
            b"%1000000000\r\n".to_vec(),
            chunk(b"$-1\r\n"),
        ),
        (
            "a large push",
            b">1000000000\r\n".to_vec(),
            chunk(b"$-1\r\n"),
        ),
        ("noise", Vec::new(), chunk(b"x")),
    ]
}

/// Answers to this command in such ways, and looks what becomes of it.
async fn attack(command: &'static str, call: impl AsyncFn(&Connection) -> kenwell::Error) {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    for (what, head, more) in floods() {
        proxy.rule(move |words| {
            if is(words, command) {
                Act::Flood(head.clone(), more.clone())
            } else {
                Act::Pass
            }
        });
        let settings = Settings {
            connect_timeout: Duration::from_secs(30),
            command_timeout: Duration::from_secs(30),
            ..Settings::new(proxy.address())
        };
        let connection = Connection::new(settings).unwrap();
        let error = call(&connection).await;
        assert_eq!(error.code(), "not_redis", "{command}, {what}: {error}");
        let error = error.to_string();
        assert!(error.contains("it sent"), "{command}, {what}: {error}");
        assert!(error.len() < 400, "{command}, {what}: {error}");
        // Afterwards all is as before.
        proxy.rule(|_| Act::Pass);
        connection.ping().await.unwrap();
        let most = most_memory();
        assert!(most < ENOUGH, "{command}, {what}: {most} KiB");
    }
}

#[tokio::test]
async fn answers_to_a_write_take_no_memory() {
    attack("HSET", async |connection: &Connection| {
        let updates: Vec<_> = (0..100).map(|user| update(&user.to_string())).collect();
        let mut results = profile::apply(connection, &updates).await;
        results.swap_remove(0).unwrap_err()
    })
    .await;
}

#[tokio::test]
async fn answers_to_a_login_take_no_memory() {
    for command in ["PING", "CLIENT", "HELLO"] {
        attack(command, async |connection: &Connection| {
            connection.ping().await.unwrap_err()
        })
        .await;
    }
}

#[tokio::test]
async fn answers_to_a_read_take_little() {
    attack("HGETALL", async |connection: &Connection| {
        profile::read(connection, &Layout::default(), "u1")
            .await
            .unwrap_err()
    })
    .await;
    attack("INFO", async |connection: &Connection| {
        let marker = Marker::new(connection.clone(), Layout::default(), "i1");
        marker.read(&marker.shard(None)).await.unwrap_err()
    })
    .await;
}

#[tokio::test]
async fn large_values_are_still_read() {
    let server = Server::start(&[]);
    let connection = Connection::new(server.settings()).unwrap();
    let value = vec![b'v'; 20_000_000];
    let keys = ["a", "b"];
    for key in keys {
        let write = Write {
            key: key.into(),
            value: value.clone(),
            ttl_seconds: None,
        };
        values::store(&connection, &[write]).await.unwrap();
    }
    let reads = keys.map(|key| Read {
        key: key.into(),
        refresh_seconds: None,
    });
    let fetched = values::fetch(&connection, &reads, None).await.unwrap();
    assert_eq!(fetched.values.len(), keys.len());
    for found in fetched.values {
        assert!(found.unwrap() == Some(value.clone()));
    }
}

#[tokio::test]
async fn the_doctor_is_not_taken_in() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    for (what, head, more) in floods() {
        proxy.rule(move |_| Act::Flood(head.clone(), more.clone()));
        let settings = Settings {
            connect_timeout: Duration::from_secs(30),
            ..Settings::new(proxy.address())
        };
        let report = examine(&settings, &Layout::default()).await;
        assert!(
            report.findings().iter().any(|found| found.cure.is_some()),
            "{what}"
        );
        let most = most_memory();
        assert!(most < ENOUGH, "{what}: {most} KiB");
    }
}

#[tokio::test]
async fn the_doctor_says_that_it_is_no_redis() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    for command in ["INFO", "HSET"] {
        proxy.rule(move |words| {
            if is(words, command) {
                Act::Flood(b"$2000000000\r\n".to_vec(), vec![b'x'; 65_536])
            } else {
                Act::Pass
            }
        });
        let report = examine(&Settings::new(proxy.address()), &Layout::default()).await;
        let mut findings = report.findings().iter();
        let found = findings.any(|found| found.says.contains("no Redis"));
        assert!(found, "{report:#?}");
    }
}
