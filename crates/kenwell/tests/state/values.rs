//! The byte layer: one round trip a call, nothing half-written, the real reasons.

use kenwell::Class;
use kenwell::connection::{Connection, Secret, Settings};
use kenwell::state::Error;
use kenwell::state::values::{self, Expected, Fetched, MAX_KEYS, MAX_TTL_SECONDS, Read, Write};

use crate::support::server::Server;

pub(crate) fn write(key: &str, value: &str) -> Write {
    Write {
        key: key.into(),
        value: value.into(),
        ttl_seconds: None,
    }
}

pub(crate) fn read(key: &str) -> Read {
    Read {
        key: key.into(),
        refresh_seconds: None,
    }
}

pub(crate) fn texts(fetched: Fetched) -> Vec<Option<String>> {
    let values = fetched.values.into_iter();
    let values = values.map(|value| {
        value
            .unwrap()
            .map(|value| String::from_utf8(value).unwrap())
    });
    values.collect()
}

/// What Redis has executed so far, by name, without what every new connection sends.
fn executed(server: &Server) -> Vec<(String, u64)> {
    let stats = server.cli(&["INFO", "commandstats"]);
    let lines = stats.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let calls = rest.split_once(',')?.0.parse().unwrap();
        Some((name.to_owned(), calls))
    });
    let ours = |(name, _): &(String, u64)| {
        [
            "get", "set", "getex", "multi", "exec", "expire", "hgetall", "eval", "del",
        ]
        .contains(&&**name)
    };
    lines.filter(ours).collect()
}

#[tokio::test]
async fn values_are_stored_fetched_and_removed_together() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let writes = [write("a", "1"), write("b", ""), write("c\0 ü", "\u{1f600}")];
    values::store(&connection, &writes).await.unwrap();
    let reads = ["a", "b", "nothing", "c\0 ü"].map(read);
    let fetched = values::fetch(&connection, &reads, None).await.unwrap();
    assert_eq!(fetched.profile, None);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        texts(fetched),
        [text("1"), text(""), None, text("\u{1f600}")]
    );
    let count = |name: &str, count| (name.to_owned(), count);
    let mut seen = executed(&server);
    seen.sort();
    let expected = [
        count("exec", 2),
        count("get", 4),
        count("multi", 2),
        count("set", 3),
    ];
    assert_eq!(seen, expected);
    let keys = ["a", "nothing", "b"].map(Vec::from);
    assert_eq!(values::remove(&connection, &keys).await.unwrap(), 2);
    assert_eq!(server.cli(&["DBSIZE"]), "1");
    values::store(&connection, &[]).await.unwrap();
    assert_eq!(
        texts(values::fetch(&connection, &[], None).await.unwrap()),
        [None; 0]
    );
    assert_eq!(values::remove(&connection, &[]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_profile_comes_along() {
    let server = Server::start(&[]);
    let connection = server.connection();
    server.cli(&["HSET", "user:u1", "name", "Ada"]);
    server.cli(&["SET", "data:u1", "{}"]);
    let fetch = async |profile: &'static str| {
        values::fetch(&connection, &[read("data:u1")], Some(profile.as_bytes())).await
    };
    let fetched = fetch("user:u1").await.unwrap();
    assert_eq!(fetched.profile, Some(vec![(b"name".into(), b"Ada".into())]));
    assert_eq!(texts(fetched), [Some("{}".to_owned())]);
    assert_eq!(fetch("user:u2").await.unwrap().profile, None);
    let error = fetch("data:u1").await.unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("profile (key `data:u1`)") && said.contains("WRONGTYPE"),
        "{said}"
    );
}

#[tokio::test]
async fn a_time_to_live_is_set_with_the_value_and_refreshed_with_the_read() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let ttl = |seconds| Write {
        ttl_seconds: seconds,
        ..write("k", "v")
    };
    let left = || -> i64 { server.cli(&["TTL", "k"]).parse().unwrap() };
    for (seconds, expected) in [
        (Some(100), 60..=100),
        (Some(0), -1..=-1),
        (Some(50), 20..=50),
        (None, -1..=-1),
    ] {
        values::store(&connection, &[ttl(seconds)]).await.unwrap();
        assert!(expected.contains(&left()), "{seconds:?} {}", left());
    }
    values::store(&connection, &[ttl(Some(50))]).await.unwrap();
    let refresh = |seconds| Read {
        refresh_seconds: seconds,
        ..read("k")
    };
    for (seconds, expected) in [(None, 1..=50), (Some(0), 1..=50), (Some(500), 400..=500)] {
        let reads = [refresh(seconds), read("other")];
        let fetched = values::fetch(&connection, &reads, None).await.unwrap();
        assert_eq!(texts(fetched), [Some("v".to_owned()), None]);
        assert!(expected.contains(&left()), "{seconds:?} {}", left());
    }
    assert!(executed(&server).iter().all(|(name, _)| name != "expire"));
    values::store(&connection, &[ttl(Some(MAX_TTL_SECONDS))])
        .await
        .unwrap();
    assert!(left() > 1_000_000_000);
    let error = values::store(
        &connection,
        &[write("other", ""), ttl(Some(MAX_TTL_SECONDS + 1))],
    )
    .await;
    let error = error.unwrap_err();
    assert!(
        matches!(&error, Error::Ttl { place, .. } if place.index() == 1),
        "{error}"
    );
    assert_eq!(server.cli(&["EXISTS", "other"]), "0");
}

