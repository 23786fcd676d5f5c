//! Profiles that expire: each write renews the time to live, and no write is lost to the old one.
#![allow(
    clippy::allow_attributes,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic, and its helpers are part of it"
)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use kenwell::connection::{Connection, Settings};
use kenwell::profile::{Expiry, Writer};
use kenwell::{Class, Error};
use support::load::update;
use support::proxy::{Act, Proxy, is};
use support::server::Server;

const HOUR: Duration = Duration::from_hours(1);

fn writer(settings: Settings, expiry: Expiry) -> Writer {
    Writer::new(Connection::new(settings).unwrap()).expiring(expiry)
}

fn hour() -> Expiry {
    Expiry { ttl: Some(HOUR) }
}

/// Milliseconds; -1 for ever, -2 for what is not there.
fn expires_in(server: &Server, key: &str) -> i64 {
    let reply = server.command(&format!("PTTL {key}"));
    reply.trim_start_matches(':').parse().unwrap()
}

fn is_renewed(server: &Server, key: &str) -> bool {
    // A machine that is busy may take long to look.
    (1_800_000..=3_600_000).contains(&expires_in(server, key))
}

#[tokio::test]
async fn every_write_renews_the_time_to_live() {
    let server = Server::start(&[]);
    let mut writer = writer(server.settings(), hour());
    let updates = [update("u1", r#"{"a":1}"#), update("u2", r#"{"a":1}"#)];
    assert!(writer.attempt(&updates).await.iter().all(Result::is_ok));
    assert!(is_renewed(&server, "user:u1") && is_renewed(&server, "user:u2"));
    server.command("PEXPIRE user:u1 60000");
    server.command("PERSIST user:u2");
    assert!(writer.attempt(&updates).await.iter().all(Result::is_ok));
    assert!(is_renewed(&server, "user:u1") && is_renewed(&server, "user:u2"));
}

#[tokio::test]
async fn what_is_refused_does_not_expire() {
    let server = Server::start(&[]);
    server.command("SET user:u1 somebodys");
    let mut writer = writer(server.settings(), hour());
    let updates = [update("u1", r#"{"a":1}"#), update("u2", r#"{"a":1}"#)];
    let results = writer.attempt(&updates).await;
    assert!(results[0].is_err() && results[1].is_ok(), "{results:?}");
    assert_eq!(expires_in(&server, "user:u1"), -1);
    assert!(is_renewed(&server, "user:u2"));
}

#[tokio::test]
async fn what_the_old_time_to_live_takes_along_is_written_again() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    let mut writer = writer(Settings::new(proxy.address()), hour());
    let (address, mut is_first) = (server.address(), true);
    proxy.rule(move |command| {
        if is(command, "PEXPIRE") && std::mem::take(&mut is_first) {
            let mut stream = TcpStream::connect(&address).unwrap();
            stream.write_all(b"DEL user:u1\r\n").unwrap();
            stream.read_exact(&mut [0; 4]).unwrap();
        }
        Act::Pass
    });
    let results = writer.attempt(&[update("u1", r#"{"a":1}"#)]).await;
    assert!(results[0].is_ok(), "{results:?}");
    assert_eq!(server.command("HLEN user:u1"), ":1");
    assert!(is_renewed(&server, "user:u1"));
}

#[tokio::test]
async fn a_profile_without_its_time_to_live_is_not_written() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    let mut writer = writer(Settings::new(proxy.address()), hour());
    let one = [update("u1", r#"{"a":1}"#)];
    // The answer to the write came, that to the rest did not.
    proxy.rule(|command| {
        if is(command, "PEXPIRE") {
            Act::CutBefore
        } else {
            Act::Pass
        }
    });
    let results = writer.attempt(&one).await;
    assert!(results[0].as_ref().unwrap_err().is_retryable());
    assert_eq!(expires_in(&server, "user:u1"), -1);
    proxy.rule(|_| Act::Pass);
    let results = writer.settle(&one).await;
    assert!(results[0].is_ok(), "{results:?}");
    assert!(is_renewed(&server, "user:u1"));
}

#[tokio::test]
async fn a_refused_time_to_live_condemns_nobody_and_names_the_setting() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    let mut writer = writer(Settings::new(proxy.address()), hour());
    proxy.rule(|command| {
        if is(command, "PEXPIRE") {
            Act::Answer("ERR words that nobody knows".to_owned())
        } else {
            Act::Pass
        }
    });
    // More often than it takes to condemn an update.
    for _attempt in 0..30 {
        let results = writer.attempt(&[update("u1", r#"{"a":1}"#)]).await;
        let error = results[0].as_ref().unwrap_err();
        assert!(
            matches!(error, Error::Needed { setting: "ttl", .. }),
            "{error}"
        );
        assert_eq!(error.class(), Class::Configuration);
    }
    proxy.rule(|_| Act::Pass);
    let results = writer.attempt(&[update("u1", r#"{"a":1}"#)]).await;
    assert!(results[0].is_ok(), "{results:?}");
}
