//! Changes while it runs: each takes effect at once, and no event goes where it was not accepted for.

use std::net::{TcpListener, TcpStream};

use kenwell_server::{
    config::Environment,
    runtime::{DestinationChange, Edit, EditError, NewDestination, NewSource, Revision},
};
use serde_json::json;

use crate::support::{Client, Inside, Redis, destination_change, eventually, post, source_change};

/// A source `web` (write key `WK`) that feeds a destination `one`, and one `two` that it does not feed.
fn tables(redis: &Redis) -> String {
    format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"one\"]\n\
         [[destinations]]\nid = \"one\"\naddress = \"{0}\"\nprefix = \"one\"\n\
         [[destinations]]\nid = \"two\"\naddress = \"{0}\"\nprefix = \"two\"\n",
        redis.address()
    )
}

fn start() -> (Redis, Inside) {
    let redis = Redis::start();
    let inside = Inside::start(&tables(&redis));
    (redis, inside)
}

fn send(inside: &Inside, user: &str) {
    let event = format!("{{\"userId\":\"{user}\",\"traits\":{{\"a\":\"{user}\"}}}}");
    assert_eq!(post(&inside.gateway, "/v1/identify", event).status, 200);
}

fn change(id: &str, change: DestinationChange) -> Edit {
    Edit::ChangeDestination {
        id: id.to_owned(),
        change,
    }
}

fn paused(id: &str, paused: bool) -> Edit {
    let settings = destination_change(json!({ "paused": paused }));
    change(id, settings)
}

fn enabled(id: &str, enabled: bool) -> Edit {
    let settings = destination_change(json!({ "enabled": enabled }));
    change(id, settings)
}

fn feeding(destinations: &[&str]) -> Edit {
    Edit::ChangeSource {
        id: "web".to_owned(),
        change: source_change(json!({ "destinations": destinations })),
    }
}

#[track_caller]
fn assert_counters(inside: &Inside, id: &str, accepted: u64, written: u64, replayed: u64) {
    let queue =
        ["accepted_total", "written_total", "replayed_total"].map(|name| inside.count(name, id));
    assert_eq!(queue, [accepted, written, replayed], "{id}");
}

#[test]
fn sources_and_destinations_come_into_effect_as_they_are_added() {
    let (redis, inside) = start();
    let before = inside.text();
    let added = inside
        .try_edit(vec![
            Edit::AddSource(NewSource {
                name: "The App".to_owned(),
                ..NewSource::default()
            }),
            Edit::AddDestination(NewDestination {
                id: None,
                settings: destination_change(json!({ "name": "Third", "address": redis.address(), "database": 3, "sources": ["the-app", "web"] })),
            }),
        ])
        .unwrap();
    assert_eq!(added.ids, ["the-app", "third"]);
    let config = inside.runtime.config();
    let key = config.sources[1].write_key.expose();
    let event = br#"{"userId":"u","traits":{"a":1}}"#;
    let reply = Client::connect(&inside.gateway).post_as(key, "/v1/identify", "", event);
    assert_eq!(reply.unwrap().status, 200);
    send(&inside, "w");
    inside.settle("third");
    inside.settle("one");
    let mut third = redis.connection();
    let _: () = redis::cmd("SELECT").arg(3).query(&mut third).unwrap();
    let users = "*user:*";
    let found: Vec<String> = redis::cmd("KEYS").arg(users).query(&mut third).unwrap();
    assert_eq!(
        (found.len(), redis.keys()),
        (2, vec!["one:user:w".to_owned()])
    );
    let kept = std::fs::read_to_string(inside.path().with_extension("toml.previous"));
    assert_eq!(kept.unwrap(), before);
    assert!(inside.text().starts_with("[[sources]]\nid = \"web\""));

    // Disabled, rotated, removed: each at once.
    inside.edit(Edit::NewWriteKey("the-app".to_owned()));
    let status = |key: &str| {
        let mut client = Client::connect(&inside.gateway);
        client
            .post_as(key, "/v1/identify", "", event)
            .unwrap()
            .status
    };
    assert_eq!(status(key), 401);
    let config = inside.runtime.config();
    let key = config.sources[1].write_key.expose();
    assert_eq!(status(key), 200);
    inside.edit(Edit::ChangeSource {
        id: "the-app".to_owned(),
        change: source_change(json!({ "enabled": false })),
    });
    assert_eq!(status(key), 404);
    inside.edit(Edit::RemoveSource("the-app".to_owned()));
    assert_eq!(status(key), 401);
    let page = inside.metrics.page(&inside.journal.stats().into()).unwrap();
    assert!(!page.contains("the-app"), "{page}");
}

