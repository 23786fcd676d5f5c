//! Failovers that lose writes which the old master had confirmed.

use super::{Load, count, found, tables, wait_for_log, wait_for_marker};
use crate::support::{Cluster, MASTERS, Node, Sentinels, Server, eventually};

/// From now on the replica gets nothing, and nothing is under way to it.
fn cut_off(master: &Node, replica: &Node) {
    replica.signal("STOP");
    let cut: u64 = master
        .cli(&["CLIENT", "KILL", "TYPE", "replica"])
        .parse()
        .unwrap();
    assert_eq!(cut, 1);
}

#[test]
fn a_sentinel_failover_that_lost_writes_is_healed() {
    let mut sentinels = Sentinels::start();
    let server = Server::with(&tables(&format!(
        "sentinel_master = \"mymaster\"\naddress = \"{}\"",
        sentinels.settings().address
    )));
    let mut servers = sentinels.servers.drain(..);
    let (mut master, replica) = (servers.next().unwrap(), servers.next().unwrap());
    drop(servers);
    let mut load = Load::new();
    load.send(&server, 200);
    server.settle("profiles");
    eventually("the replica to have them", || {
        (found(&replica) == 200).then_some(())
    });
    cut_off(&master, &replica);
    load.send(&server, 300);
    wait_for_marker(&server, &master, 500);
    sentinels.let_fail();
    master.kill();
    replica.signal("CONT");
    eventually("the replica to be promoted", || {
        replica.cli(&["ROLE"]).starts_with("master").then_some(())
    });
    load.send(&server, 100);
    load.wait_until_whole(&server, &replica);
    wait_for_log(&server, "with less than it had confirmed");
    assert!(count(&server, "replayed_total") >= 300);
}

#[test]
fn a_cluster_failover_that_lost_writes_is_healed() {
    let mut cluster = Cluster::start();
    let server = Server::with(&tables(&format!(
        "cluster_mode = true\naddress = \"{}\"",
        cluster.settings().address
    )));
    let mut load = Load::new();
    load.send(&server, 200);
    server.settle("profiles");
    let victim = cluster.master_of("user:user-0");
    let replica = victim + MASTERS;
    eventually("the replica to have them", || {
        let size = |index: usize| cluster.nodes[index].cli(&["DBSIZE"]);
        (size(replica) == size(victim)).then_some(())
    });
    cluster.let_fail(victim);
    cut_off(&cluster.nodes[victim], &cluster.nodes[replica]);
    load.send(&server, 300);
    wait_for_marker(&server, &cluster.nodes[victim], 500);
    cluster.nodes[victim].kill();
    let replica = &cluster.nodes[replica];
    replica.signal("CONT");
    eventually("the replica to be promoted", || {
        replica.cli(&["ROLE"]).starts_with("master").then_some(())
    });
    load.send(&server, 100);
    load.wait_until_whole(&server, replica);
    wait_for_log(&server, "with less than it had confirmed");
}
