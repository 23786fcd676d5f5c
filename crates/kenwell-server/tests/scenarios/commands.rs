//! Commands that talk to the running server: top, tail, destinations, replay, dead letters.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::support::{ADMIN_KEY, Client, Redis, Server, eventually, free_port};

/// A command with this server's configuration, and no variables but these.
fn command(server: &Server, words: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kenwell"));
    command
        .args(words)
        .env_clear()
        .env("KENWELL_CONFIG", server.config())
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(server: &Server, words: &[&str], variables: &[(&str, &str)]) -> Output {
    command(server, words, variables).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What a command that must succeed has printed.
fn said(server: &Server, words: &[&str]) -> String {
    let output = run(server, words, &[]);
    assert!(output.status.success(), "{words:?}: {output:?}");
    out(&output)
}

fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

fn identify(server: &Server, users: &[&str]) {
    let mut client = Client::connect(&server.gateway);
    for user in users {
        client.identify(&format!(
            r#"{{"userId":"{user}","traits":{{"n":"{user}"}}}}"#
        ));
    }
}

#[test]
fn top_prints_rates_and_states_with_the_names_of_the_api() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    identify(&server, &["a", "b", "c"]);
    server.settle("profiles");
    let words = ["top", "--once", "--json", "--interval", "200ms"];
    let shown: Value = serde_json::from_str(&said(&server, &words)).unwrap();
    let (source, destination) = (&shown["sources"][0], &shown["destinations"][0]);
    assert_eq!(
        (&source["id"], &source["accepted"]),
        (&"web".into(), &3.into())
    );
    assert_eq!(source["accepted_per_second"], 0.0);
    assert_eq!(
        (&destination["state"], &destination["written"]),
        (&"up".into(), &3.into())
    );
    assert_eq!(destination["written_per_second"], 0.0);
    assert!(shown["seconds"].as_f64().unwrap() >= 0.2, "{shown}");
    let text = said(&server, &["top", "--once", "--interval", "200ms"]);
    for part in ["takes events", "SOURCE", "web", "DESTINATION", "profiles"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "no terminal, no escapes: {text}");
}

#[test]
fn who_is_not_let_in_hears_which_key_it_was_and_where_nobody_listens_what_to_start() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let url = format!("http://{}", server.private);
    let top = ["top", "--once", "--interval", "200ms"];
    let wrong = run(&server, &top, &[("KENWELL_ADMIN_KEY", "kwa_other")]);
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    assert!(
        err(&wrong).contains("the admin key of KENWELL_ADMIN_KEY"),
        "{wrong:?}"
    );
    assert!(!err(&wrong).contains("kwa_other"), "{wrong:?}");
    // No configuration is needed where everything is said.
    let nowhere = ("KENWELL_CONFIG", "/nowhere/kenwell.toml");
    let key = ("KENWELL_ADMIN_KEY", ADMIN_KEY);
    let named = run(
        &server,
        &top,
        &[nowhere, key, ("KENWELL_PRIVATE_URL", &url)],
    );
    assert!(named.status.success(), "{named:?}");
    let by_name = [
        "top",
        "--once",
        "--interval=200ms",
        "--admin-key",
        "env:MINE",
        "--url",
        &url,
    ];
    let named = run(&server, &by_name, &[nowhere, ("MINE", ADMIN_KEY)]);
    assert!(named.status.success(), "{named:?}");
    let bare = ["top", "--once", "--admin-key", ADMIN_KEY, "--url", &url];
    let bare = run(&server, &bare, &[]);
    assert_eq!(bare.status.code(), Some(2), "{bare:?}");
    assert!(!err(&bare).contains(ADMIN_KEY), "{bare:?}");
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let absent = run(&server, &["tail", "--url", &nobody], &[]);
    assert_eq!(absent.status.code(), Some(1), "{absent:?}");
    assert!(err(&absent).contains("kenwell serve"), "{absent:?}");
    // The command line's own variables are no settings that nobody knows.
    let checked = run(
        &server,
        &["config", "check"],
        &[key, ("KENWELL_PRIVATE_URL", &url)],
    );
    assert!(checked.status.success(), "{checked:?}");
    assert!(!err(&checked).contains("KENWELL_"), "{checked:?}");
}

/// A tail. What is sent before the server has taken it up as a reader is not seen: send again.
fn tail(server: &Server, words: &[&str]) -> Child {
    let words = [&["tail"], words].concat();
    command(server, &words, &[]).spawn().unwrap()
}