#[tokio::test]
async fn what_cannot_be_read_stands_in_its_place() {
    let server = Server::start(&[]);
    let connection = server.connection();
    server.cli(&["SET", "a", "1"]);
    server.cli(&["HSET", "b", "x", "1"]);
    let mut fetched = values::fetch(&connection, &["a", "b", "c"].map(read), None)
        .await
        .unwrap();
    assert_eq!(fetched.values.remove(0).unwrap(), Some(b"1".to_vec()));
    let error = fetched.values.remove(0).unwrap_err().to_string();
    assert!(
        error.starts_with("entry 1 (key `b`): redis at") && error.contains("WRONGTYPE"),
        "{error}"
    );
    assert_eq!(fetched.values.remove(0).unwrap(), None);
    // A save replaces whatever is there.
    values::store(&connection, &[write("b", "2")])
        .await
        .unwrap();
    assert_eq!(server.cli(&["GET", "b"]), "2");
}

/// The connection of a user who may only do this.
fn restricted(server: &Server, rights: &[&str]) -> Connection {
    let set = [
        "ACL", "SETUSER", "app", "on", ">pw", "+client", "+ping", "+multi", "+exec",
    ];
    assert_eq!(server.cli(&[&set, rights].concat()), "OK");
    let mut settings = server.settings();
    settings.username = Some("app".to_owned());
    settings.password = Some(Secret::new("pw"));
    Connection::new(settings).unwrap()
}

#[tokio::test]
async fn the_real_reason_is_told_and_nothing_is_half_written() {
    let server = Server::start(&[]);
    let two = [write("data:u1", "1"), write("other:u1", "2")];
    let refused = async |connection: &Connection| {
        let error = values::store(connection, &two).await.unwrap_err();
        assert_eq!(server.cli(&["DBSIZE"]), "0", "{error}");
        let Error::Value { place, source } = error else {
            panic!("{error}")
        };
        (place.index(), source.to_string(), source.class())
    };
    let connection = restricted(&server, &["+set", "+get", "~data:*"]);
    let (index, said, class) = refused(&connection).await;
    assert_eq!((index, class), (1, Class::Unknown));
    assert!(
        said.contains("SET refused: NOPERM no permission to access this key"),
        "{said}"
    );
    let reads = ["other:u1", "data:u1"].map(read);
    let fetched = values::fetch(&connection, &reads, None).await.unwrap();
    assert_eq!(fetched.values.len(), reads.len());
    for value in fetched.values {
        let said = value.unwrap_err().to_string();
        assert!(
            said.starts_with("entry 0 (key `other:u1`)") && said.contains("NOPERM"),
            "{said}"
        );
    }
    let no_set = restricted(&server, &["-set", "~*"]);
    let (_, said, class) = refused(&no_set).await;
    assert!(said.contains("NOPERM") && said.contains("'set'"), "{said}");
    assert_eq!(class, Class::Configuration);
    let no_exec = restricted(&server, &["+set", "-exec"]);
    let (_, said, _) = refused(&no_exec).await;
    assert!(said.contains("NOPERM") && said.contains("'exec'"), "{said}");
    let _whole_again = restricted(&server, &["+exec"]);
    values::store(&no_exec, &two).await.unwrap();

    server.cli(&["FLUSHALL"]);
    let connection = server.connection();
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let (_, said, class) = refused(&connection).await;
    assert!(said.contains("SET refused: OOM"), "{said}");
    assert_eq!(class, Class::Transient);
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);

    server.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    let (_, said, class) = refused(&connection).await;
    assert!(said.contains("SET refused: READONLY"), "{said}");
    assert_eq!(class, Class::Transient);
    server.cli(&["REPLICAOF", "NO", "ONE"]);
    values::store(&connection, &two).await.unwrap();
}

#[tokio::test]
async fn what_may_be_repeated_is_repeated_once_when_the_connection_was_killed() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let kill = || assert_ne!(server.cli(&["CLIENT", "KILL", "TYPE", "normal"]), "0");
    values::store(&connection, &[write("a", "1")])
        .await
        .unwrap();
    kill();
    values::store(&connection, &[write("a", "2")])
        .await
        .unwrap();
    kill();
    let fetched = values::fetch(&connection, &[read("a"), read("b")], None)
        .await
        .unwrap();
    assert_eq!(texts(fetched), [Some("2".to_owned()), None]);
    kill();
    assert_eq!(
        values::remove(&connection, &[b"a".to_vec()]).await.unwrap(),
        1
    );
}

