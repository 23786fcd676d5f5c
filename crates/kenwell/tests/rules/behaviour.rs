//! What people see of each rule, and what is stored beside a profile.

use std::collections::BTreeMap;

use kenwell::connection::Connection;
use kenwell::profile::{
    self, Change, Clocks, Flattener, Fold, Layout, Nested, NullTraits, Order, ProfileUpdate,
    Receipt,
};

use crate::model::{BY_TIME, START, layout};
use crate::support::load::fields;
use crate::support::server::Server;

/// An update of an event at this time, received in the order of `offset`.
pub(crate) fn at(layout: &Layout, (seconds, offset): (u64, u64), traits: &str) -> ProfileUpdate {
    let time = START + 1_000 * seconds;
    let event = format!(r#"{{"userId":"ada","timestamp":{time},"traits":{traits}}}"#);
    let receipt = Receipt {
        source: "web",
        offset,
        received_at_ms: START + 1_000_000 + offset,
        sent_at_ms: None,
    };
    Flattener::default()
        .received(event.as_bytes(), layout, &receipt)
        .unwrap()
}

async fn write(connection: &Connection, update: ProfileUpdate) {
    let results = profile::apply(connection, &[update]).await;
    assert!(results[0].is_ok(), "{results:?}");
}

fn map(expected: &[(&str, &str)]) -> BTreeMap<String, String> {
    expected
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn a_late_event_overwrites_nothing_and_adds_what_nobody_said_since() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let layout = layout(BY_TIME, NullTraits::Ignore, Nested::Merge);
    write(&connection, at(&layout, (5, 0), r#"{"plan":"pro","n":5}"#)).await;
    write(
        &connection,
        at(&layout, (3, 1), r#"{"plan":"free","city":"Rome"}"#),
    )
    .await;
    let expected = [("plan", "pro"), ("n", "5"), ("city", "Rome")];
    assert_eq!(fields(&connection, "ada").await, map(&expected));
    // In the same millisecond what was received last wins.
    write(&connection, at(&layout, (5, 3), r#"{"n":7}"#)).await;
    write(&connection, at(&layout, (5, 2), r#"{"n":6}"#)).await;
    assert_eq!(fields(&connection, "ada").await["n"], "7");
    let key = layout.key("ada");
    let stored = profile::read_clocks(&connection, &key)
        .await
        .unwrap()
        .unwrap();
    let clocks = Clocks::read(&stored).unwrap();
    let (group, change) = clocks.of(b"city").unwrap();
    assert_eq!(
        (group.source, group.stamp.offset, change),
        ("web", 1, Change::Set)
    );
    assert_eq!(group.stamp.event_ms, START + 3_000);
    assert_eq!(server.cli(&["TYPE", "user:ada"]), "hash");
}

#[tokio::test]
async fn a_null_removes_what_is_there_and_what_comes_late() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let layout = layout(BY_TIME, NullTraits::Delete, Nested::Merge);
    write(
        &connection,
        at(&layout, (1, 0), r#"{"a":{"b":1,"c":1},"ab":1}"#),
    )
    .await;
    write(&connection, at(&layout, (3, 1), r#"{"a":null,"x":3}"#)).await;
    assert_eq!(
        fields(&connection, "ada").await,
        map(&[("ab", "1"), ("x", "3")])
    );
    write(
        &connection,
        at(&layout, (2, 2), r#"{"a":{"b":2},"a.d":2,"y":2}"#),
    )
    .await;
    assert_eq!(
        fields(&connection, "ada").await,
        map(&[("ab", "1"), ("x", "3"), ("y", "2")])
    );
    write(&connection, at(&layout, (4, 3), r#"{"a":{"b":4}}"#)).await;
    assert_eq!(fields(&connection, "ada").await["a.b"], "4");
    // When nothing is left, what was removed stays removed.
    write(
        &connection,
        at(&layout, (5, 4), r#"{"a":null,"ab":null,"x":null,"y":null}"#),
    )
    .await;
    assert_eq!(server.cli(&["EXISTS", "user:ada"]), "0");
    write(&connection, at(&layout, (2, 5), r#"{"x":2,"z":2}"#)).await;
    assert_eq!(fields(&connection, "ada").await, map(&[("z", "2")]));
}

#[tokio::test]
async fn an_object_that_is_sent_again_leaves_nothing_of_the_one_before() {
    let server = Server::start(&[]);
    let connection = server.connection();
    for order in [Order::ByArrival, BY_TIME] {
        let layout = layout(order, NullTraits::Ignore, Nested::Replace);
        let events = [
            (
                r#"{"home":{"city":"Rome","zip":1},"n":1}"#,
                &[("home.city", "Rome"), ("home.zip", "1"), ("n", "1")][..],
            ),
            (
                r#"{"home":{"city":"Oslo"}}"#,
                &[("home.city", "Oslo"), ("n", "1")],
            ),
            (r#"{"home":"none"}"#, &[("home", "none"), ("n", "1")]),
            (
                r#"{"home":{"zip":2},"n":{"x":1}}"#,
                &[("home.zip", "2"), ("n.x", "1")],
            ),
            (r#"{"home":{}}"#, &[("n.x", "1")]),
        ];
        for (time, (traits, expected)) in (1..).zip(events) {
            write(&connection, at(&layout, (time, time), traits)).await;
            assert_eq!(
                fields(&connection, "ada").await,
                map(expected),
                "{order:?} {traits}"
            );
        }
        if order == BY_TIME {
            write(
                &connection,
                at(&layout, (2, 9), r#"{"home":{"late":1},"n":{"late":1}}"#),
            )
            .await;
            assert_eq!(fields(&connection, "ada").await, map(&[("n.x", "1")]));
        }
        assert!(profile::delete(&connection, &layout, "ada").await.unwrap());
        assert_eq!(server.cli(&["DBSIZE"]), "0", "{order:?}");
    }
}

#[tokio::test]
async fn in_the_order_of_arrival_a_null_removes_and_a_later_value_comes_back() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let layout = layout(Order::ByArrival, NullTraits::Delete, Nested::Merge);
    write(&connection, at(&layout, (9, 0), r#"{"a":{"b":1},"c":1}"#)).await;
    let mut fold = Fold::default();
    for (item, traits) in [r#"{"a":null}"#, r#"{"a":{"d":2},"c":2}"#, r#"{"c":null}"#]
        .iter()
        .enumerate()
    {
        fold.push(item, at(&layout, (1, 0), traits));
    }
    let folded = fold.finish();
    assert_eq!(folded.len(), 1);
    assert!(profile::apply(&connection, &folded).await[0].is_ok());
    assert_eq!(fields(&connection, "ada").await, map(&[("a.d", "2")]));
    assert_eq!(server.cli(&["DBSIZE"]), "1");
}

#[tokio::test]
async fn what_was_written_before_the_rule_is_older_than_everything() {
    let server = Server::start(&[]);
    let connection = server.connection();
    server.cli(&[
        "HSET", "user:ada", "plan", "old", "home.zip", "1", "kept", "1",
    ]);
    let layout = layout(BY_TIME, NullTraits::Delete, Nested::Replace);
    write(
        &connection,
        at(&layout, (1, 0), r#"{"plan":"new","home":{"city":"Rome"}}"#),
    )
    .await;
    let expected = [("plan", "new"), ("home.city", "Rome"), ("kept", "1")];
    assert_eq!(fields(&connection, "ada").await, map(&expected));
}

#[tokio::test]
async fn a_profile_that_somebody_deleted_can_be_written_again() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let layout = layout(BY_TIME, NullTraits::Ignore, Nested::Merge);
    for again in [r#"{"a":1}"#, r#"{"a":1,"b":1}"#] {
        write(&connection, at(&layout, (5, 0), r#"{"a":5,"c":5}"#)).await;
        server.cli(&["DEL", "user:ada"]);
        write(&connection, at(&layout, (1, 1), again)).await;
        assert_eq!(fields(&connection, "ada").await["a"], "1");
        assert!(profile::delete(&connection, &layout, "ada").await.unwrap());
        assert_eq!(server.cli(&["DBSIZE"]), "0");
    }
    // The same when the next event is newer than everything: what nobody set since is not known any more.
    write(&connection, at(&layout, (5, 0), r#"{"a":5,"c":5}"#)).await;
    server.cli(&["DEL", "user:ada"]);
    write(&connection, at(&layout, (6, 1), r#"{"a":6}"#)).await;
    write(&connection, at(&layout, (4, 2), r#"{"c":4}"#)).await;
    assert_eq!(
        fields(&connection, "ada").await,
        map(&[("a", "6"), ("c", "4")])
    );
    // And when others have set other fields since the fields that the next event sets.
    write(&connection, at(&layout, (7, 0), r#"{"b":7}"#)).await;
    server.cli(&["DEL", "user:ada"]);
    write(&connection, at(&layout, (8, 1), r#"{"a":8}"#)).await;
    write(&connection, at(&layout, (4, 2), r#"{"b":4}"#)).await;
    assert_eq!(
        fields(&connection, "ada").await,
        map(&[("a", "8"), ("b", "4")])
    );
}

#[tokio::test]
async fn events_that_take_turns_keep_each_others_clocks() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let layout = layout(BY_TIME, NullTraits::Ignore, Nested::Merge);
    let turns = ["a", "b", "c", "b", "a", "b"].into_iter().zip(5..);
    for (name, time) in turns {
        let traits = format!(r#"{{"{name}":{time}}}"#);
        write(&connection, at(&layout, (time, time), &traits)).await;
    }
    let newest = map(&[("a", "9"), ("b", "10"), ("c", "7")]);
    assert_eq!(fields(&connection, "ada").await, newest);
    for late in ["a", "b", "c"] {
        let traits = format!(r#"{{"{late}":"late"}}"#);
        write(&connection, at(&layout, (6, 20), &traits)).await;
        assert_eq!(fields(&connection, "ada").await, newest, "{late}");
    }
    let key = layout.key("ada");
    let stored = profile::read_clocks(&connection, &key).await;
    let stored = stored.unwrap().unwrap();
    let groups = Clocks::read(&stored).unwrap().groups;
    let groups: Vec<_> = groups
        .iter()
        .map(|group| (group.names[0].1, group.stamp.event_ms - START))
        .collect();
    let expected = [(&b"b"[..], 10_000), (b"a", 9_000), (b"c", 7_000)];
    assert_eq!(groups, expected);
}

#[tokio::test]
async fn clocks_are_small_and_do_not_grow_with_events() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let layout = layout(BY_TIME, NullTraits::Ignore, Nested::Merge);
    let names: Vec<_> = (0..8).map(|at| format!(r#""attribute{at}":"#)).collect();
    let length = || {
        server
            .cli(&["STRLEN", "kenwell:clocks:{user:ada}"])
            .parse::<usize>()
            .unwrap()
    };
    for time in 0..50 {
        let traits: Vec<_> = names.iter().map(|name| format!("{name}{time}")).collect();
        write(
            &connection,
            at(&layout, (time, time), &format!("{{{}}}", traits.join(","))),
        )
        .await;
    }
    assert!(length() <= 8 * 16, "{}", length());
    // Events that set other fields each time.
    for time in 50..450 {
        let pick = |seed: u64| &names[usize::try_from(time * seed % 7).unwrap()];
        let traits = format!("{{{}1,{}2,{}3}}", pick(3), pick(5), names[7]);
        write(&connection, at(&layout, (time, time), &traits)).await;
        assert!(length() < 2_000, "{}", length());
    }
    let stored = profile::read_clocks(&connection, &layout.key("ada"))
        .await
        .unwrap()
        .unwrap();
    assert!(Clocks::read(&stored).unwrap().groups.len() < 40);
}

#[tokio::test]
async fn an_event_removes_all_that_it_says_however_much_that_is() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let layout = layout(BY_TIME, NullTraits::Delete, Nested::Replace);
    let traits = |value: &str| {
        let all: Vec<_> = (0..1_500).map(|at| format!(r#""f{at}":{value}"#)).collect();
        format!("{{{}}}", all.join(","))
    };
    write(&connection, at(&layout, (1, 1), &traits(r#"{"old":1}"#))).await;
    assert_eq!(fields(&connection, "ada").await.len(), 1_500);
    write(&connection, at(&layout, (2, 2), &traits(r#"{"new":2}"#))).await;
    let stored = fields(&connection, "ada").await;
    assert_eq!(stored.len(), 1_500);
    let is_new = |name: &String| {
        name.split_once('.')
            .is_some_and(|(_, below)| below == "new")
    };
    assert!(stored.keys().all(is_new));
    write(&connection, at(&layout, (3, 3), &traits("null"))).await;
    assert_eq!(server.cli(&["EXISTS", "user:ada"]), "0");
    // So many are remembered, and no more.
    let stored = profile::read_clocks(&connection, &layout.key("ada")).await;
    let stored = stored.unwrap().unwrap();
    let groups = Clocks::read(&stored).unwrap().groups;
    let names = groups.iter().map(|group| group.names.len());
    assert_eq!(names.sum::<usize>(), 1_000);
}

#[tokio::test]
async fn clocks_of_fields_that_are_gone_do_not_pile_up() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let layout = layout(BY_TIME, NullTraits::Ignore, Nested::Merge);
    write(&connection, at(&layout, (1, 1), r#"{"stays":1}"#)).await;
    // Somebody else deletes what it does not need any more.
    let delete = "for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do \
                  if name ~= 'stays' then redis.call('HDEL', KEYS[1], name) end end";
    for chunk in 0..6 {
        let times = (chunk * 20 + 2)..(chunk * 20 + 22);
        let updates = times.map(|time| {
            let traits: Vec<_> = (0..50).map(|at| format!(r#""f{time}.{at}":1"#)).collect();
            at(&layout, (time, time), &format!("{{{}}}", traits.join(",")))
        });
        let updates: Vec<_> = updates.collect();
        let results = profile::apply(&connection, &updates).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        server.cli(&["EVAL", delete, "1", "user:ada"]);
    }
    let key = layout.key("ada");
    let stored = profile::read_clocks(&connection, &key).await;
    let stored = stored.unwrap().unwrap();
    let clocks = Clocks::read(&stored).unwrap();
    let names = clocks.groups.iter().map(|group| group.names.len());
    let names: usize = names.sum();
    assert!((1_000..3_500).contains(&names), "of 6,000: {names}");
    // What is there keeps its clock, and what has gone last comes back by nothing older.
    let late = r#"{"stays":"late","f121.0":"late","f2.0":"late"}"#;
    write(&connection, at(&layout, (0, 1), late)).await;
    let expected = map(&[("stays", "1"), ("f2.0", "late")]);
    assert_eq!(fields(&connection, "ada").await, expected);
}

#[tokio::test]
async fn clocks_that_cannot_be_read_count_as_none() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let layout = layout(BY_TIME, NullTraits::Ignore, Nested::Merge);
    for broken in [
        "",
        "x",
        "\u{1}",
        "\u{2}nothing of ours",
        "\u{1}ab and what is cut",
    ] {
        server.cli(&["SET", "kenwell:clocks:{user:ada}", broken]);
        write(&connection, at(&layout, (5, 0), r#"{"a":5}"#)).await;
        write(&connection, at(&layout, (4, 1), r#"{"a":4}"#)).await;
        assert_eq!(
            fields(&connection, "ada").await,
            map(&[("a", "5")]),
            "{broken:?}"
        );
        server.cli(&["DEL", "user:ada"]);
    }
}

#[tokio::test]
async fn updates_with_many_fields_are_written_whole() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let long = "n".repeat(300);
    for order in [Order::ByArrival, BY_TIME] {
        let layout = layout(order, NullTraits::Delete, Nested::Merge);
        for (time, value) in [(2, "2"), (1, "1"), (3, "3")] {
            let traits: Vec<_> = (0..12_000)
                .map(|at| format!(r#""f{at}":"{value}""#))
                .collect();
            let traits = format!(
                r#"{{{},"{long}":{value},"gone{time}":null}}"#,
                traits.join(",")
            );
            write(&connection, at(&layout, (time, 0), &traits)).await;
            let stored = fields(&connection, "ada").await;
            assert_eq!(stored.len(), 12_001);
            let expected = if order == BY_TIME && time == 1 {
                "2"
            } else {
                value
            };
            assert!(
                stored.values().all(|found| found == expected),
                "{order:?} {time}"
            );
        }
        assert!(profile::delete(&connection, &layout, "ada").await.unwrap());
    }
}

/// Names and nulls of which looking up each against each, or each beginning of a name by itself, would take minutes:
/// in Redis, which serves nobody else meanwhile, or here.
#[tokio::test]
async fn names_full_of_dots_and_many_nulls_take_no_time() {
    let server = Server::start(&[]);
    let connection = server.connection();
    for order in [Order::ByArrival, BY_TIME] {
        let layout = layout(order, NullTraits::Delete, Nested::Merge);
        let first = r#"{"a":{"b":1},"z":1}"#;
        write(&connection, at(&layout, (1, 1), first)).await;
        let dots = ".".repeat(1_000_000);
        let traits = format!(r#"{{"a":null,"{dots}":1,"a{dots}":2}}"#);
        write(&connection, at(&layout, (2, 2), &traits)).await;
        // What is set in the same event stays; what lies below the null and is older goes.
        assert_eq!(fields(&connection, "ada").await.len(), 3, "{order:?}");
        let count = 100_000;
        let nulls: Vec<_> = (0..count).map(|at| format!(r#""n{at}":null"#)).collect();
        let hidden: Vec<_> = (0..count).map(|at| format!(r#""n{at}":{at}"#)).collect();
        let event = format!(
            r#"{{"userId":"bea","context":{{"traits":{{{}}}}},"traits":{{{},"x":1}}}}"#,
            hidden.join(","),
            nulls.join(",")
        );
        let begun = std::time::Instant::now();
        let update = Flattener::default().received(event.as_bytes(), &layout, &Receipt::default());
        let update = update.unwrap();
        // Many times what it takes, and little of what comparing each with each would.
        assert!(begun.elapsed() < std::time::Duration::from_mins(1));
        assert_eq!(update.fields().len(), 1);
        server.cli(&["FLUSHALL"]);
    }
}
