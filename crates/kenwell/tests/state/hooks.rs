//! Hooks: sync and async, for keys and for values, and what happens when one fails.

use std::io;
use std::sync::{Arc, Mutex};

use kenwell::state::{Entry, Error, Record, StateStore};
use serde_json::{Value, json};

use crate::support::server::Server;
use crate::walk_of_a_save::with_user;

fn reversed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.reverse();
    bytes
}

#[tokio::test]
async fn hooks_name_keys_and_change_values() {
    let server = Server::start(&[]);
    let store = StateStore::builder(server.connection())
        .key_prefix("p")
        .on_create_key(|request| {
            let parts = [&*request.key_prefix, &request.user_id, &*request.entry_id];
            Ok::<_, io::Error>(parts.join(&request.key_separator))
        })
        .on_encode_value(|value| Ok::<_, io::Error>(reversed(value.bytes)))
        .on_decode_value(|value| {
            assert_eq!(
                (&*value.entry_id, &value.key[..]),
                ("data", &b"p:u1:data"[..])
            );
            Ok::<_, io::Error>(reversed(value.bytes))
        })
        .build()
        .unwrap();
    store
        .save("u1", &mut with_user(&json!({"a": 1})))
        .await
        .unwrap();
    let stored = server.cli(&["GET", "p:u1:data"]);
    assert!(
        stored.starts_with('}') && stored.contains("\"resu\""),
        "{stored}"
    );
    let record = store.load("u1").await.unwrap().unwrap();
    assert_eq!(record.user::<Value>().unwrap().unwrap(), json!({"a": 1}));
}

#[tokio::test]
async fn hooks_may_wait() {
    let server = Server::start(&[]);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let store = StateStore::builder(server.connection())
        .on_create_key_async(|request| async move {
            tokio::task::yield_now().await;
            Ok::<_, io::Error>(format!("k:{}", request.user_id))
        })
        .on_encode_value_async(|value| async move {
            tokio::task::yield_now().await;
            Ok::<_, io::Error>(reversed(value.bytes))
        })
        .on_decode_value_async(move |value| {
            noted.lock().unwrap().push(value.entry_id.to_string());
            async move {
                tokio::task::yield_now().await;
                Ok::<_, io::Error>(reversed(value.bytes))
            }
        })
        .build()
        .unwrap();
    store
        .save("u1", &mut with_user(&json!({"a": 1})))
        .await
        .unwrap();
    assert!(store.load("u1").await.unwrap().is_some());
    assert_eq!(*seen.lock().unwrap(), ["data"]);
    assert_eq!(server.cli(&["KEYS", "*"]), "k:u1");
}

#[tokio::test]
async fn a_hook_that_fails_writes_nothing_and_is_named() {
    let server = Server::start(&[]);
    let entries = || ["a", "b", "c"].map(|id| Entry::new(id).everything());
    let begin = || StateStore::builder(server.connection()).entries(entries());
    let fails = |entry: &str| {
        if entry == "c" {
            return Err(io::Error::other("the key service is away"));
        }
        Ok(())
    };
    let store = begin().on_encode_value(move |value| fails(&value.entry_id).map(|()| value.bytes));
    let store = store.build().unwrap();
    let error = store
        .save("u1", &mut Record::new())
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "entry `c` (key `c:u1`): on_encode_value failed: the key service is away"
    );
    let store = begin().on_create_key_async(move |request| async move {
        fails(&request.entry_id).map(|()| request.user_id)
    });
    let store = store.build().unwrap();
    let error = store
        .save("u1", &mut Record::new())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("entry `c`") && error.contains("on_create_key failed"),
        "{error}"
    );
    assert!(store.load("u1").await.is_err() && store.delete("u1").await.is_err());
    assert_eq!(server.cli(&["DBSIZE"]), "0");

    let store = begin().on_decode_value(move |value| fails(&value.entry_id).map(|()| value.bytes));
    let store = store.build().unwrap();
    store
        .save("u1", &mut with_user(&json!({"a": 1})))
        .await
        .unwrap();
    let error = store.load("u1").await.unwrap_err();
    assert!(matches!(error, Error::Undecodable { .. }), "{error}");
    let said = error.to_string();
    assert_eq!(
        said,
        "entry `c` (key `c:u1`) cannot be decoded: the key service is away"
    );
}
