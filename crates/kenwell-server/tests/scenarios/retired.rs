//! A configuration can't forget: what waits for a destination ends by an outcome or by a person's deed, never
//! by what a file says, or does not say for a moment.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use kenwell_server::config::{Config, Environment};
use serde_json::Value;

use crate::support::{Client, Redis, Server, eventually};

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
    let revision = kenwell_server::live::Revision::of(&text);
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

#[test]
fn a_file_that_is_empty_away_or_another_for_a_while_costs_nothing() {
    let mut redis = Redis::start();
    let server = Server::with(&two(&redis));
    let good = fs::read_to_string(server.config()).unwrap();
    redis.kill();
    send(&server, "before", 5);
    let other = good.replace("\"one\"", "\"other\"");
    for (name, file) in [("empty", Some("")), ("away", None), ("other", Some(&other))] {
        match file {
            Some(text) => write(&server.config(), text),
            None => fs::remove_file(server.config()).unwrap(),
        }
        let told = eventually("the problem to be told", || {
            let problems = problems(&server);
            (problems != "[]").then_some(problems)
        });
        if name == "other" {
            assert!(told.contains("events wait for \\\"one\\\""), "{told}");
            assert!(told.contains("kenwell destinations forget one"), "{told}");
        }
        assert_eq!(identify(&server, "APP", "meanwhile"), 200, "{name}");
        send(&server, name, 5);
        write(&server.config(), &good);
        eventually("the file to be in force again", || is_taken_over(&server));
    }
    assert_eq!(state(&server, "one"), "waiting");
    redis.restart();
    server.settle("one");
    server.settle("two");
    for prefix in ["before", "empty", "away", "other"] {
        assert_delivered(&redis, prefix, 5);
    }
    let log = server.log();
    assert!(log.contains("has no sources any more"), "{log}");
    assert_eq!(log.matches("events wait for \"one\"").count(), 1, "{log}");
}

#[test]
fn a_file_cut_anywhere_refuses_no_valid_key_and_costs_nothing() {
    let redis = Redis::start();
    let server = Server::with(&sources_last(&redis));
    let good = fs::read_to_string(server.config()).unwrap();
    let environment = Environment::default();
    // Where what is left is a valid configuration with a source, which is where it hurts.
    let hurts = |end: &usize| {
        let loaded = Config::parse(&server.config(), &good[..*end], &environment);
        loaded.is_ok_and(|loaded| !loaded.config.sources.is_empty())
    };
    let ends: Vec<usize> = (0..good.len() - 2).filter(hurts).collect();
    assert!(ends.len() > 4, "{ends:?}");
    for end in &ends {
        write(&server.config(), &good[..*end]);
        let looks = Instant::now() + Duration::from_millis(1_500);
        while problems(&server) == "[]" && Instant::now() < looks {
            std::thread::yield_now();
        }
        for key in ["WK", "APP"] {
            let status = identify(&server, key, &format!("cut{end}"));
            assert_eq!(status, 200, "{key}: {}", &good[..*end]);
        }
        write(&server.config(), &good);
        eventually("the file to be in force again", || is_taken_over(&server));
    }
    for (source, id) in [("WK", "one"), ("APP", "two")] {
        server.settle(id);
        for end in &ends {
            let key = format!("{id}:user:cut{end}");
            assert!(!redis.fields(&key).is_empty(), "{source} {key}");
        }
    }
}

#[test]
fn a_file_cut_in_a_block_stays_refused_until_somebody_means_it() {
    let redis = Redis::start();
    let server = Server::with(&sources_last(&redis));
    let good = fs::read_to_string(server.config()).unwrap();
    // The first source would feed nothing, and the second one's key would be refused.
    let cut = good[..good.find("destinations = [\"one\"]").unwrap()].to_owned();
    write(&server.config(), &cut);
    eventually("the cut to be told", || {
        problems(&server).contains("cut off").then_some(())
    });
    assert_eq!(identify(&server, "WK", "ada"), 200);
    assert_eq!(identify(&server, "APP", "ada"), 200);
    server.settle("one");
    assert_eq!(redis.fields("one:user:ada")["n"], "ada");
    // No edit in the console brings it into force.
    let edit = server.ask("PATCH", "/api/v1/sources/web", r#"{"name":"Web"}"#);
    assert_eq!(edit.status, 409, "{}", edit.text());
    assert!(edit.text().contains("not_in_force"), "{}", edit.text());
    assert_eq!(fs::read_to_string(server.config()).unwrap(), cut);
    hang_up(&server);
    eventually("what somebody asks for", || is_taken_over(&server));
    assert_eq!(identify(&server, "APP", "bob"), 401);
}

#[test]
fn a_removal_by_hand_waits_until_the_file_is_settled_and_the_destination_has_everything() {
    let mut redis = Redis::start();
    let server = Server::with(&two(&redis));
    let good = fs::read_to_string(server.config()).unwrap();
    let without = good[..good.rfind("[[destinations]]").unwrap()].replace("\"two\"", "\"one\"");
    redis.kill();
    assert_eq!(identify(&server, "APP", "ada"), 200);
    write(&server.config(), &without);
    eventually("the refusal", || {
        problems(&server)
            .contains("1 events wait for \\\"two\\\"")
            .then_some(())
    });
    assert_eq!(state(&server, "two"), "waiting");
    redis.restart();
    // Drained it goes by itself.
    eventually("the file to be taken over", || is_taken_over(&server));
    assert_eq!(state(&server, "two"), "none");
    assert_eq!(redis.fields("two:user:ada")["n"], "ada");
    assert_eq!(identify(&server, "APP", "bob"), 200);
    server.settle("one");
    assert_eq!(redis.fields("one:user:bob")["n"], "bob");
    eventually("its cursor to go", || {
        (!server.data_dir().join("journal/two.cursor").exists()).then_some(())
    });
}
