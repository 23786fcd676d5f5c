//! Encrypted entries in Redis: what can be done to them, and what comes of it.

use kenwell::state::encryption::{Key, KeyRing};
use kenwell::state::{Entry, Error, StateStore};
use serde_json::{Value, json};

use crate::support::server::Server;
use crate::walk_of_a_save::with_user;

fn ring(keys: &[(&str, u8)]) -> KeyRing {
    let keys = keys
        .iter()
        .map(|&(id, byte)| Key::new(id, [byte; 32]).unwrap());
    KeyRing::new(keys.collect()).unwrap()
}

fn store(server: &Server, keys: &[(&str, u8)]) -> StateStore {
    let entries = [
        Entry::new("secret").user().encrypted(),
        Entry::new("open").created_at(),
    ];
    let store = StateStore::builder(server.connection())
        .entries(entries)
        .encryption(ring(keys));
    store.build().unwrap()
}

async fn refusal(store: &StateStore, user: &str) -> String {
    let error = store.load(user).await.unwrap_err();
    assert!(matches!(error, Error::Undecodable { .. }), "{error}");
    let said = error.to_string();
    assert!(
        said.starts_with(&format!("entry `secret` (key `secret:{user}`)")),
        "{said}"
    );
    said
}

#[tokio::test]
async fn encrypted_values_that_are_swapped_truncated_downgraded_or_of_another_key_are_refused() {
    let server = Server::start(&[]);
    let ours = store(&server, &[("main", 1)]);
    for user in ["ada", "bob"] {
        let mut record = with_user(&json!({"iban": "DE02"}));
        ours.save(user, &mut record).await.unwrap();
    }
    let sealed = server.cli(&["GET", "secret:ada"]);
    assert!(
        sealed.starts_with("kw1.main.") && !sealed.contains("iban"),
        "{sealed}"
    );
    assert!(
        server
            .cli(&["GET", "open:ada"])
            .starts_with("{\"createdAt\"")
    );
    let record = ours.load("ada").await.unwrap().unwrap();
    assert_eq!(
        record.user::<Value>().unwrap().unwrap(),
        json!({"iban": "DE02"})
    );

    server.cli(&["COPY", "secret:bob", "secret:ada", "REPLACE"]);
    assert!(
        refusal(&ours, "ada")
            .await
            .contains("copied from another key")
    );
    for changed in [
        &sealed[..sealed.len() - 4],
        "kw1.main.",
        &sealed.replace("kw1", "kw2"),
    ] {
        server.cli(&["SET", "secret:ada", changed]);
        refusal(&ours, "ada").await;
    }
    server.cli(&["SET", "secret:ada", r#"{"user":{"data":{"admin":true}}}"#]);
    assert!(
        refusal(&ours, "ada")
            .await
            .contains("not encrypted, but should be")
    );
    server.cli(&["SET", "secret:ada", &sealed]);
    assert!(ours.load("ada").await.unwrap().is_some());
    assert!(
        refusal(&store(&server, &[("main", 2)]), "ada")
            .await
            .contains("another secret")
    );
    assert!(
        refusal(&store(&server, &[("new", 1)]), "ada")
            .await
            .contains("key `main`")
    );
}

#[tokio::test]
async fn keys_rotate_with_the_saves() {
    let server = Server::start(&[]);
    let old = store(&server, &[("1", 1)]);
    old.save("ada", &mut with_user(&json!({"n": 1})))
        .await
        .unwrap();
    let both = store(&server, &[("2", 2), ("1", 1)]);
    let mut record = both.load("ada").await.unwrap().unwrap();
    both.save_if_unchanged("ada", &mut record).await.unwrap();
    assert!(server.cli(&["GET", "secret:ada"]).starts_with("kw1.2."));
    let new = store(&server, &[("2", 2)]);
    let record = new.load("ada").await.unwrap().unwrap();
    assert_eq!(record.user::<Value>().unwrap().unwrap(), json!({"n": 1}));
}

#[tokio::test]
async fn plaintext_is_accepted_while_a_migration_lasts_and_sealed_with_the_next_save() {
    let server = Server::start(&[]);
    server.cli(&["SET", "data:ada", r#"{"user":{"data":{"n":1}}}"#]);
    let begin = || {
        let entry = Entry::new("data").everything().encrypted();
        StateStore::builder(server.connection())
            .entries([entry])
            .encryption(ring(&[("a", 1)]))
    };
    let (strict, migrating) = (
        begin().build().unwrap(),
        begin().accept_plaintext().build().unwrap(),
    );
    assert!(strict.load("ada").await.is_err());
    let mut record = migrating.load("ada").await.unwrap().unwrap();
    migrating.save("ada", &mut record).await.unwrap();
    assert!(strict.load("ada").await.unwrap().is_some());
    // What says that it is sealed is never taken for plaintext.
    server.cli(&["SET", "data:ada", "kw1.a.AAAA"]);
    assert!(migrating.load("ada").await.is_err());
}

#[tokio::test]
async fn the_size_limit_counts_what_is_stored() {
    let server = Server::start(&[]);
    let entry = Entry::new("data").user().encrypted();
    let store = StateStore::builder(server.connection()).entries([entry]);
    let store = store
        .encryption(ring(&[("a", 1)]))
        .max_entry_bytes(100)
        .build()
        .unwrap();
    let error = store
        .save("u", &mut with_user(&json!({"a": "x".repeat(50)})))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}
