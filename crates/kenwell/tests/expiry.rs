//! Profiles that expire: each write renews the time to live, and no write is lost to the old one.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::cluster::Cluster;
use crate::support::flavour::Flavour;
use crate::support::load::update;
use crate::support::proxy::{Act, Proxy, is};
use crate::support::server::Server;
use kenwell::connection::{Connection, Settings};
use kenwell::doctor::{Check, Status, examine_expiring};
use kenwell::profile::{Expiry, FieldTtls, Layout, TtlFrom, Writer, fields_expire_in};
use kenwell::{Class, Error};

const HOUR: Duration = Duration::from_hours(1);

fn writer(settings: Settings, expiry: Expiry) -> Writer {
    Writer::new(Connection::new(settings).unwrap()).expiring(expiry)
}

fn hour() -> Expiry {
    Expiry {
        ttl: Some(HOUR),
        ..Expiry::default()
    }
}

/// `cart` and all below it go after half an hour.
fn half_an_hour_for_carts() -> Expiry {
    let ttls = ["cart", "cart.*"].map(|pattern| (pattern.to_owned(), HOUR / 2));
    Expiry {
        field_ttls: FieldTtls::new(ttls).unwrap(),
        ..Expiry::default()
    }
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
            matches!(error, Error::Needed { need, .. } if need.setting == "ttl"),
            "{error}"
        );
        assert_eq!(error.class(), Class::Configuration);
    }
    proxy.rule(|_| Act::Pass);
    let results = writer.attempt(&[update("u1", r#"{"a":1}"#)]).await;
    assert!(results[0].is_ok(), "{results:?}");
}

#[tokio::test]
async fn from_the_first_write_on_nothing_renews_it() {
    for flavour in [
        Flavour::Redis62,
        Flavour::Redis,
        Flavour::Redis82,
        Flavour::Valkey,
    ] {
        let server = Server::of(flavour, &[]);
        let expiry = Expiry {
            ttl_from: TtlFrom::First,
            ..hour()
        };
        let mut writer = writer(server.settings(), expiry);
        let updates = [update("u1", r#"{"a":1}"#), update("u2", r#"{"a":1}"#)];
        assert!(writer.attempt(&updates).await.iter().all(Result::is_ok));
        assert!(is_renewed(&server, "user:u1") && is_renewed(&server, "user:u2"));
        server.command("PEXPIRE user:u1 60000");
        // As one that was written before there was a time to live.
        server.command("PERSIST user:u2");
        assert!(writer.attempt(&updates).await.iter().all(Result::is_ok));
        assert!((1..=60_000).contains(&expires_in(&server, "user:u1")));
        assert!(is_renewed(&server, "user:u2"), "{flavour:?}");
    }
}

/// Milliseconds until a field goes; -1 for never, -2 for what is not there.
fn field_expires_in(server: &Server, key: &str, field: &str) -> i64 {
    let reply = server.cli(&["HPTTL", key, "FIELDS", "1", field]);
    reply.parse().unwrap()
}

#[tokio::test]
async fn fields_go_before_their_profile_where_the_server_knows_how() {
    for flavour in [Flavour::Redis82, Flavour::Valkey] {
        let server = Server::of(flavour, &[]);
        let expiry = Expiry {
            ttl: Some(HOUR),
            ..half_an_hour_for_carts()
        };
        let mut writer = writer(server.settings(), expiry);
        // More fields than fit into one command.
        let items: Vec<_> = (0..1_200)
            .map(|item| format!("\"i{item}\":{item}"))
            .collect();
        let traits = format!(r#"{{"plan":"pro","cart":{{{}}}}}"#, items.join(","));
        let updates = [update("u1", &traits), update("u2", r#"{"plan":"pro"}"#)];
        for _round in 0..2 {
            let results = writer.attempt(&updates).await;
            assert!(results.iter().all(Result::is_ok), "{results:?}");
            assert!(is_renewed(&server, "user:u1") && is_renewed(&server, "user:u2"));
            assert_eq!(field_expires_in(&server, "user:u1", "plan"), -1);
            for field in ["cart.i0", "cart.i1199"] {
                let left = field_expires_in(&server, "user:u1", field);
                assert!((900_000..=1_800_000).contains(&left), "{field} {left}");
            }
            let names = ["plan", "cart.i0", "cart.nothing"];
            let (connection, layout) = (server.connection(), Layout::default());
            let left = fields_expire_in(&connection, &layout, "u1", &names);
            let left = left.await.unwrap();
            assert!(left[0].is_none() && left[1].is_some() && left[2].is_none());
            server.cli(&["HPEXPIRE", "user:u1", "60000", "FIELDS", "1", "cart.i0"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_cluster_every_node_lets_its_profiles_expire() {
    let cluster = Cluster::of(Flavour::Valkey);
    let expiry = Expiry {
        ttl: Some(HOUR),
        ttl_from: TtlFrom::First,
        ..half_an_hour_for_carts()
    };
    let mut writer = writer(cluster.settings(), expiry);
    let users: Vec<_> = (0..30).map(|user| format!("u{user}")).collect();
    let traits = r#"{"plan":"pro","cart":{"total":9}}"#;
    let updates: Vec<_> = users.iter().map(|user| update(user, traits)).collect();
    for _round in 0..2 {
        let results = writer.settle(&updates).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    }
    let mut masters = HashSet::new();
    for user in users {
        let key = format!("user:{user}");
        let master = cluster.master_of(&key);
        assert!(is_renewed(&cluster.nodes[master], &key), "{key}");
        let left = field_expires_in(&cluster.nodes[master], &key, "cart.total");
        assert!((900_000..=1_800_000).contains(&left), "{key} {left}");
        masters.insert(master);
    }
    assert_eq!(masters.len(), 3);
}

#[tokio::test]
async fn where_fields_cannot_expire_nothing_is_written_and_nobody_condemned() {
    for flavour in [Flavour::Redis62, Flavour::Redis] {
        let server = Server::of(flavour, &[]);
        let mut writer = writer(server.settings(), half_an_hour_for_carts());
        let one = [update("u1", r#"{"plan":"pro","cart":{"total":9}}"#)];
        for _attempt in 0..30 {
            let results = writer.attempt(&one).await;
            let error = results[0].as_ref().unwrap_err();
            assert_eq!(error.class(), Class::Configuration);
            let text = error.to_string();
            assert!(
                text.contains("`field_ttl`") && text.contains("Redis 7.4"),
                "{text}"
            );
        }
        assert_eq!(server.command("DBSIZE"), ":0");
        // Of this one nothing is to go.
        let results = writer.attempt(&[update("u2", r#"{"plan":"pro"}"#)]).await;
        assert!(results[0].is_ok(), "{results:?}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_on_a_time_to_live_condemns_nobody() {
    let server = Server::of(Flavour::Valkey, &[]);
    for command in ["PEXPIRE", "HPEXPIRE"] {
        let proxy = Proxy::before(&server.address());
        let expiry = Expiry {
            ttl: Some(HOUR),
            ..half_an_hour_for_carts()
        };
        let mut writer = writer(Settings::new(proxy.address()), expiry);
        let all = [update("u1", r#"{"cart":1}"#), update("u2", r#"{"cart":1}"#)];
        assert!(writer.settle(&all).await.iter().all(Result::is_ok));
        proxy.rule(move |sent| {
            if is(sent, command) {
                Act::CutBefore
            } else {
                Act::Pass
            }
        });
        // Until each is sent alone.
        for _attempt in 0..5 {
            for result in writer.attempt(&all).await {
                assert!(result.unwrap_err().is_retryable(), "{command}");
            }
            assert!(!all.iter().any(|update| writer.is_suspect(update)));
        }
        proxy.rule(|_| Act::Pass);
        assert!(writer.settle(&all).await.iter().all(Result::is_ok));
    }
}

/// What the doctor says of a check, and the cure.
async fn says(server: &Server, expiry: &Expiry, check: Check) -> (Status, String) {
    let report = examine_expiring(&server.settings(), &Layout::default(), expiry).await;
    let found = report.finding(check).unwrap();
    let cure = found.cure.as_deref().unwrap_or_default();
    (found.status, format!("{}; {cure}", found.says))
}

#[tokio::test]
async fn the_doctor_looks_for_what_a_time_to_live_takes() {
    let server = Server::start(&["--maxmemory-policy", "volatile-lru"]);
    let ttl = Expiry {
        ttl_from: TtlFrom::First,
        ..hour()
    };
    let (status, text) = says(&server, &ttl, Check::Eviction).await;
    assert!(
        status == Status::Warning && text.contains("`ttl`"),
        "{text}"
    );
    let (status, text) = says(&server, &ttl, Check::Rights).await;
    assert!(
        status == Status::Ok && text.contains("PEXPIRE, PTTL"),
        "{text}"
    );
    server.command("ACL SETUSER default -pexpire -pttl");
    let (status, text) = says(&server, &ttl, Check::Rights).await;
    assert!(
        status == Status::Failed && text.contains("+pexpire +pttl"),
        "{text}"
    );
    let (status, text) = says(&server, &Expiry::default(), Check::Rights).await;
    assert_eq!(status, Status::Ok, "{text}");

    let fields = half_an_hour_for_carts();
    let (status, text) = says(&server, &fields, Check::Rights).await;
    let cure = "does not know HPEXPIRE; `field_ttl` takes Redis 7.4";
    assert!(status == Status::Failed && text.contains(cure), "{text}");
    for flavour in [Flavour::Valkey, Flavour::Redis82] {
        let server = Server::of(flavour, &[]);
        let (status, text) = says(&server, &fields, Check::Rights).await;
        assert!(status == Status::Ok && text.contains("HPEXPIRE"), "{text}");
        assert_eq!(server.command("DBSIZE"), ":0");
    }
}
