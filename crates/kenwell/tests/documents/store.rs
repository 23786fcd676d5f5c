//! Documents in a real Redis: exact whatever their names, one step each, and what is refused.

use std::cell::RefCell;
use std::time::Duration;

use kenwell::profile::{
    self, DataType, Expiry, Fold, Layout, ProfileUpdate, Writer, read_document,
};
use kenwell::{Class, Error};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::model::{self, DIFFERENCES, is_same};
use super::redis::{self, Client};
use crate::support::cluster::{Cluster, MASTERS};
use crate::support::flavour::{Flavour, redis_json};
use crate::support::model::{RecordedOrder, Rules};
use crate::support::proxy::{Act, Proxy, is};
use crate::support::server::Server;

fn layout() -> Layout {
    Layout {
        data_type: DataType::Json,
        ..Layout::default()
    }
}

fn update(user: &str, traits: &str) -> ProfileUpdate {
    let event = format!(r#"{{"userId":"{user}","traits":{traits}}}"#);
    profile::update(event.as_bytes(), &layout()).unwrap()
}

fn folded(user: &str, patches: &[String]) -> ProfileUpdate {
    let mut fold = Fold::default();
    for (item, patch) in patches.iter().enumerate() {
        fold.push(item, update(user, patch));
    }
    fold.finish()[0].update().clone()
}

async fn write(server: &Server, update: ProfileUpdate) -> Result<(), Error> {
    profile::apply(&server.connection(), &[update])
        .await
        .remove(0)
}

/// Names that JSON paths, JSON itself and globs give a meaning.
const NAMES: &[&str] = &[
    "a", "b", "c", "", " ", "a.b", "$", "*", "[0]", "0", "\"", "\\", "a\"b\\", "'", "]", "..",
    "\n", "\0", "/", "~1", "é", "😀", "\u{2028}", "@", "?(@)",
];

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(NAMES).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        3 => Just(Value::Null),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => (-1e300..1e300).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => name().prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            3 => prop::collection::btree_map(name(), inner.clone(), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            1 => prop::collection::vec(inner, 0..3).prop_map(Value::Array),
        ]
    })
}

fn document() -> impl Strategy<Value = Value> {
    value().prop_filter("a document", |value| value.is_object() || value.is_array())
}

