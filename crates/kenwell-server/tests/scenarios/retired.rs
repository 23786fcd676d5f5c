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

/// A server of two destinations with Redis away and 3 events waiting for `one`, stopped; and the file without
/// `one`, in its place.
fn stopped_without_one(redis: &mut Redis) -> (Server, String) {
    let mut server = Server::with(&two(redis));
    let good = fs::read_to_string(server.config()).unwrap();
    redis.kill();
    send(&server, "before", 3);
    assert!(server.terminate().success());
    write(&server.config(), &without_one(&good));
    (server, good)
}

/// The file without the destination `one`, whose source feeds `two` now.
fn without_one(good: &str) -> String {
    let start = good.find("[[destinations]]").unwrap();
    let end = good.rfind("[[destinations]]").unwrap();
    format!("{}{}", &good[..start], &good[end..]).replace("[\"one\"]", "[\"two\"]")
}

#[test]
fn a_start_without_a_destination_keeps_what_waits_for_it_until_it_comes_back() {
    let mut redis = Redis::start();
    let (mut server, good) = stopped_without_one(&mut redis);
    server.restart();
    // Events are accepted, and it is said what waits.
    assert_eq!(identify(&server, "WK", "meanwhile"), 200);
    let log = eventually("the log to tell", || {
        let log = server.log();
        log.contains("not configured").then_some(log)
    });
    let line = log
        .lines()
        .find(|it| it.contains("not configured"))
        .unwrap();
    for part in [
        "ERROR",
        "one",
        "waiting=3",
        "since=2",
        "kenwell destinations forget one",
        "--accept-retired",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let shown = destination(&server, "one").unwrap();
    assert_eq!(shown["state"], "retired", "{shown}");
    let error = shown["error"].as_str().unwrap();
    assert!(
        error.starts_with("not configured, 3 events waiting since 2"),
        "{error}"
    );
    assert_eq!(ready(&server)["status"], "degraded");
    let metrics = server.metrics();
    for name in [
        "queued{destination=\"one\"} 3",
        "retired{destination=\"one\"} 1",
    ] {
        assert!(
            metrics.contains(&format!("kenwell_destination_{name}\n")),
            "{metrics}"
        );
    }
    let overview = server.ask("GET", "/api/v1/overview", "").text();
    assert!(overview.contains("\"retired\""), "{overview}");

    // Known, it is a warning, and nobody is alarmed.
    assert!(server.terminate().success());
    server.restart_with(&["--accept-retired"]);
    eventually("it to be shown", || {
        (state(&server, "one") == "retired").then_some(())
    });
    redis.restart();
    server.settle("two");
    eventually("nobody to be alarmed", || {
        (ready(&server)["status"] == "ready").then_some(())
    });
    eventually("the warning", || {
        let log = server.log();
        let mut lines = log.lines().filter(|it| it.contains("not configured"));
        lines.any(|it| it.contains("WARN")).then_some(())
    });
    assert!(server.data_dir().join("journal/one.cursor").exists());

    // It comes back while the server runs, and goes on where it stood.
    write(&server.config(), &good);
    eventually("it to be configured", || {
        (state(&server, "one") == "up").then_some(())
    });
    send(&server, "after", 2);
    server.settle("one");
    assert_delivered(&redis, "before", 3);
    assert_delivered(&redis, "after", 2);
    assert_eq!(redis.fields("two:user:meanwhile")["n"], "meanwhile");
    assert!(redis.fields("one:user:meanwhile").is_empty());
    assert!(!server.metrics().contains("kenwell_destination_retired{"));
}

#[test]
fn a_retired_destination_is_forgotten_by_whoever_names_the_number() {
    let mut redis = Redis::start();
    let (mut server, _) = stopped_without_one(&mut redis);
    server.restart();
    eventually("it to be shown", || {
        (state(&server, "one") == "retired").then_some(())
    });
    let path = "/api/v1/destinations/one";
    for query in ["", "?forget=2"] {
        let refused = server.ask("DELETE", &format!("{path}{query}"), "");
        assert_eq!(refused.status, 409, "{}", refused.text());
        let refused: Value = serde_json::from_str(&refused.text()).unwrap();
        assert_eq!(refused["error"]["code"], "events_waiting");
        assert_eq!(refused["error"]["events"], 3);
    }
    assert_eq!(
        server.ask("DELETE", &format!("{path}?forget=x"), "").status,
        400
    );
    assert_eq!(
        server.ask("DELETE", &format!("{path}?forget=3"), "").status,
        204
    );
    assert_eq!(
        server.ask("DELETE", &format!("{path}?forget=3"), "").status,
        404
    );
    assert_eq!(state(&server, "one"), "none");
    assert!(!server.data_dir().join("journal/one.cursor").exists());
    let log = server.log();
    let line = log.lines().find(|it| it.contains("given up")).unwrap();
    assert!(
        line.contains("ERROR") && line.contains("events=3"),
        "{line}"
    );
    let metrics = server.metrics();
    assert!(
        metrics.contains("kenwell_events_given_up_total 3\n"),
        "{metrics}"
    );
    assert!(!metrics.contains("destination=\"one\""), "{metrics}");
}

#[test]
fn the_command_forgets_while_the_server_runs_and_while_it_does_not() {
    let mut redis = Redis::start();
    let (mut server, good) = stopped_without_one(&mut redis);
    let said = |output: &std::process::Output| {
        let (out, err) = (output.stdout.clone(), output.stderr.clone());
        String::from_utf8([out, err].concat()).unwrap()
    };
    // Without a server, from the files.
    let listed = said(&server.cli(&["destinations", "list"]));
    assert!(
        listed.contains("one: not configured, 3 events wait since 2"),
        "{listed}"
    );
    assert!(
        listed.contains("two: configured, 0 events wait\n"),
        "{listed}"
    );
    let asked = server.cli(&["destinations", "forget", "one"]);
    assert_eq!(asked.status.code(), Some(2));
    assert!(
        said(&asked).contains("3 events wait for \"one\""),
        "{asked:?}"
    );
    let unknown = server.cli(&["destinations", "forget", "none", "--yes"]);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
    let configured = server.cli(&["destinations", "forget", "two", "--yes"]);
    assert_eq!(configured.status.code(), Some(2), "{configured:?}");
    // With one, by asking it.
    server.restart();
    eventually("it to be shown", || {
        (state(&server, "one") == "retired").then_some(())
    });
    let listed = said(&server.cli(&["destinations", "list", "--json"]));
    let line = listed.lines().find(|it| it.contains("\"one\"")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (&line["state"], &line["waiting"]),
        (&"retired".into(), &3.into())
    );
    let forgotten = server.cli(&["destinations", "forget", "one", "--yes"]);
    assert!(forgotten.status.success(), "{forgotten:?}");
    assert!(
        said(&forgotten).contains("3 events were given up"),
        "{forgotten:?}"
    );
    assert_eq!(state(&server, "one"), "none");
    // Once more, and this time without a server.
    write(&server.config(), &good);
    eventually("the file to be in force", || is_taken_over(&server));
    send(&server, "again", 1);
    assert!(server.terminate().success());
    write(&server.config(), &without_one(&good));
    let forgotten = server.cli(&["destinations", "forget", "one", "--yes"]);
    assert!(
        said(&forgotten).contains("1 event was given up"),
        "{forgotten:?}"
    );
    assert!(!server.data_dir().join("journal/one.cursor").exists());
}

#[test]
fn a_removal_names_the_number_that_it_gives_up() {
    let mut redis = Redis::start();
    let server = Server::with(&two(&redis));
    // One that keeps up goes at once, with everything delivered.
    assert_eq!(identify(&server, "APP", "ada"), 200);
    assert_eq!(
        server.ask("DELETE", "/api/v1/destinations/two", "").status,
        204
    );
    assert_eq!(redis.fields("two:user:ada")["n"], "ada");
    redis.kill();
    send(&server, "lost", 4);
    eventually("it to wait", || {
        (state(&server, "one") == "waiting").then_some(())
    });
    let refused = server.ask("DELETE", "/api/v1/destinations/one", "");
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert!(
        refused.text().contains("\"events\":4"),
        "{}",
        refused.text()
    );
    // Disabled, it keeps them; enabled, it goes on.
    let path = "/api/v1/destinations/one";
    assert_eq!(
        server.ask("PATCH", path, r#"{"enabled":false}"#).status,
        200
    );
    eventually("since when they wait", || {
        let shown = destination(&server, "one")?;
        (shown["state"] == "disabled" && shown["since"].is_string()).then_some(())
    });
    assert_eq!(server.ask("DELETE", path, "").status, 409);
    assert_eq!(
        server.ask("DELETE", &format!("{path}?forget=5"), "").status,
        204
    );
    assert!(server.log().contains("events=4"), "{}", server.log());
    assert_eq!(ready(&server)["destinations"], serde_json::json!([]));
}

#[test]
fn a_journal_that_a_retired_destination_holds_fills_up_and_says_who_holds_it() {
    let mut redis = Redis::start();
    let tables = format!("[journal]\nmax_bytes = \"16 MiB\"\n{}", two(&redis));
    let mut server = Server::with(&tables);
    let good = fs::read_to_string(server.config()).unwrap();
    redis.kill();
    send(&server, "before", 1);
    assert!(server.terminate().success());
    write(&server.config(), &without_one(&good));
    redis.restart();
    server.restart();
    let filler = "x".repeat(1_000_000);
    let mut client = Client::connect(&server.gateway);
    let mut fill = |user: &str| {
        let event = format!("{{\"userId\":\"{user}\",\"traits\":{{\"filler\":\"{filler}\"}}}}");
        client.post("/v1/identify", event.as_bytes()).unwrap()
    };
    let refused = (0..100).map(|number| fill(&format!("f{number}")));
    let refused = refused
        .into_iter()
        .find(|reply| reply.status != 200)
        .unwrap();
    assert_eq!(
        (refused.status, refused.text().as_str()),
        (503, "journal is full\n")
    );
    let reason = ready(&server)["reason"].as_str().unwrap().to_owned();
    assert_eq!(
        reason,
        "the journal is full: 1 event waits for \"one\", which is not configured: put it back, or `kenwell destinations forget one`"
    );
    write(&server.config(), &good);
    eventually("the gateway to accept again", || {
        (fill("after").status == 200).then_some(())
    });
    server.settle("one");
    assert_delivered(&redis, "before", 1);
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
