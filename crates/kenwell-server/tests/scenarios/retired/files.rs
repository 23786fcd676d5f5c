//! Files that are emptied, away, swapped, cut short, or lack a destination for which events wait.

use std::{
    fs,
    time::{Duration, Instant},
};

use kenwell_server::config::{Config, Environment};

use super::{
    assert_delivered, hang_up, identify, is_taken_over, problems, send, sources_last, state, two,
    write,
};
use crate::support::{Redis, Server, eventually};

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
            .contains("1 event waits for \\\"two\\\"")
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

#[test]
fn nothing_is_routed_to_a_destination_that_cannot_be_opened() {
    let redis = Redis::start();
    let server = Server::with(&two(&redis));
    let good = fs::read_to_string(server.config()).unwrap();
    // A directory in the place of the cursor to be.
    let in_the_way = server.data_dir().join("journal/three.cursor");
    fs::create_dir(&in_the_way).unwrap();
    let three = format!(
        "[[destinations]]\nid = \"three\"\naddress = \"{}\"\nprefix = \"three\"\n",
        redis.address()
    );
    let body = format!(
        r#"{{"name":"Three","address":"{}","prefix":"three","sources":["web"]}}"#,
        redis.address()
    );
    let refused = server.ask("POST", "/api/v1/destinations", &body);
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert_eq!(fs::read_to_string(server.config()).unwrap(), good);
    // By hand: what ran goes on, and it is tried again.
    let next = format!("{good}{three}").replace("[\"one\"]", "[\"one\", \"three\"]");
    write(&server.config(), &next);
    eventually("the reason", || {
        problems(&server)
            .contains("nothing is routed to it")
            .then_some(())
    });
    assert_eq!(identify(&server, "WK", "before"), 200);
    fs::remove_dir(&in_the_way).unwrap();
    eventually("the file to be in force", || is_taken_over(&server));
    assert_eq!(identify(&server, "WK", "after"), 200);
    server.settle("one");
    server.settle("three");
    assert_eq!(redis.fields("one:user:before")["n"], "before");
    assert!(redis.fields("three:user:before").is_empty());
    for id in ["one", "three"] {
        assert_eq!(redis.fields(&format!("{id}:user:after"))["n"], "after");
    }
    let log = server.log();
    assert_eq!(log.matches("nothing is routed to it").count(), 1, "{log}");
}
