//! Starting, stopping, and what is refused before anything starts.

use std::process::Command;

use kenwell_journal::{Batch, Options};

use crate::support::{Client, Redis, Server, post};

#[test]
fn sigterm_finishes_what_was_begun_and_exits_0() {
    let redis = Redis::start();
    let mut server = Server::start(&redis);
    let mut client = Client::connect(&server.gateway);
    for number in 1..=200 {
        let event = format!("{{\"userId\":\"u\",\"traits\":{{\"last\":{number}}}}}");
        client.identify(&event);
    }
    assert_eq!(server.terminate().code(), Some(0));
    server.restart();
    server.settle("profiles");
    assert_eq!(redis.fields("user:u")["last"], "200");
    // What the tests have among their variables is for them, and the server takes none of it for a setting.
    let log = server.log();
    assert!(!log.contains("no setting has this name"), "{log}");
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let second = server.cli(&["serve"]);
    assert!(!second.status.success());
    let words = String::from_utf8(second.stderr).unwrap();
    assert!(
        words.contains("journal") && words.contains("another"),
        "{words}"
    );
    assert_eq!(
        post(&server.gateway, "/v1/track", r#"{"userId":"u"}"#).status,
        200
    );
}

#[test]
fn a_port_in_use_is_named_with_its_setting() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("kenwell.toml");
    std::fs::write(
        &config,
        format!(
            "[gateway]\nlisten = \"{}\"\n[private]\nlisten = \"127.0.0.1:0\"\n",
            server.gateway
        ),
    )
    .unwrap();
    let second = Command::new(env!("CARGO_BIN_EXE_kenwell"))
        .args(["serve", "--config"])
        .arg(&config)
        .output()
        .unwrap();
    let words = String::from_utf8(second.stderr).unwrap();
    assert!(
        !second.status.success()
            && words.contains("[gateway] listen")
            && words.contains(&server.gateway),
        "{words}"
    );
}

#[test]
fn a_server_starts_without_its_redis() {
    let mut redis = Redis::start();
    redis.kill();
    let server = Server::start(&redis);
    assert_eq!(
        post(
            &server.gateway,
            "/v1/identify",
            r#"{"userId":"u","traits":{"a":1}}"#
        )
        .status,
        200
    );
    redis.restart();
    server.settle("profiles");
    assert_eq!(redis.fields("user:u")["a"], "1");
}

#[test]
fn identify_and_profile_get_go_through_the_front_door() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let url = format!("http://{}", server.gateway);
    let sent = server.cli(&[
        "identify",
        "anna",
        "plan=pro",
        "address.city=Oslo",
        "seats=5",
        "--write-key",
        "WK",
        "--url",
        &url,
    ]);
    assert!(sent.status.success(), "{sent:?}");
    server.settle("profiles");
    assert_eq!(redis.fields("user:anna")["address.city"], "Oslo");
    let shown = server.cli(&["profile", "get", "anna"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown.contains("address.city") && shown.contains("Oslo") && shown.contains('5'),
        "{shown}"
    );
    let refused = server.cli(&[
        "identify",
        "anna",
        "plan=pro",
        "--write-key",
        "NO",
        "--url",
        &url,
    ]);
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(
        !refused.status.success() && words.contains("invalid write key"),
        "{words}"
    );
}

#[test]
fn a_journal_that_a_newer_version_has_written_to_is_refused_and_stays() {
    let redis = Redis::start();
    let mut server = Server::start(&redis);
    Client::connect(&server.gateway).identify(r#"{"userId":"u","traits":{"n":1}}"#);
    server.settle("profiles");
    server.terminate();
    let journal = server.data_dir().join("journal");
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(async {
        let (journal, _) = kenwell_journal::open(&journal, Options::default()).unwrap();
        let mut batch = Batch::new();
        batch.push(&[&[200], b"of a version to come"]);
        journal.append(batch).await.unwrap();
        journal.close().await.unwrap();
    });
    for _ in 0..2 {
        let refused = server.cli(&["serve"]);
        let words = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{words}");
        assert!(
            words.contains("newer Kenwell") && words.contains("version 200"),
            "{words}"
        );
    }
}
