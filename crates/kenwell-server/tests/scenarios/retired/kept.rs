//! What waits for a destination that is not configured or disabled: shown, held, and given up by its number.

use std::fs;

use serde_json::Value;

use super::{
    assert_delivered, destination, identify, is_taken_over, ready, send, state, two, write,
};
use crate::support::{Client, Redis, Server, eventually};

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
    server.restart_saying(&["--accept-retired"]);
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
        (&line["state"], &line["queued"]),
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
    let forgotten = server.cli(&["destinations", "forget", "one", "--yes", "--json"]);
    assert_eq!(
        String::from_utf8_lossy(&forgotten.stdout),
        "{\"given_up\":1,\"id\":\"one\"}\n",
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
