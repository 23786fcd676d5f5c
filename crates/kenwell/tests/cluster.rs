//! Profiles in a real Redis Cluster: every slot, slots that move, masters that die or freeze.
#![allow(
    clippy::allow_attributes,
    clippy::print_stdout,
    reason = "a test may print what it saw"
)]

use std::time::Duration;

use crate::support::certificates::Certificates;
use crate::support::cluster::{Cluster, MASTERS, eventually, node};
use crate::support::load::{Failures, Load, Written, fields, update};
use crate::support::server::Server;
use kenwell::Class;
use kenwell::connection::{Connection, Secret, Settings};
use kenwell::profile::{self, ProfileUpdate};

fn users(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("u{index}")).collect()
}

async fn refusal(settings: Settings) -> kenwell::Error {
    let connection = Connection::new(settings).unwrap();
    let mut results = profile::apply(&connection, &[update("u1", r#"{"a":1}"#)]).await;
    results.remove(0).unwrap_err()
}

#[tokio::test]
async fn users_of_all_slots_are_written_in_one_call_and_read_back() {
    let cluster = Cluster::start();
    let connection = cluster.connection();
    connection.ping().await.unwrap();
    let users = users(500);
    let traits = |user: &str| format!(r#"{{"name":"{user}","address":{{"city":"Ö"}}}}"#);
    let mut updates: Vec<_> = users
        .iter()
        .map(|user| update(user, &traits(user)))
        .collect();
    // More fields than fit in one command.
    let many: Vec<String> = (0..12_000).map(|n| format!(r#""f{n}":{n}"#)).collect();
    updates.push(update("large", &format!("{{{}}}", many.join(","))));
    let results = profile::apply(&connection, &updates).await;
    assert_eq!(results.len(), updates.len());
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    for user in &users {
        let stored = fields(&connection, user).await;
        assert_eq!(stored["name"], *user);
        assert_eq!(stored["address.city"], "Ö");
    }
    assert_eq!(fields(&connection, "large").await.len(), 12_000);
    assert_eq!(fields(&connection, "nobody").await.len(), 0);
    let mut stored = 0;
    for master in &cluster.nodes[..MASTERS] {
        let keys: usize = master.cli(&["DBSIZE"]).parse().unwrap();
        assert!(keys > 100, "the keys are not spread: {keys}");
        stored += keys;
    }
    assert_eq!(stored, updates.len());
}

#[tokio::test]
async fn an_item_that_a_node_refuses_fails_alone_and_nothing_empty_is_sent() {
    let cluster = Cluster::start();
    let owner = &cluster.nodes[cluster.master_of("user:u2")];
    assert_eq!(owner.cli(&["SET", "user:u2", "text"]), "OK");
    let connection = cluster.connection();
    let updates = ["u1", "u2", "u3", "u4"].map(|user| update(user, r#"{"a":1}"#));
    let results = profile::apply(&connection, &updates).await;
    let classes: Vec<_> = (results.iter())
        .map(|result| result.as_ref().err().map(kenwell::Error::class))
        .collect();
    assert_eq!(classes, [None, Some(Class::Record), None, None]);
    let error = results[1].as_ref().unwrap_err().to_string();
    assert!(error.contains(&owner.address()), "{error}");
    let nothing = profile::apply::<ProfileUpdate>(&connection, &[]).await;
    assert!(nothing.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_that_move_while_they_are_written_give_no_error_and_lose_nothing() {
    let cluster = Cluster::start();
    let users = users(60);
    let load = Load::start(&cluster.connection(), users.clone());
    load.progress(20).await;
    let mut asked_for = 0;
    for user in users.iter().take(12) {
        let key = format!("user:{user}");
        let from = cluster.master_of(&key);
        let to = (from + 1) % MASTERS;
        let migration = cluster.begin_to_move(&key, to);
        // Its keys are at the new node already and the slot is not: every write is redirected.
        load.progress(5).await;
        asked_for += redirections(&cluster.nodes[from], "ASK");
        migration.finish();
        load.progress(5).await;
    }
    let (written, connection) = load.stop().await;
    assert_eq!(written.failures, Failures::new());
    assert!(asked_for > 0, "no write met a slot on the move");
    written.assert_whole(&connection).await;
}

/// How often a node has redirected somebody so.
fn redirections(node: &Server, code: &str) -> u64 {
    let stats = node.cli(&["INFO", "errorstats"]);
    let line = stats
        .lines()
        .find_map(|line| line.strip_prefix(&format!("errorstat_{code}:count=")));
    line.map_or(0, |count| count.trim().parse().unwrap())
}

#[tokio::test]
async fn one_redirection_teaches_all_lanes_the_whole_map() {
    let cluster = Cluster::start();
    let connection = cluster.connection();
    let updates: Vec<_> = users(60)
        .iter()
        .map(|user| update(user, r#"{"a":1}"#))
        .collect();
    let first = profile::apply(&connection, &updates).await;
    assert!(first.iter().all(Result::is_ok), "{first:?}");
    let key = "user:u1";
    let from = cluster.master_of(key);
    cluster.begin_to_move(key, (from + 1) % MASTERS).finish();
    eventually("every node to know", || {
        let informed = cluster.nodes.iter().all(|node| {
            let map = node.cli(&["CLUSTER", "SLOTS"]);
            let slot = cluster.nodes[0].cli(&["CLUSTER", "KEYSLOT", key]);
            map.lines().filter(|line| line.trim() == slot).count() == 2
        });
        informed.then_some(())
    });
    for lane in [
        connection.clone(),
        connection.another(),
        connection.another(),
    ] {
        let results = profile::apply(&lane, &updates).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    }
    assert_eq!(redirections(&cluster.nodes[from], "MOVED"), 1);
}

#[tokio::test]
async fn a_user_with_few_rights_is_enough_and_a_missing_one_is_named() {
    let cluster = Cluster::start();
    let everywhere = |rights: &[&str]| {
        for node in &cluster.nodes {
            let set = ["ACL", "SETUSER", "writer", "on", ">pw", "~user:*"];
            assert_eq!(node.cli(&[&set, rights].concat()), "OK");
        }
    };
    let guide = include_str!("../../../docs/redis.md");
    let line = guide.lines().find(|line| line.contains("+cluster|slots"));
    let rights = line
        .unwrap()
        .split(' ')
        .skip_while(|word| *word != "resetkeys");
    everywhere(&rights.collect::<Vec<_>>());
    let mut settings = cluster.settings();
    settings.username = Some("writer".to_owned());
    settings.password = Some(Secret::new("pw"));
    let connection = Connection::new(settings.clone()).unwrap();
    connection.ping().await.unwrap();
    let one = [update("u1", r#"{"a":1}"#)];
    let to = (cluster.master_of("user:u1") + 1) % MASTERS;
    let _half_way = cluster.begin_to_move("user:u1", to);
    assert!(profile::apply(&connection, &one).await[0].is_ok());
    assert_eq!(fields(&connection, "u1").await["a"], "1");
    for right in ["asking", "cluster|slots"] {
        everywhere(&[&format!("-{right}")]);
        let error = refusal(settings.clone()).await;
        assert_eq!(error.class(), Class::Configuration, "{error}");
        assert!(error.to_string().contains(right), "{error}");
        everywhere(&[&format!("+{right}")]);
    }
}

/// Loses the master of `u0` under load, waits until writing goes on, and gives what was written.
async fn lose_a_master(cluster: &mut Cluster, lose: impl Fn(&mut Server)) -> (Written, Connection) {
    let users = users(60);
    // A call ends before a frozen node wakes up.
    let settings = Settings {
        command_timeout: Duration::from_secs(2),
        connect_timeout: Duration::from_secs(2),
        ..cluster.settings()
    };
    let load = Load::start(&Connection::new(settings).unwrap(), users.clone());
    load.progress(50).await;
    let victim = cluster.master_of("user:u0");
    cluster.let_fail(victim);
    lose(&mut cluster.nodes[victim]);
    load.progress(200).await;
    let (written, connection) = load.stop().await;
    for user in &users {
        if cluster.master_of(&format!("user:{user}")) == victim {
            written.assert_only_redis_lost(&connection, user).await;
        } else {
            assert_eq!(written.lost(&connection, user).await, [0; 0], "{user}");
        }
    }
    println!("{}", written.summary());
    (written, connection)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_is_killed_under_load_costs_only_what_redis_loses() {
    let mut cluster = Cluster::start();
    let (written, connection) = lose_a_master(&mut cluster, Server::kill).await;
    // A new connection finds its way although one of its seeds is gone.
    let fresh = cluster.connection();
    assert_eq!(
        fields(&fresh, "u0").await["last"],
        written.rounds.to_string()
    );
    connection.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_freezes_under_load_costs_only_what_redis_loses() {
    let mut cluster = Cluster::start();
    let frozen = cluster.master_of("user:u0");
    let (written, connection) = lose_a_master(&mut cluster, |node| node.signal("STOP")).await;
    // It wakes up, reads what was sent to it long ago, and must not bring any of it back.
    cluster.nodes[frozen].signal("CONT");
    eventually("the old master to follow the new one", || {
        let info = cluster.nodes[frozen].cli(&["INFO", "replication"]);
        info.contains("master_link_status:up").then_some(())
    });
    for user in &written.users {
        assert_eq!(
            fields(&connection, user).await["last"],
            written.rounds.to_string()
        );
    }
    cluster.be_calm();
    let users = ["u0", "later"].map(str::to_owned);
    let load = Load::start(&cluster.connection(), users.into());
    load.progress(20).await;
    let (later, connection) = load.stop().await;
    assert_eq!(later.failures, Failures::new());
    assert_eq!(later.lost(&connection, "later").await, [0; 0]);
}

#[tokio::test]
async fn a_cluster_whose_node_asks_for_a_password_over_tls() {
    let certificates = Certificates::new();
    let tls_port = crate::support::server::free_port().to_string();
    let path = |name| certificates.path(name).to_str().unwrap().to_owned();
    let (certificate, key, authority) = (path("server.pem"), path("server.key"), path("ca.pem"));
    let node = node(&[
        "--tls-port",
        &tls_port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &authority,
        "--tls-cluster",
        "yes",
        "--tls-auth-clients",
        "no",
    ]);
    assert_eq!(node.cli(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]), "OK");
    eventually("the slots to be served", || {
        let state = node.cli(&["CLUSTER", "INFO"]);
        state.contains("cluster_state:ok").then_some(())
    });
    assert_eq!(node.cli(&["CONFIG", "SET", "requirepass", "secret"]), "OK");
    let mut settings = Settings::new(format!("localhost:{tls_port}"));
    settings.cluster_mode = true;
    settings.secure = true;
    settings.ca_certificate = Some(std::fs::read_to_string(&authority).unwrap());
    let error = refusal(settings.clone()).await;
    assert!(error.to_string().contains("NOAUTH"), "{error}");
    settings.password = Some(Secret::new("secret"));
    let connection = Connection::new(settings).unwrap();
    let results = profile::apply(&connection, &[update("u1", r#"{"a":1}"#)]).await;
    assert!(results[0].is_ok(), "{results:?}");
    assert_eq!(fields(&connection, "u1").await["a"], "1");
}

#[tokio::test]
async fn the_wrong_mode_is_said_to_be_just_that() {
    let standalone = Server::start(&[]);
    let mut settings = standalone.settings();
    settings.cluster_mode = true;
    let error = refusal(settings).await;
    assert_eq!(error.class(), Class::Configuration);
    let said = error.to_string();
    assert!(
        said.contains("a standalone server, but cluster_mode is true"),
        "{said}"
    );
    assert!(said.contains(&standalone.address()), "{said}");

    let node = node(&[]);
    let error = refusal(node.settings()).await;
    assert_eq!(error.class(), Class::Configuration);
    let said = error.to_string();
    assert!(
        said.contains("a Redis Cluster, but cluster_mode is false"),
        "{said}"
    );
}

#[tokio::test]
async fn a_node_without_slots_is_waited_for() {
    let node = node(&[]);
    let mut settings = node.settings();
    settings.cluster_mode = true;
    let error = refusal(settings.clone()).await;
    assert_eq!(error.class(), Class::Transient);
    assert!(error.to_string().contains("CLUSTERDOWN"), "{error}");
    assert_eq!(node.cli(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]), "OK");
    let connection = Connection::new(settings).unwrap();
    let load = Load::start(&connection, users(3));
    load.progress(3).await;
    let (written, connection) = load.stop().await;
    written.assert_whole(&connection).await;
}
