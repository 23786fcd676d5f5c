//! In whatever order events are written, however often, and by however many writers: one profile.

use std::collections::BTreeMap;

use kenwell::connection::Connection;
use kenwell::profile::{self, Clocks, Fold, Layout, Nested, NullTraits, clocks_key};

use crate::model::{self, BY_TIME, Event};
use crate::random::Random;
use crate::support::cluster::Cluster;
use crate::support::flavour::Flavour;
use crate::support::load::fields;
use crate::support::server::Server;

/// Writes batches one after the other, each folded.
async fn write(connection: &Connection, layout: &Layout, batches: &[Vec<Event>]) {
    for batch in batches {
        let mut fold = Fold::default();
        for (item, event) in batch.iter().enumerate() {
            fold.push(item, event.update(layout));
        }
        for result in profile::apply(connection, &fold.finish()).await {
            result.unwrap();
        }
    }
}

/// The three laws, for profiles that a seed decides.
async fn hold(connection: &Connection, rounds: u64) {
    let another = connection.another();
    for seed in 0..rounds {
        let mut random = Random(seed);
        let nulls = [NullTraits::Ignore, NullTraits::Delete][usize::from(seed % 2 == 1)];
        let nested = [Nested::Merge, Nested::Replace][usize::from(seed % 4 > 1)];
        let layout = model::layout(BY_TIME, nulls, nested);
        let user = format!("u{seed}");
        let count = 1 + random.below(24);
        // Every third profile has events as most are, which the script writes without looking at names.
        let is_usual = seed % 3 == 0;
        let events: Vec<_> = (0..count)
            .map(|_| {
                if is_usual {
                    random.usual_event(&user)
                } else {
                    random.event(&user)
                }
            })
            .collect();
        let expected = model::profile(&events, &layout.rules);
        let mut sent = events.clone();
        sent.extend((0..count / 2).map(|at| events[usize::try_from(at).unwrap()].clone()));
        random.shuffle(&mut sent);
        let mut shares = [Vec::new(), Vec::new()];
        while !sent.is_empty() {
            let length = usize::try_from(1 + random.below(5))
                .unwrap()
                .min(sent.len());
            let share = usize::try_from(random.below(2)).unwrap();
            shares[share].push(sent.drain(..length).collect::<Vec<_>>());
        }
        tokio::join!(
            write(connection, &layout, &shares[0]),
            write(&another, &layout, &shares[1])
        );
        let stored = fields(connection, &user).await;
        assert_eq!(stored, expected, "seed {seed}: {events:?}");
        assert_clocks(connection, &user, &stored, seed).await;
    }
}

/// Each field that is stored has the clock of an event that set it.
async fn assert_clocks(
    connection: &Connection,
    user: &str,
    stored: &BTreeMap<String, String>,
    seed: u64,
) {
    let key = Layout::default().key(user);
    let read = profile::read_clocks(connection, &key)
        .await
        .unwrap()
        .unwrap();
    let clocks = Clocks::read(&read).unwrap();
    for name in stored.keys() {
        let (_, change) = clocks.of(name.as_bytes()).unwrap();
        assert_eq!(change, profile::Change::Set, "seed {seed}: {name}");
    }
    assert!(clocks_key(&key).starts_with(b"kenwell:clocks:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_redis() {
    let server = Server::start(&[]);
    hold(&server.connection(), 400).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_redis_6_2() {
    let server = Server::of(Flavour::Redis62, &[]);
    hold(&server.connection(), 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_redis_8_2() {
    let server = Server::of(Flavour::Redis82, &[]);
    hold(&server.connection(), 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_valkey() {
    let server = Server::of(Flavour::Valkey, &[]);
    hold(&server.connection(), 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_cluster() {
    let cluster = Cluster::start();
    let connection = Connection::new(cluster.settings()).unwrap();
    hold(&connection, 100).await;
    // Keys that make it hard to find one beside them.
    let layout = model::layout(BY_TIME, NullTraits::Delete, Nested::Merge);
    for user in ["{u}1", "a}b", "a{b", "{}x", "{}{y}z", "}{"] {
        let event = Random(7).event(user);
        write(&connection, &layout, &[vec![event.clone()], vec![event]]).await;
        assert!(fields(&connection, user).await.contains_key("e"), "{user}");
        assert!(profile::delete(&connection, &layout, user).await.unwrap());
        let key = layout.key(user);
        assert_eq!(profile::read_clocks(&connection, &key).await.unwrap(), None);
    }
}
