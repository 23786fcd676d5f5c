//! What is shown and offered, because it may be meant; and what cannot be noticed.

use super::{Load, count, found, markers, start, tables, wait_for_log, wait_for_marker};
use crate::support::{Node, Server, eventually};

fn wait_for_state(server: &Server, state: &str) -> serde_json::Value {
    eventually(state, || {
        let ready: serde_json::Value = serde_json::from_slice(&server.ready().body).unwrap();
        let found = ready["destinations"][0].clone();
        (found["state"] == state).then_some(found)
    })
}

/// Takes the offer: delivers again from the time that it names.
fn take(server: &Server, offer: &serde_json::Value) {
    let says = offer["error"].as_str().unwrap();
    let (_, from) = says.split_once("--from ").unwrap();
    let from = from.split(['`', ';']).next().unwrap();
    replay(server, from);
}

fn replay(server: &Server, from: &str) {
    let path = "/api/v1/destinations/profiles/replay";
    let reply = server.ask("POST", path, &format!("{{\"from\":\"{from}\"}}"));
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[test]
fn an_emptied_redis_is_shown_and_restored_on_demand() {
    for command in ["FLUSHALL", "FLUSHDB"] {
        let node = Node::start(&[]);
        let mut server = start(&node);
        let mut load = Load::new();
        load.send(&server, 300);
        wait_for_marker(&server, &node, 300);
        assert_eq!(node.cli(&[command]), "OK");
        let offer = wait_for_state(&server, "incomplete");
        assert_eq!(offer["needs_operator"], true);
        assert!(server.ready().text().contains("\"degraded\""));
        // Nothing is restored, and what comes is delivered.
        load.send(&server, 50);
        wait_for_marker(&server, &node, 350);
        assert_eq!((found(&node), count(&server, "replayed_total")), (50, 0));
        // It is still offered after a restart.
        server.kill();
        server.restart();
        let offer = wait_for_state(&server, "incomplete");
        take(&server, &offer);
        load.wait_until_whole(&server, &node);
        let errors = server.log();
        assert_eq!(errors.matches("perhaps meant").count(), 1, "{errors}");
    }
}

#[test]
fn a_deleted_marker_is_shown_until_somebody_says_that_it_was_meant() {
    let node = Node::start(&[]);
    let server = start(&node);
    let mut load = Load::new();
    load.send(&server, 100);
    wait_for_marker(&server, &node, 100);
    assert_eq!(node.cli(&["DEL", &markers(&node)[0]]), "1");
    wait_for_state(&server, "incomplete");
    replay(&server, "2100-01-01T00:00:00Z");
    wait_for_state(&server, "up");
    wait_for_marker(&server, &node, 100);
    assert_eq!(count(&server, "replayed_total"), 0);
}

#[test]
fn who_does_not_want_it_is_only_told() {
    let mut node = Node::start(&[]);
    let lines = format!("address = \"{}\"\nheal = false", node.address());
    let server = Server::with(&tables(&lines));
    let mut load = Load::new();
    load.send(&server, 200);
    wait_for_marker(&server, &node, 200);
    node.kill();
    node.revive();
    let offer = wait_for_state(&server, "incomplete");
    assert_eq!((found(&node), count(&server, "replayed_total")), (0, 0));
    assert!(offer["error"].as_str().unwrap().contains("`heal` is false"));
    take(&server, &offer);
    load.wait_until_whole(&server, &node);
}

#[test]
fn another_redis_on_purpose_begins_empty() {
    let [node, other] = [Node::start(&[]), Node::start(&[])];
    let server = start(&node);
    let mut load = Load::new();
    load.send(&server, 200);
    wait_for_marker(&server, &node, 200);
    let change = format!("{{\"address\":\"{}\"}}", other.address());
    let reply = server.ask("PATCH", "/api/v1/destinations/profiles", &change);
    assert_eq!(reply.status, 200, "{}", reply.text());
    wait_for_log(&server, "this Redis is a new one");
    load.send(&server, 50);
    wait_for_marker(&server, &other, 250);
    assert_eq!((found(&other), count(&server, "replayed_total")), (50, 0));
    eventually("the server to be ready", || {
        server.ready().text().contains("\"ready\"").then_some(())
    });
}

#[test]
fn without_the_right_to_the_marker_delivery_goes_on() {
    let node = Node::start(&[]);
    let rights = "ACL SETUSER least on >pw ~user:* +hset +hgetall +ping";
    assert_eq!(node.command(rights), "+OK");
    let lines = format!(
        "address = \"{}\"\nusername = \"least\"\npassword = \"pw\"",
        node.address()
    );
    let server = Server::with(&tables(&lines));
    let mut load = Load::new();
    load.send(&server, 100);
    wait_for_log(&server, "ACL SETUSER <user> ~kenwell:applied:*");
    load.wait_until_whole(&server, &node);
    assert!(markers(&node).is_empty());
}

/// Without `INFO` nobody can tell a restart from a command: both are healed.
#[test]
fn without_info_an_emptied_redis_counts_as_restarted() {
    let node = Node::start(&[]);
    let rights = "ACL SETUSER least on >pw ~user:* ~kenwell:applied:* +hset +hgetall +ping";
    assert_eq!(node.command(rights), "+OK");
    let lines = format!(
        "address = \"{}\"\nusername = \"least\"\npassword = \"pw\"",
        node.address()
    );
    let server = Server::with(&tables(&lines));
    let mut load = Load::new();
    load.send(&server, 100);
    wait_for_marker(&server, &node, 100);
    assert_eq!(node.cli(&["FLUSHALL"]), "OK");
    load.wait_until_whole(&server, &node);
}
