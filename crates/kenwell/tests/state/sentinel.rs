//! State behind real Sentinels, before and after they switch to another master.

use std::time::{Duration, Instant};

use kenwell::connection::Connection;
use kenwell::state::{Entry, StateStore};
use serde_json::{Value, json};

use crate::support::sentinels::Sentinels;
use crate::walk_of_a_save::with_user;

/// How long a switch may take.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_store_follows_the_sentinels_to_another_master() {
    let sentinels = Sentinels::start();
    let entries = [Entry::new("user").user(), Entry::new("times").created_at()];
    let connection = Connection::new(sentinels.settings()).unwrap();
    let store = StateStore::builder(connection)
        .entries(entries)
        .build()
        .unwrap();
    store
        .save("u", &mut with_user(&json!({"n": 0})))
        .await
        .unwrap();
    let mut record = store.load("u").await.unwrap().unwrap();
    store.save_if_unchanged("u", &mut record).await.unwrap();

    sentinels.switch();
    let promoted = &sentinels.servers[1];
    let is_there = || promoted.cli(&["GET", "user:u"]).contains("\"n\":1");
    let began = Instant::now();
    while !promoted
        .cli(&["INFO", "replication"])
        .contains("role:master")
        || !is_there()
    {
        assert!(began.elapsed() < PATIENCE, "the new master has nothing");
        // An error on the way is retryable, or it is no failover.
        if let Err(error) = store.save("u", &mut with_user(&json!({"n": 1}))).await {
            assert!(error.is_retryable(), "{error}");
        }
    }
    let record = store.load("u").await.unwrap().unwrap();
    assert_eq!(record.user::<Value>().unwrap().unwrap(), json!({"n": 1}));
}
