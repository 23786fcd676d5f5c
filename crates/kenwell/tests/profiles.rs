//! Profiles in a real Redis: what is written, what fails and how, and what comes back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::support::link::{Flow, Link};
use crate::support::server::Server;
use kenwell::connection::{Connection, Secret, Settings};
use kenwell::profile::{self, Layout, ProfileUpdate};
use kenwell::{Class, Error};

fn update(user: &str, traits: &str) -> ProfileUpdate {
    let event = format!(r#"{{"userId":"{user}","traits":{traits}}}"#);
    profile::update(event.as_bytes(), &Layout::default()).unwrap()
}

async fn fields(connection: &Connection, user: &str) -> BTreeMap<String, String> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let stored = profile::read(connection, &Layout::default(), user)
        .await
        .unwrap();
    stored
        .unwrap_or_default()
        .into_iter()
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

fn class(result: &Result<(), Error>) -> Option<Class> {
    result.as_ref().err().map(Error::class)
}

#[tokio::test]
async fn a_profile_is_deleted_and_its_expiry_told() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let layout = Layout::default();
    assert_eq!(
        profile::expires_in(&connection, &layout, "u1")
            .await
            .unwrap(),
        None
    );
    let written = profile::apply(&connection, &[update("u1", r#"{"a":1}"#)]).await;
    assert!(written.iter().all(Result::is_ok));
    assert_eq!(
        profile::expires_in(&connection, &layout, "u1")
            .await
            .unwrap(),
        None
    );
    server.command("PEXPIRE user:u1 60000");
    let left = profile::expires_in(&connection, &layout, "u1")
        .await
        .unwrap();
    assert!(left.is_some_and(|left| left <= Duration::from_mins(1)));
    assert!(profile::delete(&connection, &layout, "u1").await.unwrap());
    assert!(!profile::delete(&connection, &layout, "u1").await.unwrap());
    assert!(fields(&connection, "u1").await.is_empty());
}

#[tokio::test]
async fn an_item_of_the_wrong_type_fails_alone() {
    let server = Server::start(&[]);
    assert_eq!(server.command("SET user:u2 text"), "+OK");
    let connection = server.connection();
    let updates = ["u1", "u2", "u3"].map(|user| update(user, r#"{"a":1}"#));
    let results = profile::apply(&connection, &updates).await;
    assert_eq!(
        results.iter().map(class).collect::<Vec<_>>(),
        [None, Some(Class::Record), None]
    );
    let error = results[1].as_ref().unwrap_err();
    assert!(!error.is_retryable());
    assert!(
        error.to_string().contains("HSET refused: WRONGTYPE"),
        "{error}"
    );
    assert!(matches!(
        profile::read(&connection, &Layout::default(), "u2").await,
        Err(error) if error.class() == Class::Record
    ));
    assert_eq!(fields(&connection, "u3").await["a"], "1");
}

#[tokio::test]
async fn a_forbidden_key_concerns_the_record_and_a_forbidden_command_the_configuration() {
    let server = Server::start(&[]);
    assert_eq!(
        server.command("ACL SETUSER keys on >pw ~user:a* +@all"),
        "+OK"
    );
    assert_eq!(
        server.command("ACL SETUSER reader on >pw ~* +@all -hset"),
        "+OK"
    );
    let as_user = |name: &str| {
        let mut settings = server.settings();
        settings.username = Some(name.to_owned());
        settings.password = Some(Secret::new("pw"));
        Connection::new(settings).unwrap()
    };
    let updates = [update("a1", r#"{"a":1}"#), update("b1", r#"{"a":1}"#)];
    let results = profile::apply(&as_user("keys"), &updates).await;
    assert_eq!(
        results.iter().map(class).collect::<Vec<_>>(),
        [None, Some(Class::Unknown)]
    );
    let results = profile::apply(&as_user("reader"), &updates).await;
    assert_eq!(
        results.iter().map(class).collect::<Vec<_>>(),
        [Some(Class::Configuration); 2]
    );
}

#[tokio::test]
async fn an_unknown_command_is_configuration_and_shows_no_traits() {
    let server = Server::start(&["--rename-command", "HSET", ""]);
    let results = profile::apply(
        &server.connection(),
        &[update("secret-id", r#"{"a":"secret-value"}"#)],
    )
    .await;
    assert_eq!(class(&results[0]), Some(Class::Configuration));
    let text = format!("{results:?} {}", results[0].as_ref().unwrap_err());
    assert!(
        text.contains("unknown command") && !text.contains("secret"),
        "{text}"
    );
}

/// Even one that knows neither `HELLO` nor `CLIENT`, whose other refusals we would put up with.
#[tokio::test]
async fn a_server_that_wants_a_password_says_so_at_the_login() {
    let nothing = [
        "--rename-command",
        "HELLO",
        "",
        "--rename-command",
        "CLIENT",
        "",
    ];
    let server = Server::start(&[&nothing[..], &["--requirepass", "right"]].concat());
    let error = server.connection().ping().await.unwrap_err();
    assert!(matches!(error, Error::Login { .. }), "{error}");
    assert!(error.to_string().contains("set `password`"), "{error}");
    let mut settings = server.settings();
    settings.password = Some(Secret::new("right"));
    Connection::new(settings).unwrap().ping().await.unwrap();
}

#[tokio::test]
async fn a_password_for_a_server_without_one_is_accepted() {
    let server = Server::start(&[]);
    let mut settings = server.settings();
    settings.password = Some(Secret::new("anything"));
    Connection::new(settings).unwrap().ping().await.unwrap();
}

#[tokio::test]
async fn a_killed_server_is_transient_and_found_again() {
    let mut server = Server::start(&[]);
    let connection = server.connection();
    let updates = [update("u1", r#"{"a":1}"#), update("u2", r#"{"a":2}"#)];
    assert!(
        profile::apply(&connection, &updates)
            .await
            .iter()
            .all(Result::is_ok)
    );
    server.kill();
    for _ in 0..3 {
        let results = profile::apply(&connection, &updates).await;
        assert_eq!(
            results.iter().map(class).collect::<Vec<_>>(),
            [Some(Class::Transient); 2]
        );
    }
    let error = connection.ping().await.unwrap_err();
    assert!(error.to_string().contains("cannot connect"), "{error}");
    assert!(matches!(error, Error::Connect { .. }));
    assert_eq!(error.code(), "unreachable");
    server.revive();
    assert!(
        profile::apply(&connection, &updates)
            .await
            .iter()
            .all(Result::is_ok)
    );
    assert_eq!(fields(&connection, "u2").await["a"], "2");
}

#[tokio::test]
async fn a_server_that_is_still_loading_is_transient() {
    let mut server = Server::start(&["--rdbcompression", "no"]);
    let connection = server.connection();
    let traits = format!(r#"{{"a":1,"b":"{}"}}"#, "x".repeat(200));
    let updates: Vec<_> = (0..2_000)
        .map(|user| update(&format!("u{user}"), &traits))
        .collect();
    assert!(
        profile::apply(&connection, &updates)
            .await
            .iter()
            .all(Result::is_ok)
    );
    assert_eq!(server.command("SAVE"), "+OK");
    server.kill();
    // 2,000 keys, 20 ms each, until we allow it to hurry; it answers after every kilobyte.
    let interval = "--loading-process-events-interval-bytes";
    server.revive_with(&["--key-load-delay", "20000", interval, "1024"]);
    // The first attempt may still find the old connection, which is broken.
    let mut results = profile::apply(&connection, &updates[..2]).await;
    while matches!(results[0], Err(Error::Lost { .. })) {
        results = profile::apply(&connection, &updates[..2]).await;
    }
    assert_eq!(
        results.iter().map(class).collect::<Vec<_>>(),
        [Some(Class::Transient); 2]
    );
    assert!(
        results[0]
            .as_ref()
            .unwrap_err()
            .to_string()
            .contains("LOADING"),
        "{results:?}"
    );
    assert_eq!(server.command("CONFIG SET key-load-delay 0"), "+OK");
    let deadline = Instant::now() + Duration::from_mins(1);
    while profile::apply(&connection, &updates[..2])
        .await
        .iter()
        .any(Result::is_err)
    {
        assert!(Instant::now() < deadline);
    }
    assert_eq!(fields(&connection, "u1999").await["a"], "1");
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_idle_is_replaced_silently() {
    let server = Server::start(&[]);
    let connection = server.connection();
    connection.ping().await.unwrap();
    assert_eq!(server.command("CLIENT KILL TYPE normal"), ":1");
    let deadline = Instant::now() + Duration::from_mins(1);
    // The closing has to travel to us first; then the next command must not notice.
    while connection.ping().await.is_err() {
        assert!(Instant::now() < deadline);
    }
    connection.ping().await.unwrap();
}

#[tokio::test]
async fn a_frozen_server_times_out_and_its_late_commands_change_nothing() {
    let server = Server::start(&[]);
    let settings = Settings {
        connect_timeout: Duration::from_secs(2),
        command_timeout: Duration::from_secs(2),
        ..server.settings()
    };
    let connection = Connection::new(settings).unwrap();
    assert!(profile::apply(&connection, &[update("u1", r#"{"a":"0"}"#)]).await[0].is_ok());
    server.signal("STOP");
    let results = profile::apply(&connection, &[update("u1", r#"{"a":"old"}"#)]).await;
    assert!(
        matches!(results[0], Err(Error::Silent { .. })),
        "{results:?}"
    );
    assert_eq!(class(&results[0]), Some(Class::Transient));
    let error = connection.ping().await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("connecting took longer than 2000 ms"),
        "{error}"
    );
    server.signal("CONT");
    // The lane goes on with newer values; the frozen server may have executed the old one before,
    // but never after.
    while class(&profile::apply(&connection, &[update("u1", r#"{"a":"new"}"#)]).await[0]).is_some()
    {
    }
    let patient = server.connection();
    for _ in 0..50 {
        assert_eq!(fields(&patient, "u1").await["a"], "new");
    }
}

#[tokio::test]
async fn what_was_given_up_on_the_way_is_never_executed_after_newer_writes() {
    let server = Server::start(&[]);
    let link = Link::before(&server.address());
    let settings = Settings {
        command_timeout: Duration::from_secs(2),
        ..Settings::new(link.address())
    };
    let connection = Connection::new(settings).unwrap();
    connection.ping().await.unwrap();
    link.let_flow(Flow::Hold, Flow::Carry);
    let results = profile::apply(&connection, &[update("u1", r#"{"a":"old"}"#)]).await;
    assert!(
        matches!(results[0], Err(Error::Silent { .. })),
        "{results:?}"
    );
    assert!(link.held() > 0, "the old write is on its way");
    let results = profile::apply(&connection, &[update("u1", r#"{"a":"new"}"#)]).await;
    assert!(results[0].is_ok(), "{results:?}");
    link.let_flow(Flow::Carry, Flow::Carry);
    // Redis has read what arrived before this.
    assert_eq!(server.command("PING"), "+PONG");
    assert_eq!(fields(&connection, "u1").await["a"], "new");
}

#[tokio::test]
async fn a_full_or_read_only_server_is_transient() {
    let server = Server::start(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]);
    let connection = server.connection();
    let results = profile::apply(&connection, &[update("u1", r#"{"a":1}"#)]).await;
    assert_eq!(class(&results[0]), Some(Class::Transient));
    assert!(results[0].as_ref().unwrap_err().to_string().contains("OOM"));
    assert_eq!(server.command("CONFIG SET maxmemory 0"), "+OK");
    assert_eq!(server.command("REPLICAOF 127.0.0.1 1"), "+OK");
    let results = profile::apply(&connection, &[update("u1", r#"{"a":1}"#)]).await;
    assert_eq!(class(&results[0]), Some(Class::Transient));
    assert!(
        results[0]
            .as_ref()
            .unwrap_err()
            .to_string()
            .contains("READONLY")
    );
    assert_eq!(server.command("REPLICAOF NO ONE"), "+OK");
    assert!(profile::apply(&connection, &[update("u1", r#"{"a":1}"#)]).await[0].is_ok());
}

#[tokio::test]
async fn a_server_with_too_many_clients_is_transient() {
    let server = Server::start(&["--maxclients", "1"]);
    let first = server.connection();
    while first.ping().await.is_err() {}
    let error = server.connection().ping().await.unwrap_err();
    assert_eq!(error.class(), Class::Transient, "{error}");
}

#[tokio::test]
async fn a_hundred_thousand_fields() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let traits: Vec<_> = (0..100_000)
        .map(|index| format!("\"trait{index}\":{index}"))
        .collect();
    let large = update("u1", &format!("{{{}}}", traits.join(",")));
    assert_eq!(large.fields().len(), 100_000);
    let results = profile::apply(&connection, &[large, update("u2", r#"{"a":1}"#)]).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let stored = fields(&connection, "u1").await;
    assert_eq!(stored.len(), 100_000);
    assert_eq!(stored["trait99999"], "99999");
    assert_eq!(fields(&connection, "u2").await["a"], "1");
}

#[tokio::test]
async fn tls_to_a_server_that_does_not_speak_it_is_configuration_or_transient_but_never_plain() {
    let server = Server::start(&[]);
    let settings = Settings {
        secure: true,
        skip_verify: true,
        connect_timeout: Duration::from_secs(2),
        ..server.settings()
    };
    let error = Connection::new(settings).unwrap().ping().await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(!matches!(error, Error::Refused { .. }));
}
