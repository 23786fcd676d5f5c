//! A cluster that grows and shrinks while it is written to.

use std::collections::BTreeSet;

use crate::support::cluster::Cluster;
use crate::support::load::{Failures, Load, fields};

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_is_added_and_removed_under_load_costs_nothing() {
    let mut cluster = Cluster::start();
    let users: Vec<String> = (0..60).map(|index| format!("u{index}")).collect();
    // Several users may share a slot, which moves once.
    let mut slots = BTreeSet::new();
    let moved: Vec<String> = (users.iter().map(|user| format!("user:{user}")))
        .filter(|key| slots.insert(cluster.nodes[0].cli(&["CLUSTER", "KEYSLOT", key])))
        .take(8)
        .collect();
    let load = Load::start(&cluster.connection(), users.clone());
    load.progress(20).await;

    let new = cluster.add();
    for key in &moved {
        let migration = cluster.begin_to_move(key, new);
        load.progress(2).await;
        migration.finish();
        load.progress(2).await;
    }
    let keys: usize = cluster.nodes[new].cli(&["DBSIZE"]).parse().unwrap();
    assert!(keys >= moved.len(), "the new master has only {keys} keys");
    load.progress(20).await;

    for key in &moved {
        let back = cluster.master_of(key);
        let migration = cluster.begin_to_move_from(new, key, back);
        load.progress(2).await;
        migration.finish();
        load.progress(2).await;
    }
    cluster.remove_last();
    load.progress(50).await;
    let (written, connection) = load.stop().await;
    assert_eq!(written.failures, Failures::new());
    written.assert_whole(&connection).await;
    // Whoever comes now finds everybody as well.
    let fresh = cluster.connection();
    for user in &users {
        let last = fields(&fresh, user).await["last"].clone();
        assert_eq!(last, written.rounds.to_string(), "{user}");
    }
}
