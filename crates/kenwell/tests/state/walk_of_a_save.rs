//! The walk of a state save, step by step, and the invariants S1 to S4 by name.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use kenwell::connection::Connection;
use kenwell::state::{
    Builder, Entry, Error, HistoryElement, Record, Session, SessionElement, StateStore,
    StoredElements, Timestamp,
};
use serde_json::{Value, json};

use crate::support::server::Server;

/// A clock that stands until it is set: 2024-01-01T00:00:00.000Z and so many milliseconds.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    pub(crate) fn set(&self, milliseconds: i64) {
        self.0.store(milliseconds, Ordering::Relaxed);
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(1_704_067_200_000 + self.0.load(Ordering::Relaxed))
    }
}

pub(crate) fn builder(connection: Connection, clock: &Clock) -> Builder {
    let clock = clock.clone();
    StateStore::builder(connection).clock(move || clock.now())
}

pub(crate) fn all_elements() -> StoredElements {
    StoredElements {
        session: Some(SessionElement::default()),
        history: Some(HistoryElement {
            size: 2,
            fields: None,
        }),
        ..StoredElements::default()
    }
}

pub(crate) fn with_user(data: &Value) -> Record {
    let mut record = Record::new();
    record.set_user(data).unwrap();
    record
}

#[tokio::test]
async fn walk_of_a_state_save() {
    let server = Server::start(&[]);
    let clock = Clock::default();
    // 2. elements and entries; 3. keys; 4. the codec.
    let store = builder(server.connection(), &clock)
        .key_prefix("bot")
        .elements(all_elements())
        .entries([
            Entry::new("user").user().created_at().updated_at(),
            Entry::new("talk").session().history().ttl_seconds(60),
        ])
        .build()
        .unwrap();
    assert!(store.load("u1").await.unwrap().is_none());
    let mut record = with_user(&json!({"name": "Ada", "7": 1.0}));
    let mut session = Session::new("s1");
    session.set_data(&json!({"step": 1})).unwrap();
    record.set_session(Some(session));
    for turn in 1..=3 {
        record.push_history(&json!({ "turn": turn })).unwrap();
    }
    clock.set(40);
    // 1. save; 5. one MULTI with the entry's time to live; 6. every reply is read.
    store.save("u1", &mut record).await.unwrap();
    assert_eq!(
        server.cli(&["GET", "bot:user:u1"]),
        r#"{"user":{"data":{"7":1,"name":"Ada"}},"createdAt":"2024-01-01T00:00:00.040Z","updatedAt":"2024-01-01T00:00:00.040Z"}"#
    );
    assert_eq!(
        server.cli(&["GET", "bot:talk:u1"]),
        r#"{"session":{"id":"s1","data":{"step":1},"createdAt":"2024-01-01T00:00:00.040Z","updatedAt":"2024-01-01T00:00:00.040Z"},"history":{"items":[{"turn":3},{"turn":2}]}}"#
    );
    assert_eq!(server.cli(&["TTL", "bot:user:u1"]), "-1");
    assert!(server.cli(&["TTL", "bot:talk:u1"]).parse::<i64>().unwrap() > 50);
    // And back.
    clock.set(60_000);
    let mut loaded = store.load("u1").await.unwrap().unwrap();
    assert!(!loaded.is_new());
    assert_eq!(loaded.user::<Value>().unwrap().unwrap()["name"], "Ada");
    assert_eq!(
        loaded.history::<Value>().unwrap(),
        [json!({"turn": 3}), json!({"turn": 2})]
    );
    let session = loaded.session().unwrap();
    assert_eq!(session.id(), Some("s1"));
    assert_eq!(
        session.data::<Value>().unwrap().unwrap(),
        json!({"step": 1})
    );
    loaded.push_history(&json!({"turn": 4})).unwrap();
    clock.set(61_000);
    store.save("u1", &mut loaded).await.unwrap();
    assert!(server.cli(&["GET", "bot:user:u1"]).ends_with(
        r#""createdAt":"2024-01-01T00:00:00.040Z","updatedAt":"2024-01-01T00:01:01.000Z"}"#
    ));
    // The session's time is that of the load, as in Jovo.
    assert!(server.cli(&["GET", "bot:talk:u1"]).contains(
        r#""createdAt":"2024-01-01T00:00:00.040Z","updatedAt":"2024-01-01T00:01:00.000Z"},"history":{"items":[{"turn":4},{"turn":3}]}"#
    ));
    assert!(store.delete("u1").await.unwrap());
    assert!(!store.delete("u1").await.unwrap());
    assert_eq!(server.cli(&["DBSIZE"]), "0");
}

