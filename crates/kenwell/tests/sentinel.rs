//! Profiles through real Sentinels: who the master is, and what happens when it changes.
#![allow(
    clippy::allow_attributes,
    clippy::print_stdout,
    reason = "a test may print what it saw"
)]

use std::time::Duration;

use crate::support::cluster::eventually;
use crate::support::load::{Load, Written, fields, update};
use crate::support::sentinels::Sentinels;
use crate::support::server::Server;
use kenwell::Class;
use kenwell::connection::{Connection, Secret, Settings};
use kenwell::profile;

fn users() -> Vec<String> {
    (0..20).map(|index| format!("u{index}")).collect()
}

async fn refusal(settings: Settings) -> kenwell::Error {
    let connection = Connection::new(settings).unwrap();
    let mut results = profile::apply(&connection, &[update("u1", r#"{"a":1}"#)]).await;
    results.remove(0).unwrap_err()
}

fn has_role(server: &Server, role: &str) -> bool {
    server
        .cli(&["INFO", "replication"])
        .contains(&format!("role:{role}"))
}

/// Loses the master under load, waits until writing goes on, and checks what is there.
async fn lose_the_master(
    sentinels: &mut Sentinels,
    lose: impl Fn(&mut Sentinels),
) -> (Written, Connection) {
    // A call ends before a frozen master wakes up.
    let settings = Settings {
        command_timeout: Duration::from_secs(2),
        connect_timeout: Duration::from_secs(2),
        ..sentinels.settings()
    };
    let load = Load::start(&Connection::new(settings).unwrap(), users());
    load.progress(50).await;
    sentinels.let_fail();
    lose(sentinels);
    eventually("the replica to be promoted", || {
        has_role(&sentinels.servers[1], "master").then_some(())
    });
    load.progress(200).await;
    let (written, connection) = load.stop().await;
    for user in &written.users {
        written.assert_only_redis_lost(&connection, user).await;
    }
    println!("{}", written.summary());
    (written, connection)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_is_killed_under_load_is_followed_by_the_new_one() {
    let mut sentinels = Sentinels::start();
    // One Sentinel is gone as well, the one that is asked first.
    let (written, connection) = lose_the_master(&mut sentinels, |all| {
        all.kill_one();
        all.servers[0].kill();
    })
    .await;
    connection.ping().await.unwrap();
    let there = sentinels.servers[1].cli(&["HGET", "user:u0", "last"]);
    assert_eq!(there, written.rounds.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_freezes_under_load_brings_nothing_back() {
    let mut sentinels = Sentinels::start();
    let freeze = |all: &mut Sentinels| all.servers[0].signal("STOP");
    let (written, connection) = lose_the_master(&mut sentinels, freeze).await;
    sentinels.servers[0].signal("CONT");
    eventually("the old master to follow the new one", || {
        let info = sentinels.servers[0].cli(&["INFO", "replication"]);
        info.contains("master_link_status:up").then_some(())
    });
    for user in &written.users {
        let last = fields(&connection, user).await["last"].clone();
        assert_eq!(last, written.rounds.to_string(), "{user}");
    }
}

/// Both servers live, and the old master confirms writes until it is told to follow, after we know of the new one.
/// They are lost with it, so we must be gone by then.
#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_an_operator_asks_for_is_followed_before_the_old_master_knows() {
    let sentinels = Sentinels::start();
    let connection = Connection::new(sentinels.settings()).unwrap();
    let load = Load::start(&connection, users());
    load.progress(50).await;
    let [old, new] = [&sentinels.servers[0], &sentinels.servers[1]];
    // The Sentinels tell it to follow, and it hears of nothing, for as long as this holds.
    assert_eq!(old.cli(&["ACL", "SETUSER", "default", "-slaveof"]), "OK");
    sentinels.switch();
    eventually("the replica to be promoted", || {
        has_role(new, "master").then_some(())
    });
    let last = || new.cli(&["HGET", "user:u0", "last"]);
    // It follows nobody any more, so whatever changes there is ours.
    let before = last();
    eventually("the new master to be written to", || {
        (last() != before).then_some(())
    });
    assert!(has_role(old, "master"), "the old master had to tell us");
    assert_eq!(old.cli(&["ACL", "SETUSER", "default", "+slaveof"]), "OK");
    eventually("the old master to follow", || {
        has_role(old, "slave").then_some(())
    });
    load.progress(20).await;
    let (written, connection) = load.stop().await;
    for user in &written.users {
        let gap = written.lost_in_one_piece(&connection, user).await;
        println!("{user} lost {} of {} rounds", gap.len(), written.rounds);
    }
    assert_eq!(last(), written.rounds.to_string());
}

/// The Sentinels have not noticed yet that their master has become a replica.
#[tokio::test]
async fn a_replica_is_not_written_to_whatever_the_sentinels_say() {
    let sentinels = Sentinels::start();
    let connection = Connection::new(sentinels.settings()).unwrap();
    let one = [update("u1", r#"{"a":1}"#)];
    assert!(profile::apply(&connection, &one).await[0].is_ok());
    let nobody = crate::support::server::free_port().to_string();
    let demote = ["REPLICAOF", "127.0.0.1", &nobody];
    assert_eq!(sentinels.servers[0].cli(&demote), "OK");
    // On the connection that is open the server itself refuses; on a new one we do not even write.
    let mut said = Vec::new();
    for _attempt in 0..2 {
        let error = profile::apply(&connection, &one)
            .await
            .remove(0)
            .unwrap_err();
        assert_eq!(error.class(), Class::Transient, "{error}");
        said.push(error.to_string());
    }
    assert!(said[1].contains("but is a replica"), "{said:?}");
    assert_eq!(sentinels.servers[0].cli(&["REPLICAOF", "NO", "ONE"]), "OK");
    assert!(profile::apply(&connection, &one).await[0].is_ok());
}

#[tokio::test]
async fn sentinels_have_users_and_passwords_of_their_own() {
    let sentinels = Sentinels::start();
    sentinels.all_obey(&["ACL", "SETUSER", "kenwell", "on", ">pw", "allkeys", "+@all"]);
    sentinels.all_obey(&["ACL", "SETUSER", "default", "resetpass", ">watch"]);
    let server = &sentinels.servers[0];
    let user = [
        "ACL", "SETUSER", "writer", "on", ">secret", "~*", "+hset", "+hgetall",
    ];
    assert_eq!(server.cli(&user), "OK");
    let mut settings = sentinels.settings();
    settings.username = Some("writer".to_owned());
    settings.password = Some(Secret::new("secret"));
    let said = refusal(settings.clone()).await.to_string();
    assert!(said.contains("NOAUTH"), "{said}");
    settings.sentinel_username = Some("kenwell".to_owned());
    settings.sentinel_password = Some(Secret::new("pw"));
    let connection = Connection::new(settings).unwrap();
    let results = profile::apply(&connection, &[update("u1", r#"{"a":1}"#)]).await;
    assert!(results[0].is_ok(), "{results:?}");
    assert_eq!(fields(&connection, "u1").await["a"], "1");
}

#[tokio::test]
async fn what_is_no_sentinel_or_no_master_is_said_to_be_just_that() {
    let sentinels = Sentinels::start();
    let mut unknown = sentinels.settings();
    unknown.sentinel_master = Some("nobody".to_owned());
    let mut server = sentinels.servers[0].settings();
    server.sentinel_master = Some("mymaster".to_owned());
    let mut sentinel = sentinels.settings();
    sentinel.sentinel_master = None;
    sentinel
        .address
        .truncate(sentinel.address.find(',').unwrap());
    for (settings, words) in [
        (unknown, "no master is called nobody"),
        (server, "this is a Redis server, but sentinel_master is set"),
        (
            sentinel,
            "this is a Sentinel, but sentinel_master is not set",
        ),
    ] {
        let error = refusal(settings).await;
        assert_eq!(error.class(), Class::Configuration, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let nobody = Server::start(&[]);
    let mut settings = nobody.settings();
    drop(nobody);
    settings.sentinel_master = Some("mymaster".to_owned());
    assert_eq!(refusal(settings).await.class(), Class::Transient);
}
