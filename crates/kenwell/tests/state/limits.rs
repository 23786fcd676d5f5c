//! A call answers within its one limit, whatever happens to the server, the network or the runtime.

use std::time::{Duration, Instant};

use kenwell::connection::{Connection, Settings};
use kenwell::state::values::{self, Expected};

use super::order::begin;
use super::values::{read, texts, write};
use crate::support::cluster::Cluster;
use crate::support::link::{Flow, Link};
use crate::support::sentinels::Sentinels;
use crate::support::server::Server;

const LIMIT: Duration = Duration::from_secs(2);

/// Less than a second limit would take, and more than one takes.
const SLACK: Duration = Duration::from_millis(1500);

/// Awaits something for so long at most, as far as this process runs: the time counts in small pieces, of which a machine
/// that is busy costs one at a time.
async fn within<T>(time: Duration, awaited: impl Future<Output = T>) -> T {
    const PIECE: Duration = Duration::from_millis(50);
    let clock = async {
        for _piece in 0..time.as_millis() / PIECE.as_millis() {
            tokio::time::sleep(PIECE).await;
        }
    };
    tokio::select! {
        biased;
        came = awaited => came,
        () = clock => panic!("not within {time:?}"),
    }
}

/// Awaits what must be over when its limit is.
async fn within_limit<T>(limit: Duration, awaited: impl Future<Output = T>) -> T {
    within(limit + SLACK, awaited).await
}

fn limited(settings: Settings) -> Connection {
    limited_to(LIMIT, settings)
}

fn limited_to(limit: Duration, mut settings: Settings) -> Connection {
    settings.connect_timeout = limit;
    settings.command_timeout = limit;
    Connection::new(settings).unwrap()
}

/// Every kind of call at once. They all must fail.
async fn all_fail(connection: &Connection) {
    let writes = [write("a", "1")];
    let known = [Expected {
        key: b"d".to_vec(),
        value: None,
    }];
    let compared = [write("d", "1")];
    let (reads, keys) = ([read("b")], [b"c".to_vec()]);
    let (stored, fetched, removed, compared) = tokio::join!(
        values::store(connection, &writes),
        values::fetch(connection, &reads, None),
        values::remove(connection, &keys),
        values::store_unchanged(connection, &known, &compared),
    );
    stored.unwrap_err();
    removed.unwrap_err();
    compared.unwrap_err();
    if let Ok(mut fetched) = fetched {
        fetched.values.remove(0).unwrap_err();
    }
}

#[tokio::test]
async fn a_frozen_server_costs_one_limit() {
    let server = Server::start(&[]);
    let connection = limited(server.settings());
    connection.ping().await.unwrap();
    server.signal("STOP");
    for _under_way_and_then_connecting in 0..2 {
        Box::pin(within_limit(LIMIT, all_fail(&connection))).await;
    }
    server.signal("CONT");
    let began = Instant::now();
    while let Err(error) = values::store(&connection, &[write("a", "2")]).await {
        assert!(began.elapsed() < Duration::from_mins(1), "{error}");
    }
}

#[tokio::test]
async fn a_repetition_begins_no_new_limit() {
    let server = Server::start(&[]);
    let link = Link::before(&server.address());
    let connection = limited_to(2 * LIMIT, Settings::new(link.address()));
    connection.ping().await.unwrap();
    link.let_flow(Flow::Swallow, Flow::Swallow);
    link.let_begin(Flow::Swallow, Flow::Swallow);
    let writes = [write("a", "1")];
    let call = begin(values::store(&connection, &writes)).await;
    let cut = async {
        tokio::time::sleep(LIMIT).await;
        link.cut();
    };
    let both = async { tokio::join!(call, cut) };
    let (stored, ()) = within_limit(2 * LIMIT, both).await;
    stored.unwrap_err();
    assert!(link.connections() > 1, "it was never repeated");
}

