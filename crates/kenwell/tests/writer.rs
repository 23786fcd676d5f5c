//! Updates while servers and networks fail: whose fault a refusal is, what a slow link does, and that nobody healthy
//! is condemned.
#![allow(
    clippy::allow_attributes,
    clippy::cast_precision_loss,
    reason = "the numbers are small"
)]

use std::time::{Duration, Instant};

use crate::support::proxy::{Act, Proxy, is};
use crate::support::server::Server;
use kenwell::connection::{Connection, Settings};
use kenwell::profile::{self, Layout, ProfileUpdate, Writer};
use kenwell::{Class, Error};

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(90);

fn update(user: &str, traits: &str) -> ProfileUpdate {
    let event = format!(r#"{{"userId":"{user}","traits":{traits}}}"#);
    profile::update(event.as_bytes(), &Layout::default()).unwrap()
}

fn updates(count: usize, traits: &str) -> Vec<ProfileUpdate> {
    (0..count)
        .map(|user| update(&format!("u{user}"), traits))
        .collect()
}

fn writer(settings: Settings) -> Writer {
    Writer::new(Connection::new(settings).unwrap())
}

/// Short limits, for tests in which some connections are silent.
fn impatient(proxy: &Proxy) -> Settings {
    Settings {
        command_timeout: Duration::from_secs(2),
        ..Settings::new(proxy.address())
    }
}

/// Attempts until nothing is left or `until` says so; gives those that were refused for good.
async fn drain(
    writer: &mut Writer,
    updates: &[ProfileUpdate],
    mut until: impl FnMut(&[Result<(), Error>]) -> bool,
) -> Vec<(ProfileUpdate, Error)> {
    let deadline = Instant::now() + PATIENCE;
    let mut open: Vec<&ProfileUpdate> = updates.iter().collect();
    let mut refused = Vec::new();
    while !open.is_empty() {
        assert!(Instant::now() < deadline, "{} left", open.len());
        let results = writer.attempt(&open).await;
        let is_enough = until(&results);
        let mut again = Vec::new();
        for (update, result) in open.into_iter().zip(results) {
            match result {
                Ok(()) => {}
                Err(error) if error.is_retryable() => again.push(update),
                Err(error) => refused.push((update.clone(), error)),
            }
        }
        open = again;
        if is_enough {
            break;
        }
        tokio::task::yield_now().await;
    }
    refused
}

async fn settle(writer: &mut Writer, updates: &[ProfileUpdate]) -> Vec<(ProfileUpdate, Error)> {
    drain(writer, updates, |_| false).await
}

fn dice(seed: u64) -> impl FnMut(u64) -> bool + Send {
    let mut state = seed;
    move |percent| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % 100 < percent
    }
}

