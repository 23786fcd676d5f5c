//! `?wait=applied`: 200 is never given before everything is visible, and whoever cannot be served is told so.

mod answers;
mod damage;
mod destinations;
mod hang_ups;
mod limits;
mod pairs;
mod positions;

use std::thread::JoinHandle;

use serde_json::Value;

use crate::support::{Client, Redis, Reply, Server, eventually, metric};

/// One identify, with one trait.
fn event(user: &str, value: u64) -> String {
    format!(r#"{{"type":"identify","userId":"{user}","traits":{{"n":{value}}}}}"#)
}

/// POSTs an identify that waits for this long.
fn send(server: &Server, user: &str, value: u64, timeout: &str) -> Reply {
    let path = format!("/v1/identify?wait=applied&timeout={timeout}");
    let mut client = Client::connect(&server.gateway);
    let reply = client.post(&path, event(user, value).as_bytes());
    reply.expect("an answer")
}

/// The same on a thread of its own.
fn send_later(server: &Server, user: &str, value: u64, timeout: &str) -> JoinHandle<Reply> {
    let path = format!("/v1/identify?wait=applied&timeout={timeout}");
    let (gateway, event) = (server.gateway.clone(), event(user, value));
    std::thread::spawn(move || {
        let reply = Client::connect(&gateway).post(&path, event.as_bytes());
        reply.expect("an answer")
    })
}

/// What a 202 says.
#[track_caller]
fn page(reply: &Reply) -> Value {
    assert_eq!(reply.status, 202, "{}", reply.text());
    let page: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(page["applied"], false, "{page}");
    page
}

#[track_caller]
fn reason(reply: &Reply) -> String {
    page(reply)["reason"].as_str().unwrap().to_owned()
}

/// The value of a user's only trait, as Redis has it at this moment.
fn stored(redis: &Redis, user: &str) -> Option<u64> {
    let fields = redis.fields(&format!("user:{user}"));
    fields.get("n").map(|value| value.parse().unwrap())
}

fn waits(server: &Server, of: &str, result: &str) -> u64 {
    let labels = format!("of=\"{of}\",result=\"{result}\"");
    metric(&server.metrics(), "kenwell_waits_total", &labels)
}

/// Waits until so many events are accepted for a destination.
fn accepted(server: &Server, destination: &str, events: u64) {
    let labels = format!("destination=\"{destination}\"");
    eventually("events to be accepted", || {
        let page = server.metrics();
        let accepted = metric(&page, "kenwell_destination_accepted_total", &labels);
        (accepted >= events).then_some(())
    });
}

/// A change of the configuration through the API.
#[track_caller]
fn change(server: &Server, method: &str, path: &str, body: &str) {
    let reply = server.ask(method, path, body);
    assert!((200..300).contains(&reply.status), "{}", reply.text());
}
