//! What a watched update tells of its events: which fields they wrote, left alone and removed.

use std::collections::{BTreeMap, BTreeSet};

use kenwell::connection::Connection;
use kenwell::profile::{self, FieldNames, Fold, FoldedUpdate, Nested, NullTraits, Order};

use crate::behaviour::at;
use crate::model::{self, BY_TIME, layout};
use crate::random::Random;
use crate::support::flavour::Flavour;
use crate::support::load::fields;
use crate::support::server::Server;

fn names(names: &FieldNames) -> Vec<String> {
    let text = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
    names.names.iter().map(|name| text(name)).collect()
}

/// Writes one watched event at this time, and tells what it wrote, left alone and removed.
async fn write(
    connection: &Connection,
    layout: &profile::Layout,
    at_offset: (u64, u64),
    traits: &str,
) -> [Vec<String>; 3] {
    let mut fold = Fold::default();
    fold.push(7, at(layout, at_offset, traits));
    let mut folded = fold.finish();
    folded[0].watch();
    profile::apply(connection, &folded).await[0]
        .clone()
        .unwrap();
    let changes = folded[0].changes_of(7).unwrap();
    [&changes.written, &changes.left_alone, &changes.removed].map(names)
}

#[tokio::test]
async fn what_is_older_than_what_is_stored_is_named() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let layout = layout(BY_TIME, NullTraits::Delete, Nested::Merge);
    for (at_offset, traits, expected) in [
        ((5, 0), r#"{"plan":"pro","n":5}"#, ["n plan", "", ""]),
        // As the usual way of the script says it, and the general one.
        ((4, 1), r#"{"plan":"free","n":4}"#, ["", "n plan", ""]),
        (
            (3, 2),
            r#"{"plan":"free","city":"Rome"}"#,
            ["city", "plan", ""],
        ),
        ((6, 3), r#"{"city":null,"n":6}"#, ["n", "", "city"]),
        ((2, 4), r#"{"n":null,"x":null,"y":2}"#, ["y", "n", ""]),
        // Once more the same: nothing is left alone, and nothing is there to be removed.
        ((6, 3), r#"{"city":null,"n":6}"#, ["n", "", ""]),
        ((5, 5), r#"{"city":"Oslo"}"#, ["", "city", ""]),
    ] {
        let told = write(&connection, &layout, at_offset, traits).await;
        assert_eq!(told.map(|names| names.join(" ")), expected, "{traits}");
    }
}

#[tokio::test]
async fn in_the_order_of_arrival_it_tells_what_was_removed() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let layout = layout(Order::ByArrival, NullTraits::Delete, Nested::Replace);
    for (traits, expected) in [
        (r#"{"a":{"x":1,"y":1},"b":1}"#, ["a.x a.y b", "", ""]),
        (r#"{"a":{"x":2}}"#, ["a.x", "", "a.y"]),
        (r#"{"b":null,"c":null}"#, ["", "", "b"]),
    ] {
        let told = write(&connection, &layout, (1, 1), traits).await;
        assert_eq!(told.map(|names| names.join(" ")), expected, "{traits}");
    }
}

#[tokio::test]
async fn large_updates_tell_the_places_in_all_their_commands_and_bounded_names() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let layout = layout(BY_TIME, NullTraits::Delete, Nested::Merge);
    let traits = |count: usize, value: &str| {
        let fields: Vec<_> = (0..count)
            .map(|number| format!("\"a.f{number:05}\":{value}"))
            .collect();
        format!("{{{}}}", fields.join(","))
    };
    let count = 12_000;
    write(&connection, &layout, (5, 0), &traits(count / 2, "1")).await;
    let mut fold = Fold::default();
    fold.push(0, at(&layout, (3, 1), &traits(count, "2")));
    let mut folded = fold.finish();
    folded[0].watch();
    assert!(folded[0].changes_of(0).is_none());
    profile::apply(&connection, &folded).await[0]
        .clone()
        .unwrap();
    let changes = folded[0].changes_of(0).unwrap();
    let half = u64::try_from(count / 2).unwrap();
    assert_eq!(
        (changes.written.count, changes.left_alone.count),
        (half, half)
    );
    assert_eq!(names(&changes.written)[0], "a.f06000");
    assert_eq!(changes.left_alone.names.len(), 100);
    let mut fold = Fold::default();
    fold.push(0, at(&layout, (4, 2), r#"{"a":null}"#));
    let mut folded = fold.finish();
    folded[0].watch();
    profile::apply(&connection, &folded).await[0]
        .clone()
        .unwrap();
    let changes = folded[0].changes_of(0).unwrap();
    assert_eq!(
        (changes.removed.count, changes.left_alone.count),
        (half, half)
    );
    assert_eq!(changes.removed.names.len(), 100);
}

/// What is told of each event of a batch, beside what can be seen in Redis before and after it.
fn judge(
    folded: &FoldedUpdate,
    events: &[profile::ProfileUpdate],
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut all_removed = BTreeSet::new();
    for (item, event) in events.iter().enumerate() {
        let changes = folded.changes_of(item).unwrap();
        let said: BTreeMap<_, _> = event
            .fields()
            .map(|(name, value)| (text(name), text(value)))
            .collect();
        for name in names(&changes.written) {
            assert_eq!(after.get(&name), said.get(&name), "{name} was written");
        }
        for name in names(&changes.left_alone) {
            let is_said = said
                .get(&name)
                .is_some_and(|said| after.get(&name) == Some(said));
            // What an equal value of another event has set may be called either.
            assert!(
                !is_said || events.len() > 1 || before.get(&name) == after.get(&name),
                "{name} was left alone"
            );
        }
        let told = changes.written.count + changes.left_alone.count;
        assert!(told >= u64::try_from(said.len()).unwrap());
        all_removed.extend(names(&changes.removed));
    }
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let gone: BTreeSet<_> = gone.cloned().collect();
    assert!(gone.is_subset(&all_removed), "{gone:?} {all_removed:?}");
    // What was removed was there, and is not there any more, or was set again by the same batch.
    for name in all_removed {
        assert!(before.contains_key(&name), "{name} was removed");
    }
}

#[tokio::test]
async fn what_is_told_is_what_can_be_seen_and_a_watched_profile_is_the_same() {
    for flavour in [Flavour::Redis62, Flavour::Redis82, Flavour::Valkey] {
        let server = Server::of(flavour, &[]);
        let connection = server.connection();
        for seed in 0..120_u64 {
            let mut random = Random(seed);
            let nulls = [NullTraits::Ignore, NullTraits::Delete][usize::from(seed % 2 == 1)];
            let nested = [Nested::Merge, Nested::Replace][usize::from(seed % 4 > 1)];
            let layout = layout(BY_TIME, nulls, nested);
            let user = format!("u{seed}");
            let mut all = Vec::new();
            for _ in 0..6 {
                let events: Vec<_> = (0..=random.below(3))
                    .map(|_| match seed % 3 {
                        0 => random.usual_event(&user),
                        _ => random.event(&user),
                    })
                    .collect();
                let updates: Vec<_> = events.iter().map(|event| event.update(&layout)).collect();
                let mut fold = Fold::default();
                for (item, update) in updates.iter().enumerate() {
                    fold.push(item, update.clone());
                }
                let mut folded = fold.finish();
                folded[0].watch();
                let before = fields(&connection, &user).await;
                profile::apply(&connection, &folded).await[0]
                    .clone()
                    .unwrap();
                let after = fields(&connection, &user).await;
                judge(&folded[0], &updates, &before, &after);
                all.extend(events);
            }
            let expected = model::profile(&all, &layout.rules);
            assert_eq!(fields(&connection, &user).await, expected, "seed {seed}");
        }
    }
}