#[tokio::test]
async fn s1_a_save_that_did_not_happen_is_never_ok() {
    let mut server = Server::start(&[]);
    let store = StateStore::builder(server.connection()).build().unwrap();
    let mut record = with_user(&json!({"n": 1}));
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = store.save("u1", &mut record).await.unwrap_err();
    assert!(
        error.to_string().contains("entry `data` (key `data:u1`)"),
        "{error}"
    );
    assert!(error.to_string().contains("OOM"), "{error}");
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    server.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    let error = store.save("u1", &mut record).await.unwrap_err();
    assert!(error.to_string().contains("READONLY"), "{error}");
    assert!(store.save_if_unchanged("u1", &mut record).await.is_err());
    server.cli(&["REPLICAOF", "NO", "ONE"]);
    assert!(record.is_new() && record.created_at().is_none());
    assert_eq!(server.cli(&["DBSIZE"]), "0");
    server.kill();
    assert!(
        store
            .save("u1", &mut record)
            .await
            .unwrap_err()
            .is_retryable()
    );
    server.revive();
    store.save("u1", &mut record).await.unwrap();
    assert!(!record.is_new());
    assert_eq!(server.cli(&["DBSIZE"]), "1");
}

#[tokio::test]
async fn s2_value_and_expiry_are_set_atomically() {
    let server = Server::start(&[]);
    let entries = [
        Entry::new("a").user().ttl_seconds(30),
        Entry::new("b").created_at(),
    ];
    let store = StateStore::builder(server.connection())
        .entries(entries.clone())
        .build()
        .unwrap();
    store.save("u1", &mut with_user(&json!({}))).await.unwrap();
    let ttl = |key: &str| server.cli(&["TTL", key]).parse::<i64>().unwrap();
    assert!((15..=30).contains(&ttl("a:u1")) && ttl("b:u1") == -1);
    // No other command than SET touches the time.
    let stats = server.cli(&["INFO", "commandstats"]);
    assert!(!stats.contains("cmdstat_expire:"), "{stats}");
    // A read leaves it, unless the store refreshes.
    server.cli(&["EXPIRE", "a:u1", "10"]);
    store.load("u1").await.unwrap().unwrap();
    assert!(ttl("a:u1") <= 10);
    let sliding = StateStore::builder(server.connection())
        .entries(entries)
        .refresh_on_load();
    let sliding = sliding.build().unwrap();
    sliding.load("u1").await.unwrap().unwrap();
    assert!(ttl("a:u1") > 20 && ttl("b:u1") == -1);
    let mut record = sliding.load("u1").await.unwrap().unwrap();
    server.cli(&["EXPIRE", "a:u1", "10"]);
    store.save_if_unchanged("u1", &mut record).await.unwrap();
    assert!(ttl("a:u1") > 20);
}

#[tokio::test]
async fn s3_load_never_invents() {
    let server = Server::start(&[]);
    let store = StateStore::builder(server.connection())
        .elements(all_elements())
        .build()
        .unwrap();
    assert!(store.load("u1").await.unwrap().is_none());
    let new = store.load_or_new("u1").await.unwrap();
    assert!(new.is_new() && new.user_json().is_none() && new.session().is_none());
    assert!(new.created_at().is_none() && new.history_json().is_empty());
    server.cli(&["SET", "data:u1", ""]);
    assert!(store.load("u1").await.unwrap().is_none());
    for nothing in [
        "{}",
        r#"{"user":{}}"#,
        r#"{"user":null,"session":0,"history":{"items":null},"createdAt":""}"#,
    ] {
        server.cli(&["SET", "data:u1", nothing]);
        let record = store.load("u1").await.unwrap().unwrap();
        assert!(!record.is_new() && record.user_json().is_none() && record.session().is_none());
        assert!(record.created_at().is_none() && record.history_json().is_empty());
    }
    let many = store.load_many(&["u2", "u1"]).await.unwrap();
    assert!(many[0].as_ref().unwrap().is_none() && many[1].as_ref().unwrap().is_some());
}