#[test]
fn tail_prints_what_was_asked_for_and_ends_after_so_many() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let words = [
        "--user",
        "ada",
        "--outcome",
        "written",
        "--destination",
        "profiles",
        "--count",
        "2",
        "--json",
    ];
    let mut child = tail(&server, &words);
    eventually("two of ada's events to be shown", || {
        identify(&server, &["bob", "ada"]);
        server.settle("profiles");
        child.try_wait().unwrap()
    });
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let seen = lines(&out(&output));
    assert_eq!(seen.len(), 2);
    for one in &seen {
        assert_eq!(
            (&one["user_id"], &one["outcome"], &one["destination"]),
            (&"ada".into(), &"written".into(), &"profiles".into())
        );
        assert_eq!(one["event"]["traits"]["n"], "ada");
    }
}

#[test]
fn tail_tells_who_filters_by_a_name_that_is_not_there() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    for (option, what) in [("--source", "source"), ("--destination", "destination")] {
        let mut child = tail(&server, &[option, "nobody"]);
        let mut told = String::new();
        let mut text = BufReader::new(child.stderr.take().unwrap());
        text.read_line(&mut told).unwrap();
        assert!(told.contains(&format!("no {what} \"nobody\"")), "{told}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn ctrl_c_ends_a_tail_in_order_and_so_does_a_reader_who_goes_away() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let mut interrupted = tail(&server, &["--outcome", "written", "--event"]);
    let mut abandoned = tail(&server, &[]);
    drop(abandoned.stdout.take());
    let mut text = BufReader::new(interrupted.stdout.take().unwrap());
    let (sender, receiver) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut first = String::new();
        text.read_line(&mut first).unwrap();
        sender.send(first).unwrap();
        let mut rest = String::new();
        text.read_to_string(&mut rest).unwrap();
    });
    let first = eventually("a line", || {
        identify(&server, &["ada"]);
        receiver.try_recv().ok()
    });
    assert!(first.contains("identify  ada  web -> profiles"), "{first}");
    let status = Command::new("kill")
        .args(["-INT", &interrupted.id().to_string()])
        .status();
    assert!(status.unwrap().success());
    let ended = interrupted.wait_with_output().unwrap();
    reader.join().unwrap();
    assert_eq!((ended.status.code(), err(&ended)), (Some(0), String::new()));
    eventually("the other one to notice", || {
        identify(&server, &["ada"]);
        abandoned.try_wait().unwrap()
    });
    let ended = abandoned.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), err(&ended)), (Some(0), String::new()));
}

#[test]
fn destinations_are_paused_and_resumed_while_the_server_runs() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    assert_eq!(
        said(&server, &["destinations", "pause", "profiles"]),
        "profiles: paused, 0 events wait\n"
    );
    identify(&server, &["ada"]);
    let listed = lines(&said(&server, &["destinations", "list", "--json"]));
    assert_eq!(
        (&listed[0]["id"], &listed[0]["state"], &listed[0]["queued"]),
        (&"profiles".into(), &"paused".into(), &1.into())
    );
    let resumed = said(&server, &["destinations", "resume", "profiles", "--json"]);
    assert_eq!(lines(&resumed)[0]["id"], "profiles");
    server.settle("profiles");
    assert_eq!(redis.fields("user:ada")["n"], "ada");
    let unknown = run(&server, &["destinations", "pause", "other"], &[]);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
    assert!(err(&unknown).contains("\"other\""), "{unknown:?}");
}

#[test]
fn a_replay_needs_no_stop() {
    let redis = Redis::start();
    let mut server = Server::start(&redis);
    identify(&server, &["ada", "bob"]);
    server.settle("profiles");
    redis.command::<()>(&["DEL", "user:ada"]);
    let told = said(&server, &["replay", "--from", "1h", "--wait"]);
    assert!(
        told.starts_with("2 events delivered to \"profiles\" again\norder of arrival: "),
        "{told}"
    );
    assert_eq!(redis.fields("user:ada")["n"], "ada");
    let told = said(&server, &["replay", "--from", "1h", "--json"]);
    assert_eq!(told, "{\"destination\":\"profiles\",\"records\":2}\n");
    let other = run(
        &server,
        &["replay", "--from", "1h", "--destination", "x"],
        &[],
    );
    assert_eq!(other.status.code(), Some(2), "{other:?}");
    // Without a server it is done in the files.
    server.settle("profiles");
    assert!(server.terminate().success());
    let told = said(&server, &["replay", "--from", "1h"]);
    let expected = "2 events will be delivered to \"profiles\" again when the server starts\n";
    assert!(told.starts_with(expected), "{told}");
    let wait = run(&server, &["replay", "--from", "1h", "--wait"], &[]);
    assert_eq!(wait.status.code(), Some(2), "{wait:?}");
}

