//! A change is told when all of it is in force, and not while it is carried out.

use std::{fs, sync::mpsc, thread::scope};

use kenwell_server::runtime::Revision;
use serde_json::Value;

use crate::support::{Act, Client, Proxy, Redis, Server, eventually, is, post};

/// How often the API is asked while a change is held back.
const LOOKS: usize = 20;

const DESTINATION: &str = "/api/v1/destinations/profiles";

/// A server whose delivery is in the middle of a write until the gate is dropped: so long a change of the destination
/// waits for the edge of the batch.
fn writing() -> (Redis, Server, mpsc::Sender<()>) {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis.address());
    let server = Server::with(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{}\"\nprefix = \"before\"\n",
        proxy.address()
    ));
    let (gate, opened) = mpsc::channel::<()>();
    let (came, writes) = mpsc::channel();
    proxy.rule(move |command| {
        if is(command, "HSET") {
            // Nobody waits for it when the test is over.
            let _told = came.send(());
            let _opened = opened.recv();
        }
        Act::Pass
    });
    let event = r#"{"userId":"ada","traits":{"n":1}}"#;
    assert_eq!(post(&server.gateway, "/v1/identify", event).status, 200);
    writes.recv().unwrap();
    (redis, server, gate)
}

fn shown(server: &Server, path: &str, name: &str) -> Value {
    let reply = server.ask("GET", path, "");
    let mut page: Value = serde_json::from_slice(&reply.body).unwrap();
    page[name].take()
}

fn revision(server: &Server) -> Value {
    shown(server, "/api/v1/configuration", "revision")
}

/// Whoever sees the new revision may rely on what else is told.
fn is_not_told_too_early(server: &Server, before: &Value) {
    for _ in 0..LOOKS {
        let told = revision(server);
        let prefix = shown(server, DESTINATION, "prefix");
        assert!(told == *before || prefix == "after", "{told}: {prefix}");
    }
}

fn is_told(server: &Server) {
    let text = fs::read(server.config()).unwrap();
    eventually("the change to be told", || {
        (revision(server) == Revision::of(&text).as_str()).then_some(())
    });
    assert_eq!(shown(server, DESTINATION, "prefix"), "after");
}

#[test]
fn an_edit_by_hand_that_is_being_carried_out_is_not_told() {
    let (_redis, server, gate) = writing();
    let (before, text) = (
        revision(&server),
        fs::read_to_string(server.config()).unwrap(),
    );
    let edited = text
        .replace("\"before\"", "\"after\"")
        .replace("\"WK\"", "\"NEW\"");
    fs::write(server.config(), edited).unwrap();
    // Sources come first: the change has begun, and cannot end yet.
    eventually("the new write key", || {
        let mut client = Client::connect(&server.gateway);
        let reply = client.post_as(
            "NEW",
            "/v1/track",
            "",
            b"{\"userId\":\"u\",\"event\":\"e\"}",
        );
        (reply.unwrap().status == 200).then_some(())
    });
    is_not_told_too_early(&server, &before);
    drop(gate);
    is_told(&server);
}

#[test]
fn a_change_through_the_api_that_is_being_carried_out_is_not_told() {
    let (_redis, server, gate) = writing();
    let (before, text) = (revision(&server), fs::read(server.config()).unwrap());
    scope(|scope| {
        let change = scope.spawn(|| server.ask("PATCH", DESTINATION, r#"{"prefix":"after"}"#));
        eventually("the file to be written", || {
            (fs::read(server.config()).unwrap() != text).then_some(())
        });
        is_not_told_too_early(&server, &before);
        drop(gate);
        let reply = change.join().unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
    });
    is_told(&server);
}
