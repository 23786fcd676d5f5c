//! What an earlier run's connection still carries must not land on what a later run has written.

use std::time::Duration;

use crate::support::cluster::Cluster;
use crate::support::proxy::{Act, Proxy, is};
use crate::support::server::Server;
use kenwell::connection::{Connection, Secret, Settings};
use kenwell::profile::{self, Layout, ProfileUpdate};

fn update(user: &str, value: u32) -> ProfileUpdate {
    let event = format!(r#"{{"userId":"{user}","traits":{{"n":{value}}}}}"#);
    profile::update(event.as_bytes(), &Layout::default()).unwrap()
}

async fn stored(connection: &Connection) -> String {
    let fields = profile::read(connection, &Layout::default(), "u1").await;
    String::from_utf8(fields.unwrap().unwrap()[0].1.clone()).unwrap()
}

fn patient(address: String) -> Settings {
    Settings {
        command_timeout: Duration::from_mins(1),
        ..Settings::new(address)
    }
}

#[tokio::test]
async fn a_later_run_ends_what_the_earlier_one_left_on_the_way() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    let earlier = Connection::new(patient(proxy.address())).unwrap();
    let earlier = earlier.named("i1:profiles");
    assert!(profile::apply(&earlier, &[update("u1", 1)]).await[0].is_ok());
    proxy.rule(|command| {
        if is(command, "HSET") {
            Act::Hold
        } else {
            Act::Pass
        }
    });
    let second = [update("u1", 2)];
    let held = async {
        while proxy.held() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    // It ends while this is on the way.
    tokio::select! {
        written = profile::apply(&earlier, &second) => panic!("{written:?}"),
        () = held => {}
    }
    proxy.rule(|_| Act::Pass);
    // The earlier run never comes back to fence its own connection.
    let later = Connection::new(patient(proxy.address())).unwrap();
    let later = later.named("i1:profiles");
    assert!(profile::apply(&later, &[update("u1", 3)]).await[0].is_ok());
    proxy.release();
    assert_eq!(stored(&later).await, "3");
    // Neither a lane of the same run, nor somebody else, is disturbed.
    let other = Connection::new(server.settings())
        .unwrap()
        .named("i1:other");
    let lane = later.another();
    other.ping().await.unwrap();
    lane.ping().await.unwrap();
    let named = |name: &str| {
        let list = server.cli(&["CLIENT", "LIST"]);
        list.lines().filter(|line| line.contains(name)).count()
    };
    assert_eq!((named("i1:profiles:"), named("i1:other:")), (2, 1));
}

#[tokio::test]
async fn in_a_cluster_that_holds_for_each_node() {
    let cluster = Cluster::start();
    let all: Vec<_> = (0..30).map(|user| update(&format!("u{user}"), 1)).collect();
    let connect = || {
        let connection = Connection::new(cluster.settings()).unwrap();
        connection.named("i1:profiles")
    };
    let earlier = connect();
    assert!(
        profile::apply(&earlier, &all)
            .await
            .iter()
            .all(Result::is_ok)
    );
    let open = || {
        let lists = cluster
            .nodes
            .iter()
            .map(|node| node.cli(&["CLIENT", "LIST"]));
        let lists = lists.collect::<Vec<_>>().join("\n");
        lists
            .lines()
            .filter(|line| line.contains("i1:profiles:"))
            .count()
    };
    assert_eq!(open(), 3);
    let later = connect();
    assert!(profile::apply(&later, &all).await.iter().all(Result::is_ok));
    assert_eq!(open(), 3, "those of the earlier run are ended");
}

#[tokio::test]
async fn a_server_that_does_not_let_us_end_connections_is_used_all_the_same() {
    let server = Server::start(&[]);
    server.command("ACL SETUSER k on >p ~* -@all +hset +hgetall");
    let settings = Settings {
        username: Some("k".to_owned()),
        password: Some(Secret::new("p")),
        ..server.settings()
    };
    let connection = Connection::new(settings).unwrap().named("i1:profiles");
    assert!(profile::apply(&connection, &[update("u1", 1)]).await[0].is_ok());
    assert_eq!(stored(&connection).await, "1");
}