#[test]
fn an_event_goes_where_its_source_led_when_it_was_accepted() {
    let (redis, inside) = start();
    inside.edit(paused("one", true));
    inside.edit(paused("two", true));
    send(&inside, "first");
    inside.edit(feeding(&["two"]));
    send(&inside, "second");
    inside.edit(feeding(&["one", "two"]));
    send(&inside, "third");
    inside.edit(feeding(&[]));
    send(&inside, "nowhere");
    assert_eq!(
        (
            inside.counters("one").queued(),
            inside.counters("two").queued()
        ),
        (2, 2)
    );
    // Also after a restart, at which the configuration says something else.
    let inside = inside.restart();
    assert_eq!(
        inside
            .runtime
            .destinations()
            .iter()
            .filter(|it| it.settings.paused)
            .count(),
        2
    );
    inside.edit(paused("one", false));
    inside.edit(paused("two", false));
    inside.settle("one");
    inside.settle("two");
    let expected = [
        "one:user:first",
        "one:user:third",
        "two:user:second",
        "two:user:third",
    ];
    assert_eq!(redis.keys(), expected);
    assert_counters(&inside, "one", 2, 2, 0);
    assert_counters(&inside, "two", 2, 2, 0);
}

#[test]
fn a_change_of_settings_loses_nothing_and_counts_nothing_twice() {
    let (mut away, here) = (Redis::start(), Redis::start());
    let inside = Inside::start(&tables(&away));
    send(&inside, "before");
    inside.settle("one");
    away.kill();
    for number in 0..50 {
        send(&inside, &format!("u{number}"));
    }
    eventually("the destination to wait", || {
        let health = inside.destination("one").health.unwrap().state();
        matches!(
            health,
            kenwell_server::delivery::HealthState::Waiting { .. }
        )
        .then_some(())
    });
    let settings = destination_change(json!({ "address": here.address(), "prefix": "new" }));
    inside.edit(change("one", settings));
    inside.settle("one");
    assert_eq!(here.keys().len(), 50);
    assert_eq!(here.fields("new:user:u7")["a"], "u7");
    let written = inside.count("written_total", "one");
    let replayed = inside.count("replayed_total", "one");
    assert_eq!(written - replayed, 51, "{replayed} had been half-way");
    assert_eq!(inside.count("accepted_total", "one"), written);
}

#[test]
fn a_batch_that_is_cut_off_half_way_is_counted_as_replayed() {
    let redis = Redis::start();
    let narrow = narrow_way(&redis);
    let tables = tables(&redis).replacen(&redis.address(), &narrow, 1);
    // Paused from the start: a delivery with nothing to do would take the one connection that there is.
    let inside = Inside::start(&tables.replacen("id = \"one\"", "id = \"one\"\npaused = true", 1));
    // So many that they are split over lanes.
    for number in 0..600 {
        send(&inside, &format!("u{number}"));
    }
    inside.edit(paused("one", false));
    // One lane gets through, the others do not.
    let early = eventually("some to be written and some to wait", || {
        let written = inside.count("written_total", "one");
        let health = inside.destination("one").health.unwrap().state();
        (written > 0 && health != kenwell_server::delivery::HealthState::Up).then_some(written)
    });
    assert!(early < 600);
    let settings = destination_change(json!({ "address": redis.address() }));
    inside.edit(change("one", settings));
    inside.settle("one");
    assert_eq!(redis.keys().len(), 600);
    assert_counters(&inside, "one", 600 + early, 600 + early, early);
}

/// An address that leads to the Redis for the first look at it and for the next connection, and for all
/// others nowhere.
fn narrow_way(redis: &Redis) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, to) = (listener.local_addr().unwrap(), redis.address());
    std::thread::spawn(move || {
        for _connection in 0..2 {
            let (client, _) = listener.accept().unwrap();
            let redis = TcpStream::connect(&to).unwrap();
            for (mut from, mut to) in [
                (client.try_clone().unwrap(), redis.try_clone().unwrap()),
                (redis, client),
            ] {
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            }
        }
        for other in listener.incoming() {
            drop(other);
        }
    });
    address.to_string()
}

