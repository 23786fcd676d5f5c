//! What is stored and for how long, without reading it; and times to live that differ from those of the entries.

use std::time::Duration;

use kenwell::connection::{Connection, Secret};
use kenwell::state::values::MAX_TTL_SECONDS;
use kenwell::state::{Entry, Error, HistoryElement, Record, SaveOptions, StateStore};
use serde_json::json;

use crate::support::cluster::Cluster;
use crate::support::flavour::Flavour;
use crate::support::server::Server;
use crate::walk_of_a_save::with_user;

const DAY: u64 = 86_400;

fn store(server: &Server) -> StateStore {
    let entries = [
        Entry::new("data").everything(),
        Entry::new("session").session().ttl_seconds(60),
    ];
    let builder = StateStore::builder(server.connection()).entries(entries);
    builder.build().unwrap()
}

fn seconds_left(server: &Server, key: &str) -> i64 {
    server.cli(&["TTL", key]).parse().unwrap()
}

#[tokio::test]
async fn a_touch_begins_times_to_live_anew_and_writes_nothing() {
    let server = Server::start(&[]);
    let store = store(&server);
    assert!(!store.exists("ada").await.unwrap());
    assert!(!store.touch("ada").await.unwrap());
    let mut record = with_user(&json!({"visits": 1}));
    store.save("ada", &mut record).await.unwrap();
    assert!(store.exists("ada").await.unwrap());
    server.cli(&["EXPIRE", "session:ada", "5"]);
    let before = server.cli(&["GET", "data:ada"]);
    assert!(store.touch("ada").await.unwrap());
    assert!(seconds_left(&server, "session:ada") > 50);
    assert_eq!(seconds_left(&server, "data:ada"), -1);
    assert_eq!(server.cli(&["GET", "data:ada"]), before);
    // Whoever loaded before may still save.
    store.save_if_unchanged("ada", &mut record).await.unwrap();
    assert!(store.touch_for("ada", DAY).await.unwrap());
    assert!(seconds_left(&server, "data:ada") > 86_000);
    assert!(seconds_left(&server, "session:ada") > 86_000);
}

#[tokio::test]
async fn a_save_may_have_a_time_to_live_of_its_own() {
    let server = Server::start(&[]);
    let store = store(&server);
    let mut record = Record::new();
    let remembered = SaveOptions::new().ttl_seconds(30 * DAY);
    store
        .save_with("ada", &mut record, &remembered)
        .await
        .unwrap();
    assert!(seconds_left(&server, "data:ada") > 2_590_000);
    assert!(seconds_left(&server, "session:ada") > 2_590_000);
    let for_ever = SaveOptions::new().ttl_seconds(0).if_unchanged();
    store
        .save_with("ada", &mut record, &for_ever)
        .await
        .unwrap();
    assert_eq!(seconds_left(&server, "session:ada"), -1);
    store.save("ada", &mut record).await.unwrap();
    assert!(seconds_left(&server, "session:ada") <= 60);

    let mut stale = Record::new();
    let conflict = store.save_with("ada", &mut stale, &for_ever).await;
    assert!(matches!(conflict, Err(Error::Conflict)));
    let before = server.cli(&["GET", "data:ada"]);
    let too_long = SaveOptions::new().ttl_seconds(MAX_TTL_SECONDS + 1);
    let refused = store.save_with("ada", &mut record, &too_long).await;
    assert!(
        matches!(&refused, Err(Error::Ttl { place, .. }) if place.entry() == Some("data")),
        "{refused:?}"
    );
    let refused = store.touch_for("ada", MAX_TTL_SECONDS + 1).await;
    assert!(matches!(refused, Err(Error::Ttl { .. })), "{refused:?}");
    assert_eq!(server.cli(&["GET", "data:ada"]), before);
}