#[tokio::test]
async fn a_redis_that_is_away_is_an_error_within_the_limit() {
    let mut server = Server::start(&[]);
    let connection = server.connection();
    values::store(&connection, &[write("a", "1")])
        .await
        .unwrap();
    server.kill();
    let error = values::store(&connection, &[write("a", "2")])
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Redis(_)) && error.is_retryable(),
        "{error}"
    );
    let error = values::fetch(&connection, &[read("a")], None)
        .await
        .unwrap_err();
    assert!(error.is_retryable(), "{error}");
    server.revive();
    values::store(&connection, &[write("a", "3")])
        .await
        .unwrap();
    assert_eq!(server.cli(&["GET", "a"]), "3");
}

fn expected(key: &str, value: Option<&str>) -> Expected {
    Expected {
        key: key.into(),
        value: value.map(Into::into),
    }
}

#[tokio::test]
async fn only_what_is_unchanged_is_replaced() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let try_from = async |known: &[Expected], to: &[Write]| {
        values::store_unchanged(&connection, known, to)
            .await
            .unwrap()
    };
    let unknown = [expected("a", None), expected("b", None)];
    let first = [
        write("a", "1"),
        Write {
            ttl_seconds: Some(100),
            ..write("b", "")
        },
    ];
    assert!(try_from(&unknown, &first).await);
    assert!(server.cli(&["TTL", "b"]).parse::<i64>().unwrap() > 90);
    assert_eq!(server.cli(&["TTL", "a"]), "-1");
    for stale in [
        &unknown,
        &[expected("a", Some("1")), expected("b", None)],
        &[expected("a", Some("1")), expected("b", Some("x"))],
        &[expected("a", Some("0")), expected("b", Some(""))],
        &[expected("a", Some("")), expected("b", Some(""))],
    ] {
        assert!(!try_from(stale, &[write("a", "lost")]).await, "{stale:?}");
        assert_eq!(server.cli(&["GET", "a"]), "1");
    }
    let known = [expected("a", Some("1")), expected("b", Some(""))];
    assert!(try_from(&known, &[write("a", "2")]).await);
    assert_eq!(server.cli(&["GET", "a"]), "2");
    assert!(try_from(&[], &[write("c", "3")]).await);
    assert!(try_from(&[], &[]).await);
    server.cli(&["HSET", "hash", "x", "1"]);
    let (known, new) = ([expected("hash", None)], [write("a", "4")]);
    let attempt = values::store_unchanged(&connection, &known, &new);
    let error = attempt.await.unwrap_err().to_string();
    assert!(error.contains("EVAL refused: WRONGTYPE"), "{error}");
    assert_eq!(server.cli(&["GET", "a"]), "2");
}

#[tokio::test]
async fn a_comparison_that_is_refused_writes_nothing_and_says_why() {
    let server = Server::start(&[]);
    let two = [write("data:u1", "1"), write("other:u1", "2")];
    for (rights, reason) in [
        (&["+eval", "+set", "+get", "~data:*"][..], "access this key"),
        (&["-eval", "~*"], "'eval'"),
        (&["+eval", "-set"], "script"),
        (&["+set", "-get"], "script"),
    ] {
        let connection = restricted(&server, rights);
        let known = [expected("data:u1", None)];
        let error = values::store_unchanged(&connection, &known, &two)
            .await
            .unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        assert!(matches!(error, Error::Value { .. }), "{error}");
        assert_eq!(server.cli(&["DBSIZE"]), "0");
    }
    let connection = restricted(&server, &["+get"]);
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = values::store_unchanged(&connection, &[], &two)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("OOM"), "{error}");
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    assert!(
        values::store_unchanged(&connection, &[], &two)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_comparison_whose_connection_breaks_is_said_to_be_uncertain() {
    let server = Server::start(&[]);
    let mut settings: Settings = server.settings();
    settings.command_timeout = std::time::Duration::from_secs(2);
    let connection = Connection::new(settings).unwrap();
    connection.ping().await.unwrap();
    server.signal("STOP");
    let (known, new) = ([expected("a", None)], [write("a", "1")]);
    let attempt = values::store_unchanged(&connection, &known, &new);
    let error = attempt.await.unwrap_err();
    server.signal("CONT");
    assert!(
        matches!(error, Error::Uncertain { .. }) && !error.is_retryable(),
        "{error}"
    );
}

#[tokio::test]
async fn calls_are_bounded_and_debug_tells_no_value() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let keys = vec![b"k".to_vec(); MAX_KEYS + 1];
    let error = values::remove(&connection, &keys).await.unwrap_err();
    assert!(matches!(error, Error::TooManyKeys { count } if count == MAX_KEYS + 1));
    assert_eq!(values::remove(&connection, &keys[1..]).await.unwrap(), 0);
    let writes = vec![write("k", "secret"); MAX_KEYS + 1];
    assert!(values::store(&connection, &writes).await.is_err());
    let debug = format!("{:?} {:?}", writes[0], expected("k", Some("secret")));
    assert!(!debug.contains("secret"), "{debug}");
}
