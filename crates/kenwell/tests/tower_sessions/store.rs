//! What a store must do, whoever asks: keys, values, times, and records that come back.

use kenwell::tower_sessions::{MAX_SESSION_BYTES, RedisStore};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use tower_sessions::SessionStore;
use tower_sessions::session::Id;
use tower_sessions::session_store::Error;

use super::{record, store, stored};
use crate::support::cluster::Cluster;
use crate::support::server::Server;

#[tokio::test]
async fn anyone_can_read_what_is_stored_and_redis_forgets_it() {
    let server = Server::start(&[]);
    let store = store(&server).key_prefix("shop");
    let mut record = record(Id::default(), json!({"foo": 42}));
    let until = record.expiry_date.unix_timestamp_nanos() / 1_000_000;
    store.create(&mut record).await.unwrap();
    let key = format!("shop:session:{}", record.id);
    let text = server.cli(&["GET", &key]);
    assert!(
        text.starts_with(r#"{"data":{"foo":42},"expiresAt":""#),
        "{text}"
    );
    assert_ends(&server, &key, until);
    let loaded = store.load(&record.id).await.unwrap().unwrap();
    assert_eq!((loaded.id, &loaded.data["foo"]), (record.id, &json!(42)));
    assert_eq!(loaded.expiry_date.unix_timestamp_nanos() / 1_000_000, until);
    // A save moves the end.
    let mut loaded = loaded;
    loaded.expiry_date += Duration::hours(1);
    store.save(&loaded).await.unwrap();
    assert_ends(&server, &key, until + 3_600_000);
    store.delete(&record.id).await.unwrap();
    assert_eq!(server.cli(&["DBSIZE"]), "0");
    assert!(store.load(&record.id).await.unwrap().is_none());
    store.delete(&record.id).await.unwrap();
}

/// A machine that is busy may take long to send what was to be kept for so long.
fn assert_ends(server: &Server, key: &str, until: i128) {
    let ends: i128 = server.cli(&["PEXPIRETIME", key]).parse().unwrap();
    let near = until - 1_000..until + 60_000;
    assert!(near.contains(&ends), "{ends}, {until}");
}

/// A server whose clock is hours ahead of the program's would confirm what it forgets at once.
#[tokio::test]
async fn redis_is_told_how_long_and_not_until_when() {
    let server = Server::start(&["--slowlog-log-slower-than", "0"]);
    let store = store(&server);
    let mut record = record(Id::default(), json!({"foo": 42}));
    store.create(&mut record).await.unwrap();
    record.data.remove("foo");
    store.save(&record).await.unwrap();
    record.data.clear();
    store.save(&record).await.unwrap();
    let seen = server.cli(&["SLOWLOG", "GET", "100"]);
    assert!(!seen.contains("PXAT"), "{seen}");
    // Of the script only the beginning is kept there.
    assert!(seen.matches("PX").count() >= 2, "{seen}");
}

#[tokio::test]
async fn numbers_keep_all_their_digits() {
    let server = Server::start(&[]);
    let store = store(&server);
    let mut bits = 1_u64;
    let mut number = || loop {
        bits = bits
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let found = f64::from_bits(bits);
        if found.is_finite() {
            return found;
        }
    };
    let numbers: Vec<f64> = (0..1_000).map(|_| number()).collect();
    let mut record = record(Id::default(), json!({"numbers": numbers}));
    store.create(&mut record).await.unwrap();
    let loaded = store.load(&record.id).await.unwrap().unwrap();
    assert_eq!(loaded.data["numbers"], json!(numbers));
}

#[tokio::test]
async fn a_new_session_never_takes_the_id_of_another_one() {
    let server = Server::start(&[]);
    let store = store(&server);
    let mut first = record(Id::default(), json!({"whose": "first"}));
    store.create(&mut first).await.unwrap();
    let mut second = record(first.id, json!({"whose": "second"}));
    store.create(&mut second).await.unwrap();
    assert_ne!(first.id, second.id);
    for (id, whose) in [(first.id, "first"), (second.id, "second")] {
        let loaded = store.load(&id).await.unwrap().unwrap();
        assert_eq!(loaded.data["whose"], whose);
    }
}

#[tokio::test]
async fn a_session_that_has_ended_stays_ended() {
    let server = Server::start(&[]);
    let store = store(&server);
    // With the text along that it was loaded from, and without.
    let mut created = record(Id::default(), json!({}));
    store.create(&mut created).await.unwrap();
    let loaded = store.load(&created.id).await.unwrap().unwrap();
    store.delete(&created.id).await.unwrap();
    store.save(&loaded).await.unwrap();
    store
        .save(&record(created.id, json!({"a": 1})))
        .await
        .unwrap();
    assert_eq!(server.cli(&["DBSIZE"]), "0");
}

#[tokio::test]
async fn what_is_over_is_not_loaded_and_not_kept() {
    let server = Server::start(&[]);
    let store = store(&server);
    let over = OffsetDateTime::now_utc() - Duration::seconds(1);
    let mut created = record(Id::default(), json!({}));
    created.expiry_date = over;
    store.create(&mut created).await.unwrap();
    assert_eq!(server.cli(&["DBSIZE"]), "0");
    // Redis' clock is behind ours: it still has it.
    let key = format!("session:{}", created.id);
    let text = r#"{"data":{},"expiresAt":"2024-01-01T00:00:00.000Z"}"#;
    server.cli(&["SET", &key, text]);
    assert!(store.load(&created.id).await.unwrap().is_none());
    store.save(&created).await.unwrap();
    assert_eq!(server.cli(&["DBSIZE"]), "0");
}

#[tokio::test]
async fn a_record_that_was_not_loaded_replaces_the_whole() {
    let server = Server::start(&[]);
    let store = store(&server);
    let mut created = record(Id::default(), json!({"a": 1}));
    store.create(&mut created).await.unwrap();
    store
        .save(&record(created.id, json!({"b": 1})))
        .await
        .unwrap();
    let loaded = store.load(&created.id).await.unwrap().unwrap();
    assert!(loaded.data.contains_key("b") && !loaded.data.contains_key("a"));
}

#[tokio::test]
async fn errors_tell_neither_ids_nor_data() {
    let server = Server::start(&[]);
    let store = store(&server);
    let id = stored(&server.connection()).await;
    let key = format!("session:{id}");
    let is_silent = |error: Error| {
        let text = format!("{error} {error:?}");
        assert!(
            !text.contains(&id.to_string()) && !text.contains("hunter2"),
            "{text}"
        );
    };
    let loaded = store.load(&id).await.unwrap().unwrap();
    server.cli(&["SET", &key, r#"{"data":"hunter2"}"#]);
    let broken = store.load(&id).await.unwrap_err();
    assert!(matches!(broken, Error::Decode(_)), "{broken}");
    is_silent(broken);
    // What cannot be read is not overwritten.
    is_silent(store.save(&loaded).await.unwrap_err());
    assert!(server.cli(&["GET", &key]).contains("hunter2"));
    server.cli(&["DEL", &key]);
    server.cli(&["LPUSH", &key, "hunter2"]);
    let refused = store.load(&id).await.unwrap_err();
    assert!(refused.to_string().contains("WRONGTYPE"), "{refused}");
    is_silent(refused);
    is_silent(store.save(&loaded).await.unwrap_err());
    let large = "x".repeat(MAX_SESSION_BYTES);
    let too_large = store.create(&mut record(id, json!({"a": large}))).await;
    assert!(matches!(too_large, Err(Error::Encode(_))));
}

#[tokio::test]
async fn a_cluster_keeps_sessions_too() {
    let cluster = Cluster::start();
    let connection = kenwell::connection::Connection::new(cluster.settings()).unwrap();
    let store = RedisStore::new(connection.clone());
    for _session in 0..6 {
        let id = stored(&connection).await;
        let mut loaded = store.load(&id).await.unwrap().unwrap();
        loaded.data.insert("more".to_owned(), json!(1));
        store.save(&loaded).await.unwrap();
        let loaded = store.load(&id).await.unwrap().unwrap();
        assert_eq!(loaded.data["more"], 1);
        store.delete(&id).await.unwrap();
        assert!(store.load(&id).await.unwrap().is_none());
    }
}

/// The line of the guide, as words.
fn acl_line() -> Vec<String> {
    let guide = include_str!("../../../../docs/tower-sessions.md");
    let line = guide.lines().find(|line| line.starts_with("ACL SETUSER "));
    line.unwrap().split(' ').map(str::to_owned).collect()
}

#[tokio::test]
async fn the_rights_that_the_guide_grants_are_enough() {
    let server = Server::start(&[]);
    let words = acl_line();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(server.cli(&words), "OK");
    let mut settings = server.settings();
    settings.username = Some("app".to_owned());
    settings.password = Some(kenwell::connection::Secret::new("PASSWORD"));
    let connection = kenwell::connection::Connection::new(settings).unwrap();
    let store = RedisStore::new(connection).key_prefix("shop");
    let mut created = record(Id::default(), json!({}));
    store.create(&mut created).await.unwrap();
    let loaded = store.load(&created.id).await.unwrap().unwrap();
    store.save(&loaded).await.unwrap();
    store.save(&record(created.id, json!({}))).await.unwrap();
    store.delete(&created.id).await.unwrap();
}