#[tokio::test]
async fn s4_a_value_that_cannot_be_decoded_is_an_error_and_is_not_overwritten() {
    let server = Server::start(&[]);
    let entries = [
        Entry::new("user").user(),
        Entry::new("other").history().session().created_at(),
    ];
    let store = StateStore::builder(server.connection())
        .entries(entries)
        .elements(all_elements());
    let store = store.build().unwrap();
    server.cli(&["SET", "user:u1", r#"{"user":{"data":{"a":1}}}"#]);
    for corrupt in [
        "{\"history\":",
        "not json",
        "[]",
        "\"text\"",
        "{\"a\":1}x",
        "{\"x\":NaN}",
        r#"{"history":[]}"#,
        r#"{"history":{"items":"secret"}}"#,
        r#"{"session":"secret"}"#,
        r#"{"createdAt":"secret"}"#,
        r#"{"createdAt":"secret","session":"secret"}"#,
        "kw1.main.AAAA",
    ] {
        server.cli(&["SET", "other:u1", corrupt]);
        let error = store.load("u1").await.unwrap_err();
        assert!(
            matches!(error, Error::Undecodable { .. }) && !error.is_retryable(),
            "{corrupt}"
        );
        let said = error.to_string();
        assert!(
            said.starts_with("entry `other` (key `other:u1`) cannot be decoded: "),
            "{said}"
        );
        assert!(!said.contains("secret"), "{said}");
        let mut record = store.load_readable("u1").await.unwrap();
        assert_eq!(record.user::<Value>().unwrap().unwrap(), json!({"a": 1}));
        assert_eq!(record.unreadable().len(), 1);
        assert_eq!(record.unreadable()[0].entry(), Some("other"));
        for refused in [
            store.save("u1", &mut record).await,
            store.save_if_unchanged("u1", &mut record).await,
        ] {
            assert!(
                matches!(refused, Err(Error::Unreadable { .. })),
                "{corrupt}"
            );
        }
        assert_eq!(server.cli(&["GET", "other:u1"]), corrupt);
        record.overwrite_unreadable();
        store.save_if_unchanged("u1", &mut record).await.unwrap();
        assert!(store.load("u1").await.unwrap().is_some());
    }
    server.cli(&["DEL", "other:u1"]);
    server.cli(&["LPUSH", "other:u1", "x"]);
    let error = store.load("u1").await.unwrap_err().to_string();
    assert!(
        error.contains("entry `other` (key `other:u1`)") && error.contains("WRONGTYPE"),
        "{error}"
    );
    assert_eq!(
        store.load_readable("u1").await.unwrap().unreadable().len(),
        1
    );
}

#[tokio::test]
async fn a_session_is_over_after_its_time_and_not_a_millisecond_earlier() {
    let server = Server::start(&[]);
    let clock = Clock::default();
    let elements = StoredElements {
        session: Some(SessionElement {
            expires_after: Duration::from_secs(1),
        }),
        ..StoredElements::default()
    };
    let store = builder(server.connection(), &clock)
        .elements(elements)
        .build()
        .unwrap();
    let stored = |session: &str| {
        server.cli(&["SET", "data:u1", &format!(r#"{{"session":{session}}}"#)]);
    };
    let touched = r#"{"id":"s","data":{"a":1},"state":[{"component":"X"}],"updatedAt":"2024-01-01T00:00:00.000Z"}"#;
    for (session, now, lives) in [
        (touched, 1000, true),
        (touched, 1001, false),
        (touched, -5000, true),
        (r#"{"id":"s","data":{"a":1}}"#, 9_000_000, true),
        (
            r#"{"id":"s","data":{"a":1},"updatedAt":"never"}"#,
            9_000_000,
            true,
        ),
        ("null", 0, false),
    ] {
        stored(session);
        clock.set(now);
        let record = store.load("u1").await.unwrap().unwrap();
        assert_eq!(record.session().is_some(), lives, "{session} at {now}");
        if let Some(session) = record.session() {
            assert_eq!(session.data::<Value>().unwrap().unwrap(), json!({"a": 1}));
        }
    }
    stored(touched);
    clock.set(500);
    let mut record = store.load("u1").await.unwrap().unwrap();
    clock.set(700);
    store.save("u1", &mut record).await.unwrap();
    let value = server.cli(&["GET", "data:u1"]);
    assert!(value.contains(r#""state":[{"component":"X"}]"#), "{value}");
    assert!(
        value.contains(r#""updatedAt":"2024-01-01T00:00:00.500Z"},"#),
        "{value}"
    );
}