#[test]
fn a_replay_to_a_destination_that_is_disabled_meanwhile_is_not_waited_for() {
    let mut redis = Redis::start();
    let server = Server::start(&redis);
    identify(&server, &["ada", "bob"]);
    server.settle("profiles");
    redis.kill();
    let waited = std::thread::scope(|scope| {
        let wait = || run(&server, &["replay", "--from", "1h", "--wait"], &[]);
        let waiting = scope.spawn(wait);
        let path = "/api/v1/destinations/profiles";
        eventually("the replay is under way", || {
            let text = server.ask("GET", path, "").text();
            text.contains("\"accepted\":4").then_some(())
        });
        let disabled = server.ask("PATCH", path, "{\"enabled\":false}");
        assert_eq!(disabled.status, 200, "{}", disabled.text());
        waiting.join().unwrap()
    });
    assert_eq!(waited.status.code(), Some(1), "{waited:?}");
    assert!(err(&waited).contains("was disabled"), "{waited:?}");
}

#[test]
fn dead_letters_are_the_same_in_the_files_and_by_a_server_that_is_named() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    for user in ["a", "b", "c"] {
        redis.command::<()>(&["SET", &format!("user:{user}"), "x"]);
        // Several under way at once may be refused in any order.
        identify(&server, &[user]);
        server.settle("profiles");
    }
    let url = format!("http://{}", server.private);
    let by_server = |words: &[&str]| {
        let words: Vec<&str> = [&["dead-letters"], words, &["--url", &url]].concat();
        run(&server, &words, &[])
    };
    let in_files = |words: &[&str]| run(&server, &[&["dead-letters"], words].concat(), &[]);
    for words in [
        &["list"][..],
        &["list", "--json"],
        &["list", "--reason", "other"],
    ] {
        let (one, other) = (in_files(words), by_server(words));
        assert!(
            one.status.success() && other.status.success(),
            "{one:?} {other:?}"
        );
        assert_eq!(out(&one), out(&other), "{words:?}");
    }
    let listed = lines(&out(&in_files(&["list", "--json"])));
    assert_eq!(listed.len(), 3);
    assert_eq!(
        (
            &listed[0]["reason"],
            &listed[0]["user_id"],
            &listed[0]["event"]["userId"]
        ),
        (&"WRONGTYPE".into(), &"a".into(), &"a".into())
    );
    let id = |place: usize| listed[place]["id"].as_str().unwrap();
    for show in [in_files(&["show", id(1)]), by_server(&["show", id(1)])] {
        assert!(out(&show).contains("key          user:b"), "{show:?}");
    }
    for absent in [in_files(&["show", "1-1"]), by_server(&["show", "1-1"])] {
        assert_eq!(absent.status.code(), Some(3), "{absent:?}");
    }
    for words in [&["retry", "1-1"][..], &["discard", "1-1", "--yes"]] {
        for absent in [in_files(words), by_server(words)] {
            assert_eq!(absent.status.code(), Some(3), "{absent:?}");
            assert!(err(&absent).contains("1 of 1 letters"), "{absent:?}");
        }
    }

    let refused = by_server(&["retry", id(0)]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(out(&refused).contains("1 kept"), "{refused:?}");
    redis.command::<()>(&["DEL", "user:a", "user:b"]);
    let one = in_files(&["retry", id(1), "--json"]);
    assert_eq!(lines(&out(&one))[0]["retried"], 1, "{one:?}");
    assert_eq!(redis.fields("user:b")["n"], "b");
    assert!(
        redis.fields("user:a").is_empty(),
        "nobody asked for that one"
    );
    let all = by_server(&["retry", "--json"]);
    assert_eq!(all.status.code(), Some(1), "{all:?}");
    let told = &lines(&out(&all))[0];
    assert_eq!(
        (&told["retried"], &told["still_failing"]),
        (&1.into(), &1.into())
    );

    for unsure in [
        by_server(&["discard", "--all"]),
        in_files(&["discard", "--all"]),
    ] {
        assert_eq!(unsure.status.code(), Some(2), "{unsure:?}");
        assert!(err(&unsure).contains("--yes"), "{unsure:?}");
    }
    assert_eq!(
        in_files(&["discard", "--yes"]).status.code(),
        Some(2),
        "which?"
    );
    let none = in_files(&["discard", "--reason", "OOM", "--yes"]);
    assert_eq!(out(&none), "profiles: 0 discarded\n", "{none:?}");
    let gone = by_server(&["discard", "--reason", "WRONGTYPE", "--yes"]);
    assert_eq!(out(&gone), "profiles: 1 discarded\n", "{gone:?}");
    for empty in [in_files(&["list"]), by_server(&["list"])] {
        assert_eq!(out(&empty), "profiles: 0 dead letters\n", "{empty:?}");
    }
}
