//! A configuration can't forget: what waits for a destination ends by an outcome or by a person's deed, never
//! by what a file says, or does not say for a moment.

mod files;
mod kept;

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use crate::support::{Client, Redis, Server};

fn identify(server: &Server, key: &str, user: &str) -> u16 {
    let event = format!("{{\"userId\":\"{user}\",\"traits\":{{\"n\":\"{user}\"}}}}");
    let mut client = Client::connect(&server.gateway);
    let reply = client.post_as(key, "/v1/identify", "", event.as_bytes());
    reply.unwrap().status
}

/// Sends `count` events of as many users, each of which must be answered with 200.
fn send(server: &Server, prefix: &str, count: usize) {
    for number in 0..count {
        let user = format!("{prefix}{number}");
        assert_eq!(identify(server, "WK", &user), 200, "{user}");
    }
}

fn ready(server: &Server) -> Value {
    serde_json::from_str(&server.ready().text()).unwrap()
}

/// What `/ready` says about a destination.
fn destination(server: &Server, id: &str) -> Option<Value> {
    let ready = ready(server);
    let all = ready["destinations"].as_array().unwrap();
    all.iter().find(|it| it["id"] == id).cloned()
}

fn state(server: &Server, id: &str) -> String {
    destination(server, id).map_or_else(
        || "none".to_owned(),
        |it| it["state"].as_str().unwrap().to_owned(),
    )
}

/// What is wrong with the file, in words.
fn problems(server: &Server) -> String {
    let reply = server.ask("GET", "/api/v1/configuration", "");
    let reply: Value = serde_json::from_str(&reply.text()).unwrap();
    reply["problems"].to_string()
}

fn is_taken_over(server: &Server) -> Option<()> {
    let reply = server.ask("GET", "/api/v1/configuration", "");
    let reply: Value = serde_json::from_str(&reply.text()).unwrap();
    let text = fs::read(server.config()).ok()?;
    let revision = kenwell_server::runtime::Revision::of(&text);
    (reply["problems"] == serde_json::json!([]) && reply["revision"] == revision.as_str())
        .then_some(())
}

fn hang_up(server: &Server) {
    let pid = server.pid().to_string();
    let sent = Command::new("kill").args(["-HUP", &pid]).status();
    assert!(sent.unwrap().success());
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}

/// A source `web` that feeds `one`, and a source `app` that feeds `two`, on the same Redis.
fn two(redis: &Redis) -> String {
    let destination = |id: &str| {
        format!(
            "[[destinations]]\nid = \"{id}\"\naddress = \"{}\"\nprefix = \"{id}\"\n\n",
            redis.address()
        )
    };
    format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"one\"]\n\n\
         [[sources]]\nid = \"app\"\nwrite_key = \"APP\"\ndestinations = [\"two\"]\n\n{}{}",
        destination("one"),
        destination("two")
    )
}

/// Likewise, with the sources at the end.
fn sources_last(redis: &Redis) -> String {
    let tables = two(redis);
    let (sources, destinations) = tables.split_at(tables.find("[[destinations]]").unwrap());
    format!("{destinations}{sources}")
}

#[track_caller]
fn assert_delivered(redis: &Redis, prefix: &str, count: usize) {
    for number in 0..count {
        let user = format!("{prefix}{number}");
        assert_eq!(redis.fields(&format!("one:user:{user}"))["n"], user);
    }
}