/// Patches one after the other, and all in one step, come to what the model says.
#[test]
fn whatever_the_names_and_values_are_documents_are_merged_as_the_model_says() {
    let server = redis::start(&[]);
    let client = RefCell::new(Client::of(&server));
    let connection = server.connection();
    let rules = Rules {
        ours: DIFFERENCES.into(),
        recorded_order: RecordedOrder::Sorted,
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let write = |update| {
        runtime
            .block_on(profile::apply(&connection, &[update]))
            .remove(0)
    };
    let config = ProptestConfig {
        cases: 800,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let cases = (
        prop::option::of(value()),
        prop::collection::vec(document(), 1..4),
    );
    let run = TestRunner::new(config).run(&cases, |(existing, patches)| {
        let mut client = client.borrow_mut();
        client.ask(&[b"FLUSHALL"]);
        let mut expected = existing.clone();
        for patch in &patches {
            expected = Some(model::patched(expected.as_ref(), patch.clone(), &rules).unwrap());
        }
        let texts: Vec<String> = patches.iter().map(Value::to_string).collect();
        if let Some(existing) = &existing {
            client.set("user:one", &existing.to_string());
            client.set("user:all", &existing.to_string());
        }
        for text in &texts {
            let whole = update("one", text);
            prop_assert_eq!(whole.retain(|_| true), Some(whole));
            prop_assert_eq!(
                write(update("one", text)).map_err(|error| error.to_string()),
                Ok(())
            );
        }
        let written = write(folded("all", &texts));
        prop_assert_eq!(written.map_err(|error| error.to_string()), Ok(()));
        for key in ["user:one", "user:all"] {
            let stored = client.document(key).unwrap();
            prop_assert!(
                is_same(&stored, expected.as_ref().unwrap()),
                "{key} is {stored}, not {expected:?}"
            );
        }
        Ok(())
    });
    run.unwrap();
}

/// One that reads and writes whole documents with nulls, and one that merges in Redis.
#[tokio::test(flavor = "multi_thread")]
async fn two_writers_of_one_document_lose_nothing() {
    const UPDATES: usize = 300;
    let server = redis::start(&[]);
    let writers: Vec<_> = [("a", "null"), ("b", "null"), ("c", "1")]
        .into_iter()
        .map(|(name, value)| {
            let mut writer = Writer::new(server.connection());
            tokio::spawn(async move {
                for number in 0..UPDATES {
                    let traits = format!(r#"{{"{name}":{{"{number}":{value}}}}}"#);
                    let results = writer.settle(&[update("u", &traits)]).await;
                    let mut result = results.into_iter().next().unwrap();
                    // What others have changed meanwhile waits for the next attempt, and is never lost.
                    while let Err(error) = result {
                        assert_eq!(error.class(), Class::Transient, "{error}");
                        result = writer.attempt(&[update("u", &traits)]).await.remove(0);
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let stored = Client::of(&server).document("user:u").unwrap();
    for name in ["a", "b", "c"] {
        assert_eq!(stored[name].as_object().unwrap().len(), UPDATES, "{name}");
    }
}

#[tokio::test]
async fn a_document_that_others_change_all_the_time_is_an_error_that_passes() {
    let server = redis::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    let connection =
        kenwell::connection::Connection::new(kenwell::connection::Settings::new(proxy.address()))
            .unwrap();
    let mut other = Client::of(&server);
    let mut number = 0;
    proxy.rule(move |command| {
        if is(command, "EVAL") {
            number += 1;
            other.set("user:u", &format!(r#"{{"other":{number}}}"#));
        }
        Act::Pass
    });
    let change = update("u", r#"{"a":null}"#);
    let results = profile::apply(&connection, std::slice::from_ref(&change)).await;
    let error = results[0].as_ref().unwrap_err();
    assert_eq!(error.class(), Class::Transient, "{error}");
    assert!(error.to_string().contains("CHANGED"), "{error}");
    proxy.rule(|_| Act::Pass);
    assert!(profile::apply(&connection, &[change]).await[0].is_ok());
    let stored = Client::of(&server).document("user:u").unwrap();
    assert_eq!(stored, json!({ "a": null, "other": 5 }));
}

#[tokio::test]
async fn a_key_of_another_type_is_the_fault_of_its_event_alone() {
    let server = redis::start(&[]);
    server.command("HSET user:hash a 1");
    server.command("SET user:text a");
    let updates = [
        update("hash", r#"{"a":1}"#),
        update("good", r#"{"a":1}"#),
        update("text", r#"{"a":null}"#),
        update("fine", r#"{"a":null}"#),
    ];
    let results = Writer::new(server.connection()).settle(&updates).await;
    for place in [0, 2] {
        let error = results[place].as_ref().unwrap_err();
        assert_eq!(error.class(), Class::Record, "{error}");
        assert!(error.to_string().contains("WRONGTYPE"), "{error}");
    }
    assert!(results[1].is_ok() && results[3].is_ok(), "{results:?}");
    assert_eq!(server.command("HGET user:hash a"), "$1");
}

#[tokio::test]
async fn a_server_without_the_module_holds_everything_and_says_what_to_do() {
    let server = Server::start(&[]);
    let fold = [r#"{"a":1}"#, r#"{"a":{"b":1}}"#].map(str::to_owned);
    for update in [
        update("u", r#"{"a":1}"#),
        update("u", r#"{"a":null}"#),
        folded("u", &fold),
    ] {
        let error = write(&server, update).await.unwrap_err();
        assert_eq!(error.class(), Class::Configuration, "{error}");
        let says = error.to_string();
        assert!(
            says.contains("`json` is true") && says.contains("RedisJSON"),
            "{says}"
        );
    }
}

#[tokio::test]
async fn merging_keeps_the_time_to_live_and_reading_back_shows_the_text() {
    let server = redis::start(&[]);
    let connection = server.connection();
    assert_eq!(
        read_document(&connection, &layout(), "u").await.unwrap(),
        None
    );
    write(
        &server,
        update("u", r#"{"big":18446744073709551615,"n":1.0,"x":1e21}"#),
    )
    .await
    .unwrap();
    server.command("EXPIRE user:u 1000");
    write(&server, update("u", r#"{"a":null}"#)).await.unwrap();
    write(&server, update("u", r#"{"b":1}"#)).await.unwrap();
    let left = profile::expires_in(&connection, &layout(), "u")
        .await
        .unwrap();
    assert!(left.is_some());
    let text = read_document(&connection, &layout(), "u")
        .await
        .unwrap()
        .unwrap();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(
        text,
        r#"{"big":18446744073709551615,"n":1,"x":1e21,"a":null,"b":1}"#
    );
    assert!(profile::delete(&connection, &layout(), "u").await.unwrap());
    assert_eq!(
        read_document(&connection, &layout(), "u").await.unwrap(),
        None
    );
}

#[tokio::test]
async fn documents_expire_and_each_write_renews_that() {
    let server = redis::start(&[]);
    let expiry = Expiry {
        ttl: Some(Duration::from_hours(1)),
        ..Expiry::default()
    };
    let mut writer = Writer::new(server.connection()).expiring(expiry);
    for traits in [r#"{"a":1}"#, r#"{"a":null}"#] {
        assert!(writer.attempt(&[update("u", traits)]).await[0].is_ok());
        let left = profile::expires_in(&server.connection(), &layout(), "u").await;
        assert!(left.unwrap().unwrap() > Duration::from_mins(30));
        server.command("PEXPIRE user:u 60000");
    }
}

/// As deep as others can make it, path by path.
#[tokio::test]
async fn a_document_deeper_than_any_patch_is_merged_all_the_same() {
    let server = redis::start(&[]);
    let mut client = Client::of(&server);
    let nested = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    client.set("user:u", &nested(100));
    let path = format!("$.{}", vec!["a"; 100].join("."));
    let deeper = nested(20);
    client.ask(&[b"JSON.SET", b"user:u", path.as_bytes(), deeper.as_bytes()]);
    write(&server, update("u", r#"{"b":1}"#)).await.unwrap();
    write(&server, update("u", r#"{"c":null}"#)).await.unwrap();
    let text = client.text("user:u").unwrap();
    assert!(text.contains(r#""b":1,"c":null"#), "{text}");
    write(&server, update("u", &nested(127))).await.unwrap();
}

#[tokio::test]
async fn documents_of_all_slots_of_a_cluster_are_merged_in_one_call() {
    let cluster = Cluster::with(Flavour::Redis, &["--loadmodule", &redis_json()]);
    let connection = cluster.connection();
    connection.ping().await.unwrap();
    let user = |index: usize| format!("u{index}");
    let round = |traits: &str| -> Vec<_> {
        let patches = [traits, r#"{"last":{"x":1}}"#].map(str::to_owned);
        (0..100)
            .map(|index| folded(&user(index), &patches))
            .collect()
    };
    for traits in [r#"{"a":1,"last":2}"#, r#"{"b":null}"#] {
        let results = profile::apply(&connection, &round(traits)).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    }
    for index in 0..100 {
        let stored = read_document(&connection, &layout(), &user(index)).await;
        let stored: Value = serde_json::from_slice(&stored.unwrap().unwrap()).unwrap();
        assert_eq!(stored, json!({ "a": 1, "b": null, "last": { "x": 1 } }));
    }
    for master in &cluster.nodes[..MASTERS] {
        assert_ne!(master.cli(&["DBSIZE"]), "0");
    }
}

/// The server closes the connection over one document only: that one is condemned, by writes like it.
#[tokio::test]
async fn a_document_that_costs_the_connection_is_judged_among_others() {
    let server = redis::start(&["--proto-max-bulk-len", "1048576"]);
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(1_100_000));
    let updates = [update("large", &large), update("good", r#"{"a":1}"#)];
    let mut writer = Writer::new(server.connection());
    let results = writer.settle(&updates).await;
    let error = results[0].as_ref().unwrap_err();
    assert!(matches!(error, Error::RefusedAlone { .. }), "{error}");
    assert!(error.to_string().contains("invalid bulk length"), "{error}");
    assert!(results[1].is_ok(), "{results:?}");
    assert_eq!(server.command("DBSIZE"), ":1");
}