#[tokio::test]
async fn a_frozen_node_of_a_cluster_costs_one_limit() {
    let cluster = Cluster::start();
    let connection = limited(cluster.settings());
    connection.ping().await.unwrap();
    for node in &cluster.nodes {
        node.signal("STOP");
    }
    for _round in 0..2 {
        Box::pin(within_limit(LIMIT, all_fail(&connection))).await;
    }
    for node in &cluster.nodes {
        node.signal("CONT");
    }
}

#[tokio::test]
async fn frozen_sentinels_and_a_frozen_master_cost_one_limit() {
    let sentinels = Sentinels::start();
    let connection = limited(sentinels.settings());
    connection.ping().await.unwrap();
    sentinels.signal_all("STOP");
    for _round in 0..2 {
        Box::pin(within_limit(LIMIT, all_fail(&connection))).await;
    }
    sentinels.signal_all("CONT");
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// Saves and loads, each within the limit.
async fn works(connection: &Connection, value: &str) {
    values::store(connection, &[write("a", value)])
        .await
        .unwrap();
    let fetched = values::fetch(connection, &[read("a")], None).await.unwrap();
    assert_eq!(texts(fetched), [Some(value.to_owned())]);
}

#[test]
fn a_runtime_that_stands_still_holds_nobody_up() {
    let server = Server::start(&[]);
    let connection = limited_to(5 * LIMIT, server.settings());
    let (one, other) = (runtime(), runtime());
    one.block_on(works(&connection, "1"));
    other.block_on(works(&connection, "2"));
    one.block_on(works(&connection, "3"));
    // What was begun on it and is not driven any more neither.
    let writes = [write("b", "1")];
    let stopped = one.block_on(begin(values::store(&connection, &writes)));
    other.block_on(works(&connection, "4"));
    drop(stopped);
    drop(one);
    other.block_on(works(&connection, "5"));
}

#[test]
fn a_connection_that_is_being_opened_on_a_runtime_that_stands_still_holds_nobody_up() {
    let server = Server::start(&[]);
    let connection = limited_to(5 * LIMIT, server.settings());
    let (one, other) = (runtime(), runtime());
    let writes = [write("b", "1")];
    let opening = one.block_on(begin(values::store(&connection, &writes)));
    other.block_on(works(&connection, "1"));
    one.block_on(opening).unwrap();
    assert_eq!(server.cli(&["GET", "b"]), "1");
}

#[test]
fn topology_questions_on_a_runtime_that_stands_still_hold_nobody_up() {
    let cluster = Cluster::start();
    let sentinels = Sentinels::start();
    for settings in [cluster.settings(), sentinels.settings()] {
        let connection = limited_to(5 * LIMIT, settings);
        let (one, other) = (runtime(), runtime());
        let writes = [write("b", "1")];
        let asking = one.block_on(begin(values::store(&connection, &writes)));
        other.block_on(works(&connection, "1"));
        one.block_on(works(&connection, "2"));
        other.block_on(works(&connection, "3"));
        one.block_on(asking).unwrap();
    }
}

/// A firewall that forgets an idle connection tells nobody.
#[tokio::test]
async fn a_connection_that_was_dropped_silently_is_replaced_at_once() {
    let server = Server::start(&[]);
    let link = Link::before(&server.address());
    let connection = limited_to(30 * LIMIT, Settings::new(link.address()));
    values::store(&connection, &[write("a", "1")])
        .await
        .unwrap();
    link.let_flow(Flow::Swallow, Flow::Swallow);
    // Longer than the connection may be idle.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let known = [Expected {
        key: b"a".to_vec(),
        value: Some(b"1".to_vec()),
    }];
    let (new, other) = ([write("a", "2")], [write("b", "2")]);
    let both = async {
        tokio::join!(
            values::store_unchanged(&connection, &known, &new),
            values::store(&connection, &other),
        )
    };
    let (compared, stored) = within(Duration::from_secs(30), both).await;
    assert!(compared.unwrap());
    stored.unwrap();
    // Where opening takes half a second, the other call begins to open one as well.
    let opened = link.connections();
    assert!((2..=3).contains(&opened), "{opened}");
}
