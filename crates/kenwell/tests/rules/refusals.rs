//! What servers refuse within the script says the same as elsewhere, and a script that a server forgot is told again.

use kenwell::connection::Connection;
use kenwell::profile::{self, Flattener, Nested, NullTraits, Order, ProfileUpdate};
use kenwell::{Class, Error};

use crate::model::{BY_TIME, layout};
use crate::support::cluster::Cluster;
use crate::support::flavour::Flavour;
use crate::support::load::fields;
use crate::support::server::Server;

const FLAVOURS: [Flavour; 4] = [
    Flavour::Redis,
    Flavour::Redis62,
    Flavour::Redis82,
    Flavour::Valkey,
];

/// Updates of a user by each order that needs the script.
fn updates(user: &str) -> [ProfileUpdate; 2] {
    let event = format!(r#"{{"userId":"{user}","traits":{{"a":1,"b":null}}}}"#);
    [BY_TIME, Order::ByArrival].map(|order| {
        let layout = layout(order, NullTraits::Delete, Nested::Merge);
        Flattener::default()
            .update(event.as_bytes(), &layout)
            .unwrap()
    })
}

async fn refusal(connection: &Connection, update: &ProfileUpdate) -> Error {
    let results = profile::apply(connection, std::slice::from_ref(update)).await;
    results[0].clone().unwrap_err()
}

fn code(error: &Error) -> String {
    match error {
        Error::Refused { reply, .. } => reply.code().to_owned(),
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_script_that_was_forgotten_is_told_again() {
    for flavour in FLAVOURS {
        let server = Server::of(flavour, &[]);
        let connection = server.connection();
        for round in 0..3 {
            let users: Vec<_> = (0..100)
                .map(|user| updates(&format!("{round}-{user}")))
                .collect();
            let updates: Vec<_> = users.into_iter().flatten().collect();
            let updates: Vec<_> = updates.into_iter().step_by(1 + round % 2).collect();
            for results in updates.chunks(2).map(|one| &one[..1]) {
                assert!(profile::apply(&connection, results).await[0].is_ok());
            }
            assert_eq!(server.cli(&["SCRIPT", "FLUSH"]), "OK");
        }
        // The hash is that of the text, or every write would be told twice.
        assert!(profile::apply(&connection, &updates("x")).await[0].is_ok());
        let stats = || server.cli(&["INFO", "commandstats"]);
        let calls = |stats: &str| stats.matches("cmdstat_eval:").count();
        server.cli(&["CONFIG", "RESETSTAT"]);
        assert!(profile::apply(&connection, &updates("y")[..1]).await[0].is_ok());
        assert_eq!(calls(&stats()), 0, "{flavour:?}: {}", stats());
    }
}

#[tokio::test]
async fn in_a_cluster_each_node_is_told() {
    let cluster = Cluster::start();
    let connection = cluster.connection();
    let updates: Vec<_> = (0..200)
        .map(|user| updates(&format!("u{user}"))[0].clone())
        .collect();
    for _round in 0..2 {
        let results = profile::apply(&connection, &updates).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        for node in &cluster.nodes {
            node.cli(&["SCRIPT", "FLUSH"]);
        }
    }
    assert_eq!(fields(&connection, "u7").await["a"], "1");
}

#[tokio::test]
async fn a_key_of_another_kind_is_the_records_own_fault() {
    for flavour in FLAVOURS {
        let server = Server::of(flavour, &[]);
        let connection = server.connection();
        server.cli(&["SET", "user:ada", "text"]);
        for update in &updates("ada") {
            let error = refusal(&connection, update).await;
            assert_eq!(error.class(), Class::Record, "{flavour:?} {error}");
            assert_eq!(code(&error), "WRONGTYPE");
        }
        assert_eq!(server.cli(&["EXISTS", "kenwell:clocks:{user:ada}"]), "0");
        server.cli(&["HSET", "kenwell:clocks:{user:ben}", "a", "1"]);
        let error = refusal(&connection, &updates("ben")[0]).await;
        assert_eq!(code(&error), "WRONGTYPE", "{flavour:?}");
        assert_eq!(server.cli(&["EXISTS", "user:ben"]), "0");
    }
}

#[tokio::test]
async fn a_full_server_and_a_replica_are_waited_for() {
    for flavour in FLAVOURS {
        let server = Server::of(flavour, &[]);
        let connection = server.connection();
        server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
        for update in &updates("ada") {
            let error = refusal(&connection, update).await;
            assert_eq!(
                (code(&error).as_str(), error.class()),
                ("OOM", Class::Transient),
                "{flavour:?}"
            );
        }
        server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
        server.cli(&["REPLICAOF", "127.0.0.1", "1"]);
        for update in &updates("ada") {
            let error = refusal(&connection, update).await;
            assert_eq!(
                (code(&error).as_str(), error.class()),
                ("READONLY", Class::Transient),
                "{flavour:?}"
            );
        }
        server.cli(&["REPLICAOF", "NO", "ONE"]);
        assert_eq!(
            server.cli(&["DBSIZE"]),
            "0",
            "{flavour:?}: nothing was half-written"
        );
    }
}

#[tokio::test]
async fn a_right_that_is_missing_is_a_matter_of_configuration() {
    for flavour in FLAVOURS {
        let server = Server::of(flavour, &[]);
        let layout = layout(BY_TIME, NullTraits::Delete, Nested::Merge);
        let rights = layout.script_commands().iter();
        let rights: Vec<_> = rights
            .map(|name| format!("+{}", name.to_lowercase()))
            .collect();
        let (rights, pattern) = (rights.join(" "), layout.clocks_pattern());
        let all = format!(
            "ACL SETUSER u on >p resetkeys ~user:* ~{pattern} -@all +hset +select {rights}"
        );
        let mut settings = server.settings();
        settings.username = Some("u".to_owned());
        settings.password = Some(kenwell::connection::Secret::new("p"));
        assert_eq!(server.command(&all), "+OK");
        let connection = Connection::new(settings.clone()).unwrap();
        for update in &updates("ada") {
            let results = profile::apply(&connection, std::slice::from_ref(update)).await;
            assert!(results[0].is_ok(), "{flavour:?}: {results:?}");
        }
        for right in ["evalsha", "get", "set", "hset", "hkeys"] {
            assert_eq!(server.command(&format!("ACL SETUSER u -{right}")), "+OK");
            let error = refusal(&connection, &updates(right)[0]).await;
            assert_eq!(
                error.class(),
                Class::Configuration,
                "{flavour:?} {right}: {error}"
            );
            assert_eq!(server.command(&all), "+OK");
        }
        server.command("ACL SETUSER u resetkeys ~user:*");
        let error = refusal(&connection, &updates("ada")[0]).await;
        assert_eq!(
            (code(&error).as_str(), error.class()),
            ("NOPERM", Class::Unknown),
            "{flavour:?}"
        );
    }
}
