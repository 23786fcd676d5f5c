//! Markers in real servers: what they say, and what they show after a restart, a flush and a failover.

use crate::support::cluster::{Cluster, MASTERS, eventually};
use crate::support::server::Server;
use kenwell::connection::{Connection, Secret, Settings};
use kenwell::profile::{Layout, Marker, Prefix, Shard};
use kenwell::{Class, Error};

fn marker(settings: Settings) -> Marker {
    let layout = Layout {
        prefix: Prefix::parse("app"),
        destination_id: "profiles".to_owned(),
        ..Layout::default()
    };
    Marker::new(Connection::new(settings).unwrap(), layout, "i1")
}

async fn only_shard(marker: &Marker) -> Shard {
    let mut shards = marker.shards(&[]).await.unwrap();
    assert_eq!(shards.len(), 1);
    shards.remove(0)
}

#[tokio::test]
async fn a_marker_says_what_was_written_and_a_write_what_it_said_before() {
    let mut server = Server::start(&[]);
    let marker = marker(server.settings());
    let shard = only_shard(&marker).await;
    let first = marker.read(&shard).await.unwrap();
    assert_eq!(first.position, None);
    assert!(first.server.is_some());
    assert_eq!(marker.write(&shard, 7).await.unwrap(), first);
    let before = marker.write(&shard, 9).await.unwrap();
    assert_eq!((&before.server, before.position), (&first.server, Some(7)));
    assert_eq!(
        server.cli(&["HGET", "app:kenwell:applied:i1:profiles", "position"]),
        "9"
    );
    // Somebody empties it: the same server, and nothing there.
    server.cli(&["FLUSHALL"]);
    assert_eq!(marker.read(&shard).await.unwrap(), first);
    // It starts again: another one.
    server.kill();
    server.revive();
    let again = eventually_looked(&marker, &shard).await;
    assert!(again.server.is_some() && again.server != first.server);
}

async fn eventually_looked(marker: &Marker, shard: &Shard) -> kenwell::profile::MarkerState {
    let started = std::time::Instant::now();
    loop {
        match marker.read(shard).await {
            Ok(sighting) => return sighting,
            Err(error) => assert!(started.elapsed().as_secs() < 60, "{error}"),
        }
    }
}

#[tokio::test]
async fn a_server_that_was_a_replica_meanwhile_has_another_history() {
    let [server, other] = [Server::start(&[]), Server::start(&[])];
    let marker = marker(server.settings());
    let shard = only_shard(&marker).await;
    let before = marker.write(&shard, 7).await.unwrap().server.unwrap();
    let port = other.address().split_once(':').unwrap().1.to_owned();
    assert_eq!(server.cli(&["REPLICAOF", "127.0.0.1", &port]), "OK");
    eventually("the data of the other one", || {
        let info = server.cli(&["INFO", "replication"]);
        info.contains("master_link_status:up").then_some(())
    });
    let error = marker.another().read(&shard).await.unwrap_err();
    assert!(matches!(error, Error::NotMaster { .. }), "{error}");
    assert_eq!(server.cli(&["REPLICAOF", "NO", "ONE"]), "OK");
    let after = eventually_looked(&marker.another(), &shard).await;
    assert_eq!(after.position, None);
    let after = after.server.unwrap();
    assert_eq!(after.run, before.run);
    assert_ne!(after.history, before.history);
}

#[tokio::test]
async fn who_may_not_ask_for_the_server_still_sees_the_marker() {
    let server = Server::start(&[]);
    let rights = "ACL SETUSER least on >pw ~app:kenwell:applied:* +hset +hgetall";
    assert_eq!(server.command(rights), "+OK");
    let mut settings = server.settings();
    settings.username = Some("least".to_owned());
    settings.password = Some(Secret::new("pw"));
    let least = marker(settings.clone());
    let shard = only_shard(&least).await;
    least.write(&shard, 7).await.unwrap();
    let seen = least.read(&shard).await.unwrap();
    assert_eq!((seen.server, seen.position), (None, Some(7)));
    assert_eq!(
        server.command("ACL SETUSER least resetkeys ~app:user:*"),
        "+OK"
    );
    let refused = marker(settings).write(&shard, 8).await.unwrap_err();
    assert_ne!(refused.class(), Class::Transient, "{refused}");
}

#[tokio::test]
async fn each_master_of_a_cluster_has_a_marker_of_its_own() {
    let mut cluster = Cluster::start();
    let marker = marker(cluster.settings());
    let shards = marker.shards(&[]).await.unwrap();
    assert_eq!(shards.len(), MASTERS);
    assert_eq!(marker.shards(&shards).await.unwrap(), shards);
    let mut servers = Vec::new();
    for shard in &shards {
        let seen = marker.write(shard, 7).await.unwrap();
        assert_eq!(seen.position, None);
        servers.push(seen.server.unwrap().run);
    }
    for master in &cluster.nodes[..MASTERS] {
        assert_eq!(master.cli(&["DBSIZE"]), "1");
    }
    servers.dedup();
    assert_eq!(servers.len(), MASTERS);
    // The replica that takes over has the marker, and is another server.
    eventually("the replica to have the marker", || {
        (cluster.nodes[MASTERS].cli(&["DBSIZE"]) == "1").then_some(())
    });
    cluster.let_fail(0);
    cluster.nodes[0].kill();
    let first = shards.iter().find(|shard| shard.slot == Some(0)).unwrap();
    let seen = eventually_looked(&marker, first).await;
    assert_eq!(seen.position, Some(7));
    assert!(!servers.contains(&seen.server.unwrap().run));
}
