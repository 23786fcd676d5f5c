//! In whatever order events are written, however often, and by however many writers: one profile.

use std::collections::BTreeMap;

use kenwell::connection::Connection;
use kenwell::profile::{self, Clocks, Fold, Layout, Nested, NullTraits, clocks_key};
use serde_json::{Map, Value, json};

use crate::model::{self, BY_TIME, Event, START};
use crate::support::cluster::Cluster;
use crate::support::flavour::Flavour;
use crate::support::load::fields;
use crate::support::server::Server;

/// Numbers that are the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        // A linear congruential generator; its upper bits are good enough.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            let at = usize::try_from(self.below(end as u64 + 1)).unwrap();
            list.swap(at, end);
        }
    }

    fn value(&mut self, depth: u64) -> Value {
        match self.below(8) {
            0 => Value::Null,
            1 | 2 if depth < 2 => Value::Object(self.traits(depth + 1)),
            _ => json!(self.below(100)),
        }
    }

    fn traits(&mut self, depth: u64) -> Map<String, Value> {
        let count = self.below(4);
        let names =
            (0..count).map(|_| ["a", "b", "c", "d"][usize::try_from(self.below(4)).unwrap()]);
        let names: Vec<_> = names.collect();
        names
            .into_iter()
            .map(|name| (name.to_owned(), self.value(depth)))
            .collect()
    }

    fn event(&mut self, user: &str) -> Event {
        let happened_ms = START + self.below(12);
        Event {
            user: user.to_owned(),
            happened_ms,
            received_ms: happened_ms + self.below(3),
            offset: self.below(8),
            traits: {
                let mut traits = self.traits(0);
                // An event always says something.
                traits.insert("e".to_owned(), json!(self.below(100)));
                traits
            },
        }
    }
}

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
        let events: Vec<_> = (0..count).map(|_| random.event(&user)).collect();
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
