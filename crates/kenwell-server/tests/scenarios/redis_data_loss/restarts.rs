//! Restarts of Redis, with less data than before and with all of it.

use std::fs::OpenOptions;

use super::{Load, count, found, markers, start, start_with, wait_for_log, wait_for_marker};
use crate::support::{Node, eventually};

#[test]
fn a_redis_that_restarted_without_data_gets_everything_again() {
    let mut node = Node::start(&[]);
    let server = start(&node);
    let mut load = Load::new();
    load.send(&server, 500);
    wait_for_marker(&server, &node, 500);
    node.kill();
    load.send(&server, 100);
    node.revive();
    load.wait_until_whole(&server, &node);
    wait_for_log(&server, "what Redis had lost is restored");
    assert!(count(&server, "replayed_total") >= 500);
    let log = server.log();
    assert_eq!(log.matches("with less than it had confirmed").count(), 1);
}

#[test]
fn it_is_noticed_when_kenwell_was_away_meanwhile() {
    for kill in [false, true] {
        let mut node = Node::start(&[]);
        let mut server = start(&node);
        let mut load = Load::new();
        load.send(&server, 300);
        wait_for_marker(&server, &node, 300);
        if kill {
            server.kill();
        } else {
            assert!(server.terminate().success());
        }
        node.kill();
        node.revive();
        server.restart();
        load.wait_until_whole(&server, &node);
    }
}

#[test]
fn an_older_snapshot_is_brought_up_to_date() {
    let mut node = Node::start(&[]);
    let server = start(&node);
    let mut load = Load::new();
    load.send(&server, 300);
    wait_for_marker(&server, &node, 300);
    assert_eq!(node.cli(&["SAVE"]), "OK");
    load.send(&server, 200);
    wait_for_marker(&server, &node, 500);
    node.kill();
    node.revive();
    load.wait_until_whole(&server, &node);
    // From the snapshot's marker on, and no more.
    assert_eq!(count(&server, "replayed_total"), 200);
}

#[test]
fn an_append_only_file_that_was_cut_short_is_made_up_for() {
    let mut node = Node::start(&["--appendonly", "yes", "--appendfsync", "everysec"]);
    let server = start(&node);
    let mut load = Load::new();
    for sent in [300, 600] {
        load.send(&server, 300);
        wait_for_marker(&server, &node, sent);
    }
    let folder = node.cli(&["CONFIG", "GET", "dir"]);
    let folder = folder.lines().last().unwrap().to_owned();
    node.kill();
    let files = std::fs::read_dir(format!("{folder}/appendonlydir")).unwrap();
    let increment = files
        .map(|file| file.unwrap().path())
        .find(|path| path.display().to_string().ends_with(".incr.aof"))
        .unwrap();
    let length = increment.metadata().unwrap().len();
    let file = OpenOptions::new().write(true).open(&increment).unwrap();
    file.set_len(length * 2 / 3).unwrap();
    node.revive();
    load.wait_until_whole(&server, &node);
    assert!((1..=600).contains(&count(&server, "replayed_total")));
    wait_for_log(&server, "with less than it had confirmed");
}

#[test]
fn a_restart_that_lost_nothing_repeats_nothing() {
    let mut node = Node::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let server = start(&node);
    let mut load = Load::new();
    load.send(&server, 500);
    wait_for_marker(&server, &node, 500);
    node.kill();
    node.revive();
    wait_for_log(&server, "with all that its marker promised");
    load.wait_until_whole(&server, &node);
    assert_eq!(count(&server, "replayed_total"), 0);
    assert!(!server.log().contains("with less than it had confirmed"));
}

#[test]
fn that_profiles_expired_is_no_loss() {
    let mut node = Node::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let server = start_with(&node, "ttl = \"1s\"");
    let mut load = Load::new();
    load.send(&server, 50);
    wait_for_marker(&server, &node, 50);
    eventually("the profiles to expire", || {
        (found(&node) == 0).then_some(())
    });
    node.kill();
    node.revive();
    wait_for_log(&server, "with all that its marker promised");
    load.send(&server, 1);
    wait_for_marker(&server, &node, 51);
    assert_eq!(count(&server, "replayed_total"), 0);
    assert!(!server.log().contains("with less than it had confirmed"));
}

#[test]
fn a_second_loss_while_the_first_is_restored_is_restored_too() {
    let mut node = Node::start(&[]);
    let server = start(&node);
    let mut load = Load::new();
    load.send(&server, 5_000);
    wait_for_marker(&server, &node, 5_000);
    for losses in 1..=3 {
        node.kill();
        node.revive();
        crate::support::eventually("the loss to be noticed", || {
            let noticed = server
                .log()
                .matches("with less than it had confirmed")
                .count();
            (noticed >= losses).then_some(())
        });
    }
    load.wait_until_whole(&server, &node);
}

/// No connection breaks: it is found by looking.
#[test]
fn a_server_that_took_over_anothers_data_is_noticed_on_an_unbroken_connection() {
    let [node, other] = [Node::start(&[]), Node::start(&[])];
    let server = start(&node);
    let mut load = Load::new();
    load.send(&server, 300);
    wait_for_marker(&server, &node, 300);
    let port = other.address().rsplit_once(':').unwrap().1.to_owned();
    assert_eq!(node.cli(&["REPLICAOF", "127.0.0.1", &port]), "OK");
    crate::support::eventually("the data of the other one", || {
        (found(&node) == 0).then_some(())
    });
    assert_eq!(node.cli(&["REPLICAOF", "NO", "ONE"]), "OK");
    load.wait_until_whole(&server, &node);
    wait_for_log(&server, "with less than it had confirmed");
}

/// Several may fill one Redis: each has a marker of its own, and only looks at that.
#[test]
fn two_kenwells_on_one_redis_do_not_disturb_each_other() {
    let mut node = Node::start(&[]);
    let [one, other] = [start(&node), start(&node)];
    let mut load = Load::new();
    load.send(&one, 100);
    wait_for_marker(&one, &node, 100);
    crate::support::eventually("two markers", || (markers(&node).len() == 2).then_some(()));
    node.kill();
    node.revive();
    load.wait_until_whole(&one, &node);
    wait_for_log(&other, "Redis");
    assert_eq!(count(&other, "replayed_total"), 0);
}