#[tokio::test]
async fn entries_are_listed_as_they_lie_there() {
    let server = Server::start(&[]);
    let entries = [
        Entry::new("data").user(),
        Entry::new("session").session().ttl_seconds(60),
        Entry::new("more").history(),
    ];
    let turns = (Entry::new("turns"), HistoryElement::default());
    let builder = StateStore::builder(server.connection()).entries(entries);
    let store = builder.history_list(turns.0, turns.1).build().unwrap();
    assert!(store.stored_entries("ada").await.unwrap().is_empty());
    store
        .save("ada", &mut with_user(&json!({"visits": 1})))
        .await
        .unwrap();
    server.cli(&["DEL", "more:ada"]);
    store.append_history("ada", &1).await.unwrap();
    let found = store.stored_entries("ada").await.unwrap();
    let ids: Vec<_> = found.iter().map(|it| it.entry.as_str()).collect();
    assert_eq!(ids, ["data", "session", "turns"]);
    let text = |index: usize| found[index].value.as_deref();
    assert_eq!(text(0), Some(&br#"{"user":{"data":{"visits":1}}}"#[..]));
    // A list is no value.
    assert_eq!((text(1), text(2)), (Some(&b"{}"[..]), None));
    assert_eq!((found[0].expires_in, found[2].expires_in), (None, None));
    assert!(found[1].expires_in.unwrap() > Duration::from_secs(50));
    assert_eq!(found[1].key, b"session:ada");
}

#[tokio::test]
async fn a_refusal_names_the_entry() {
    let server = Server::start(&[]);
    server.cli(&["ACL", "SETUSER", "app", "on", ">p", "~data:*", "+@all"]);
    let mut settings = server.settings();
    settings.username = Some("app".to_owned());
    settings.password = Some(Secret::new("p"));
    let entries = [
        Entry::new("data").everything(),
        Entry::new("session").session(),
    ];
    let builder = StateStore::builder(Connection::new(settings).unwrap());
    let store = builder.entries(entries).build().unwrap();
    let errors = [
        store.exists("ada").await.unwrap_err(),
        store.touch("ada").await.unwrap_err(),
        store.stored_entries("ada").await.unwrap_err(),
    ];
    for error in errors {
        assert!(
            matches!(&error, Error::Value { place, .. } if place.entry() == Some("session")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_is_no_value_of_the_store_keeps_its_own_time_to_live() {
    for flavour in [Flavour::Redis, Flavour::Redis62, Flavour::Valkey] {
        let server = Server::of(flavour, &[]);
        let builder = StateStore::builder(server.connection())
            .entries([Entry::new("data").everything().ttl_seconds(60)]);
        let turns = Entry::new("turns").ttl_seconds(60);
        let builder = builder.history_list(turns, HistoryElement::default());
        let store = builder.build().unwrap();
        server.cli(&["SET", "turns:ada", "text"]);
        let errors = [
            store.append_history("ada", &1).await.unwrap_err(),
            store.touch("ada").await.unwrap_err(),
        ];
        assert!(errors.iter().all(|error| is_wrong_type(error, "turns")));
        assert_eq!(seconds_left(&server, "turns:ada"), -1, "{flavour:?}");
        assert_eq!(server.cli(&["GET", "turns:ada"]), "text");
        server.cli(&["DEL", "turns:ada"]);
        store.append_history("ada", &1).await.unwrap();
        server.cli(&["RPUSH", "data:ada", "item"]);
        let error = store.touch_for("ada", DAY).await.unwrap_err();
        assert!(is_wrong_type(&error, "data"), "{error}");
        assert_eq!(seconds_left(&server, "data:ada"), -1, "{flavour:?}");
        server.cli(&["DEL", "data:ada"]);
        assert!(store.touch_for("ada", DAY).await.unwrap());
        assert!(seconds_left(&server, "turns:ada") > 86_000);
    }
}

fn is_wrong_type(error: &Error, id: &str) -> bool {
    matches!(error, Error::Value { place, source: kenwell::Error::Refused { reply, .. } }
        if place.entry() == Some(id) && reply.code() == "WRONGTYPE")
}

#[tokio::test]
async fn the_same_in_a_cluster() {
    let cluster = Cluster::start();
    let entries = [
        Entry::new("data").everything().ttl_seconds(60),
        Entry::new("session").session().ttl_seconds(60),
    ];
    let builder = StateStore::builder(cluster.connection()).entries(entries);
    let store = builder.build().unwrap();
    assert!(!store.touch("ada").await.unwrap());
    store.save("ada", &mut Record::new()).await.unwrap();
    assert!(store.exists("ada").await.unwrap());
    assert!(store.touch_for("ada", DAY).await.unwrap());
    let found = store.stored_entries("ada").await.unwrap();
    assert_eq!(found.len(), 2);
    for entry in found {
        assert!(entry.expires_in.unwrap() > Duration::from_secs(86_000));
    }
}