#[tokio::test]
async fn a_quota_message_condemns_nobody_however_long_it_lasts() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    let mut writer = writer(Settings::new(proxy.address()));
    let all = updates(50, r#"{"a":1}"#);
    assert!(settle(&mut writer, &all).await.is_empty());
    // Only the very command that writes profiles; all others are taken.
    proxy.rule(|command| {
        if is(command, "HSET") {
            let words = "ERR max daily request limit exceeded. Limit: 10000, Usage: 10000";
            Act::Answer(words.to_owned())
        } else {
            Act::Pass
        }
    });
    let newer = updates(50, r#"{"a":2}"#);
    let began = Instant::now();
    let refused = drain(&mut writer, &newer, |results| {
        let error = results[0].as_ref().unwrap_err();
        assert_eq!(error.class(), Class::Unknown);
        assert!(error.to_string().contains("max daily request limit"));
        // Longer than a guilty update is given.
        began.elapsed() > Duration::from_secs(15)
    });
    assert!(refused.await.is_empty());
    proxy.rule(|_| Act::Pass);
    assert!(settle(&mut writer, &newer).await.is_empty());
    assert_eq!(server.command("HSTRLEN user:u49 a"), ":1");
    let mut stored = profile::read(&server.connection(), &Layout::default(), "u49").await;
    assert_eq!(stored.as_mut().unwrap().as_ref().unwrap()[0].1, b"2");
}

#[tokio::test]
async fn a_proxy_with_words_of_its_own_for_every_other_command_condemns_nobody() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    for regular in [true, false] {
        let (mut turn, mut die) = (0, dice(7));
        proxy.rule(move |command| {
            turn += 1;
            let refuses = if regular { turn % 2 == 0 } else { die(50) };
            if refuses && is(command, "HSET") {
                Act::Answer("ERR illegal address".to_owned())
            } else {
                Act::Pass
            }
        });
        let mut writer = writer(Settings::new(proxy.address()));
        let refused = settle(&mut writer, &updates(300, r#"{"a":1}"#)).await;
        assert!(refused.is_empty(), "{refused:?}");
    }
}

#[tokio::test]
async fn lost_replies_condemn_nobody() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    for (percent, events) in [(30, 200), (75, 25)] {
        let mut die = dice(percent);
        proxy.rule(move |command| {
            if is(command, "HSET") && die(percent) {
                Act::CutAfter
            } else {
                Act::Pass
            }
        });
        let mut writer = writer(Settings::new(proxy.address()));
        let refused = settle(&mut writer, &updates(events, r#"{"a":1}"#)).await;
        assert!(refused.is_empty(), "{percent} %: {refused:?}");
    }
}

#[tokio::test]
async fn an_update_that_is_refused_in_unknown_words_is_found_and_the_others_are_written() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    proxy.rule(|command| {
        let bad = command.iter().any(|word| word == b"user:u3");
        if is(command, "HSET") && bad {
            Act::Answer("ERR invalid character in key".to_owned())
        } else {
            Act::Pass
        }
    });
    let mut writer = writer(Settings::new(proxy.address()));
    let refused = settle(&mut writer, &updates(20, r#"{"a":1}"#)).await;
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].0.key(), b"user:u3");
    assert_eq!(refused[0].1.class(), Class::Record);
    let said = refused[0].1.to_string();
    assert!(
        said.contains("HSET refused each of 12 times") && said.contains("invalid character"),
        "{said}"
    );
    assert_eq!(server.command("DBSIZE"), ":19");
}

#[tokio::test]
async fn an_update_that_costs_the_connection_is_given_up_only_while_others_are_taken() {
    // Redis hangs up without a word when so much is waiting to be read.
    let mut server = Server::start(&["--client-query-buffer-limit", "1mb"]);
    let mut writer = writer(server.settings());
    let mut all = updates(20, r#"{"a":1}"#);
    all.insert(
        7,
        update("large", &format!(r#"{{"a":"{}"}}"#, "x".repeat(3 << 20))),
    );
    let refused = settle(&mut writer, &all).await;
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].0.key(), b"user:large");
    let said = refused[0].1.to_string();
    assert!(
        said.contains("each of 12 times that HSET was sent alone"),
        "{said}"
    );
    assert!(
        said.contains("larger than its `client-query-buffer-limit`")
            && !said.contains("proto-max-bulk-len"),
        "{said}"
    );
    assert_eq!(server.command("DBSIZE"), ":20");
    server.kill();
    let result = writer.settle(&all[7..8]).await;
    assert_eq!(result[0].as_ref().unwrap_err().class(), Class::Transient);
}

#[tokio::test]
async fn the_limit_that_redis_hangs_up_for_is_named_or_both_where_it_does_not_tell() {
    // Together, since each takes twelve rounds.
    tokio::join!(
        names_what_it_hangs_up_for(0, true),
        names_what_it_hangs_up_for(1, true),
        names_what_it_hangs_up_for(0, false),
        names_what_it_hangs_up_for(1, false),
    );
}

/// A Redis with one of its limits at 1 MiB, which tells its settings or does not.
async fn names_what_it_hangs_up_for(limit: usize, tells: bool) {
    let limits = ["proto-max-bulk-len", "client-query-buffer-limit"];
    let setting = format!("--{}", limits[limit]);
    let mut arguments = vec![setting.as_str(), "1mb"];
    if !tells {
        arguments.extend(["--rename-command", "CONFIG", ""]);
    }
    let server = Server::start(&arguments);
    let mut writer = writer(server.settings());
    let mut all = updates(5, r#"{"a":1}"#);
    let value = "x".repeat(3 << 20);
    all.push(update("large", &format!(r#"{{"a":"{value}"}}"#)));
    let refused = settle(&mut writer, &all).await;
    assert_eq!(refused.len(), 1);
    let said = refused[0].1.to_string();
    let named = limits.map(|limit| said.contains(limit));
    // Redis says so itself, where its words arrive before the end of the connection does.
    let own_words = limit == 0 && said.contains("invalid bulk length");
    let expected = [limit == 0 || !tells, limit == 1 || !tells];
    assert!(own_words || named == expected, "{setting}, {tells}: {said}");
}

#[tokio::test]
async fn a_link_that_breaks_under_many_bytes_condemns_nobody() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    // Whatever is sent: each connection carries about a megabyte.
    let mut carried = 0;
    proxy.rule(move |command| {
        carried += command.iter().map(Vec::len).sum::<usize>();
        if is(command, "AUTH") || is(command, "PING") {
            carried = 0;
        }
        if carried > 1 << 20 {
            carried = 0;
            Act::CutBefore
        } else {
            Act::Pass
        }
    });
    let mut writer = writer(Settings::new(proxy.address()));
    let large = [update(
        "u1",
        &format!(r#"{{"a":"{}"}}"#, "x".repeat(2 << 20)),
    )];
    let began = Instant::now();
    let refused = drain(&mut writer, &large, |_| {
        began.elapsed() > Duration::from_secs(15)
    });
    assert!(refused.await.is_empty());
}

#[tokio::test]
async fn a_key_that_is_forbidden_is_condemned_only_when_others_are_permitted() {
    let server = Server::start(&[]);
    server.command("ACL SETUSER k on >p ~app:user:* +@all");
    let settings = || Settings {
        username: Some("k".to_owned()),
        password: Some(kenwell::connection::Secret::new("p")),
        ..server.settings()
    };
    let all = updates(20, r#"{"a":1}"#);
    let mut held = writer(settings());
    let began = Instant::now();
    let refused = drain(&mut held, &all, |results| {
        let error = results[0].as_ref().unwrap_err();
        assert!(error.needs_operator(), "{error}");
        began.elapsed() > Duration::from_secs(15)
    });
    assert!(refused.await.is_empty());
    server.command("ACL SETUSER k ~user:u1*");
    // Those that begin with u1 are written, the others are really forbidden.
    let refused = settle(&mut held, &all).await;
    assert_eq!(refused.len(), 9);
    assert_eq!(server.command("DBSIZE"), ":11");
}

#[tokio::test]
async fn who_may_use_no_transactions_leaves_nothing_behind() {
    let server = Server::start(&[]);
    server.command("ACL SETUSER k on >p ~user:* -@all +hset +pttl +ping");
    let proxy = Proxy::before(&server.settings().address);
    proxy.rule(|command| {
        if is(command, "HSET") && command[1] == b"user:u3" {
            Act::Answer("ERR no".to_owned())
        } else {
            Act::Pass
        }
    });
    let mut writer = writer(Settings {
        username: Some("k".to_owned()),
        password: Some(kenwell::connection::Secret::new("p")),
        ..Settings::new(proxy.address())
    });
    let refused = settle(&mut writer, &updates(5, r#"{"a":1}"#)).await;
    assert_eq!(refused.len(), 1);
    assert_eq!(server.command("DBSIZE"), ":4");
}

#[tokio::test]
async fn what_is_said_while_a_connection_opens_is_no_updates_fault() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    for (command, words) in [
        ("AUTH", "ERR illegal address"),
        ("SELECT", "ERR Only 0th database is supported!"),
        ("SELECT", "WRONGTYPE of database"),
    ] {
        proxy.rule(move |words_sent| {
            if is(words_sent, command) {
                Act::Answer(words.to_owned())
            } else {
                Act::Pass
            }
        });
        let mut writer = writer(Settings {
            database: 1,
            password: Some(kenwell::connection::Secret::new("p")),
            ..Settings::new(proxy.address())
        });
        let result = writer.settle(&updates(3, r#"{"a":1}"#)).await;
        for result in result {
            let error = result.unwrap_err();
            assert_eq!(error.class(), Class::Configuration, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}

#[tokio::test]
async fn a_slow_server_is_not_a_broken_one() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    proxy.rule(|command| {
        if is(command, "HSET") {
            Act::Delay(Duration::from_millis(6))
        } else {
            Act::Pass
        }
    });
    let mut writer = writer(impatient(&proxy));
    // Longer than the limit for silence in all, in one pipeline.
    let began = Instant::now();
    let results = writer.attempt(&updates(400, r#"{"a":1}"#)).await;
    assert!(began.elapsed() > writer.connection().settings().command_timeout);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let sent = proxy.seen().iter().filter(|name| *name == "HSET").count();
    assert_eq!(sent, 400, "nothing was sent twice");
}

#[tokio::test]
async fn a_slow_link_makes_progress_whatever_the_size() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    proxy.limit_speed(1_000_000);
    let mut writer = writer(impatient(&proxy));
    let mut all = updates(300, &format!(r#"{{"a":"{}"}}"#, "x".repeat(5_000)));
    all.push(update(
        "u-large",
        &format!(r#"{{"a":"{}"}}"#, "x".repeat(3 << 20)),
    ));
    let refused = settle(&mut writer, &all).await;
    assert!(refused.is_empty(), "{refused:?}");
    assert_eq!(server.command("DBSIZE"), ":301");
}

#[tokio::test]
async fn what_was_answered_before_a_break_is_not_sent_again() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    let mut count = 0;
    proxy.rule(move |command| {
        count += u32::from(is(command, "HSET"));
        if count % 40 == 39 {
            count += 1;
            Act::CutBefore
        } else {
            Act::Pass
        }
    });
    let mut writer = writer(Settings::new(proxy.address()));
    let refused = settle(&mut writer, &updates(1_000, r#"{"a":1}"#)).await;
    assert!(refused.is_empty());
    let sent = proxy.seen().iter().filter(|name| *name == "HSET").count();
    assert!(sent < 2_500, "{sent} for 1,000");
}

#[tokio::test]
async fn a_silent_server_is_left_after_the_limit() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    let mut first = true;
    proxy.rule(move |command| {
        if is(command, "HSET") && std::mem::take(&mut first) {
            Act::Stall
        } else {
            Act::Pass
        }
    });
    let mut writer = writer(impatient(&proxy));
    let all = updates(10, r#"{"a":1}"#);
    let results = writer.attempt(&all).await;
    assert!(
        matches!(results[0], Err(Error::Silent { .. })),
        "{results:?}"
    );
    assert!(settle(&mut writer, &all).await.is_empty());
}

#[tokio::test]
async fn what_was_answered_before_a_silence_counts() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.settings().address);
    let mut count = 0;
    proxy.rule(move |command| {
        count += u32::from(is(command, "HSET"));
        if count == 8 { Act::Stall } else { Act::Pass }
    });
    let connection = Connection::new(impatient(&proxy)).unwrap();
    let results = profile::apply(&connection, &updates(10, r#"{"a":1}"#)).await;
    let (answered, others) = results.split_at(7);
    assert!(answered.iter().all(Result::is_ok), "{results:?}");
    let is_silent = |result: &Result<(), Error>| matches!(result, Err(Error::Silent { .. }));
    assert!(others.iter().all(is_silent), "{results:?}");
}