#[test]
fn what_is_disabled_gets_nothing_and_goes_on_where_it_was() {
    let (redis, inside) = start();
    inside.edit(paused("one", true));
    send(&inside, "before");
    inside.edit(enabled("one", false));
    assert!(inside.destination("one").health.is_none());
    send(&inside, "meanwhile");
    assert_counters(&inside, "one", 1, 0, 0);
    // Also after a restart.
    let inside = inside.restart();
    eventually("the counters to be right", || {
        (inside.count("queued", "one") == 1).then_some(())
    });
    inside.edit(enabled("one", true));
    send(&inside, "after");
    inside.edit(paused("one", false));
    inside.settle("one");
    assert_eq!(redis.keys(), ["one:user:after", "one:user:before"]);
    assert_counters(&inside, "one", 2, 2, 0);
}

#[test]
fn what_is_removed_and_added_again_begins_anew() {
    let (redis, inside) = start();
    inside.edit(paused("one", true));
    send(&inside, "before");
    let remove = |give_up| Edit::RemoveDestination {
        id: "one".to_owned(),
        give_up,
    };
    let refused = inside.try_edit(vec![remove(0)]).unwrap_err();
    assert!(
        matches!(&refused, EditError::EventsWait { id, events: 1 } if id == "one"),
        "{refused}"
    );
    assert!(inside.text().contains("id = \"one\""));
    inside.edit(remove(1));
    assert!(inside.text().contains("destinations = []"));
    assert!(!inside.directory().join("journal/one.cursor").exists());
    send(&inside, "meanwhile");
    let again = NewDestination {
        id: Some("one".to_owned()),
        settings: destination_change(
            json!({ "name": "One", "address": redis.address(), "sources": ["web"] }),
        ),
    };
    inside.edit(Edit::AddDestination(again));
    send(&inside, "after");
    inside.settle("one");
    assert_eq!(redis.keys(), ["user:after"]);
    assert_counters(&inside, "one", 1, 1, 0);

    // A replay brings back what was accepted for it, also under the settings that it has now.
    let replayed = inside.runtime.replay("one", jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(inside.executor.block_on(replayed).unwrap(), 2);
    inside.settle("one");
    assert_eq!(redis.keys(), ["user:after", "user:before"]);
    assert_counters(&inside, "one", 3, 3, 2);

    // Removed while nothing runs it is as gone.
    let without = inside.text().replace("id = \"one\"", "id = \"other\"");
    let path = inside.path();
    std::fs::write(&path, without.replace("\"one\"", "\"other\"")).unwrap();
    let inside = inside.restart();
    eventually("its cursor to go", || {
        (!inside.directory().join("journal/one.cursor").exists()).then_some(())
    });
}

#[test]
fn a_replay_begins_at_its_time_and_the_counters_stay_right() {
    let (redis, inside) = start();
    inside.edit(feeding(&["one", "two"]));
    send(&inside, "early");
    inside.edit(feeding(&["two"]));
    send(&inside, "foreign");
    inside.edit(feeding(&["one", "two"]));
    inside.settle("one");
    inside.settle("two");
    // What is in the journal now is a backlog whose destinations nobody has looked at.
    inside.edit(paused("one", true));
    let inside = inside.restart();
    inside.edit(paused("one", false));
    inside.settle("one");
    let after_early = jiff::Timestamp::now().as_millisecond() + 1;
    eventually("the clock to move on", || {
        (jiff::Timestamp::now().as_millisecond() > after_early).then_some(())
    });
    send(&inside, "late");
    inside.settle("one");
    inside.settle("two");
    let _: () = redis.command(&["FLUSHALL"]);
    let replay = |from| inside.executor.block_on(inside.runtime.replay("one", from));
    let start = jiff::Timestamp::from_millisecond(after_early).unwrap();
    assert_eq!(replay(start).unwrap(), 1);
    inside.settle("one");
    assert_eq!(redis.keys(), ["one:user:late"]);
    assert_counters(&inside, "one", 2, 2, 1);
    assert_eq!(replay(jiff::Timestamp::UNIX_EPOCH).unwrap(), 2);
    inside.settle("one");
    assert_eq!(redis.keys(), ["one:user:early", "one:user:late"]);
    assert_counters(&inside, "one", 4, 4, 3);
    assert_eq!(replay(jiff::Timestamp::MAX).unwrap(), 0);
    assert!(replay_of(&inside, "three").contains("no destination"));
    inside.edit(enabled("one", false));
    assert!(replay_of(&inside, "one").contains("disabled"));
}

fn replay_of(inside: &Inside, id: &str) -> String {
    let replay = inside.runtime.replay(id, jiff::Timestamp::UNIX_EPOCH);
    inside.executor.block_on(replay).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_is_refused_before_anything_changes() {
    let redis = Redis::start();
    let environment: Environment = [("KENWELL_DESTINATIONS_ONE_PREFIX", "fixed")]
        .into_iter()
        .collect();
    let inside = Inside::with(&tables(&redis), environment);
    let text = inside.text();
    let bad = destination_change(json!({ "address": "nowhere" }));
    let error = inside
        .try_edit(vec![
            feeding(&["one", "three"]),
            change("one", bad),
            paused("two", true),
        ])
        .unwrap_err();
    let EditError::Invalid(problems) = &error else {
        panic!("{error}")
    };
    let keys: Vec<_> = problems.errors.iter().map(|it| it.key.as_str()).collect();
    assert_eq!(
        keys,
        ["sources.web.destinations", "destinations.one.address"]
    );
    assert_eq!(inside.text(), text);
    assert!(!inside.destination("two").settings.paused);

    let stale = Revision::given("0");
    let edits = vec![paused("two", true)];
    let error = inside
        .executor
        .block_on(inside.runtime.edit(Some(&stale), edits.clone()));
    assert!(matches!(error, Err(EditError::OtherMeanwhile { .. })));
    let now = inside.runtime.state().revision;
    inside
        .executor
        .block_on(inside.runtime.edit(Some(&now), edits))
        .unwrap();
    assert_ne!(inside.runtime.state().revision, now);

    // Somebody writes the file just now: it is not touched before it was read.
    std::fs::write(inside.path(), "").unwrap();
    let error = inside.try_edit(vec![paused("two", false)]);
    assert!(matches!(error, Err(EditError::ChangedMeanwhile { .. })));
    std::fs::write(inside.path(), &text).unwrap();
    eventually("what was written to be read", || {
        (inside.runtime.state().revision == Revision::of(text.as_bytes())).then_some(())
    });

    // What the environment says wins, and whoever edits is told.
    let settings = destination_change(json!({ "prefix": "mine" }));
    let applied = inside.edit(change("one", settings));
    let variable = "KENWELL_DESTINATIONS_ONE_PREFIX".to_owned();
    assert_eq!(
        applied.shadowed,
        [("destinations.one.prefix".to_owned(), variable)]
    );
    assert_eq!(inside.destination("one").settings.prefix, "fixed");

    let mut rights = inside.path().metadata().unwrap().permissions();
    rights.set_readonly(true);
    std::fs::set_permissions(inside.path(), rights).unwrap();
    let error = inside.try_edit(vec![paused("two", false)]).unwrap_err();
    assert!(matches!(error, EditError::ReadOnly { .. }), "{error}");
    assert!(inside.runtime.state().read_only.is_some());
}

#[test]
fn a_rate_limit_outlives_a_change_of_other_settings() {
    let redis = Redis::start();
    let inside = Inside::start(&format!("[gateway]\nrate_limit = 2\n{}", tables(&redis)));
    let event = r#"{"userId":"u","traits":{"a":1}}"#;
    let burst = |count: u32| {
        let statuses = (0..count).map(|_| post(&inside.gateway, "/v1/identify", event).status);
        statuses.filter(|status| *status == 200).count()
    };
    let begun = std::time::Instant::now();
    let passed_before = burst(3);
    assert!(passed_before >= 2);
    inside.edit(feeding(&["one", "two"]));
    let passed = passed_before + burst(4);
    let due = 2 + usize::try_from(begun.elapsed().as_millis() / 500).unwrap();
    assert!(passed <= due, "{passed} passed, {due} were due");
}
