//! Two Kenwells write the same users to one Redis, and one of them is frozen again and again while its write is on the
//! way: by the order of events the profiles are what one Kenwell, in order, would have made of them.

use std::collections::BTreeMap;

use kenwell::profile::{Nested, NullTraits, Rules};
use serde_json::{Value, json};

use crate::support::{Act, Client, Proxy, Redis, Server, eventually, is, metric};

#[path = "../../../kenwell/tests/rules/model.rs"]
#[allow(
    dead_code,
    clippy::allow_attributes,
    reason = "other tests use all of it"
)]
mod model;
#[path = "../../../kenwell/tests/rules/random.rs"]
#[allow(
    dead_code,
    clippy::allow_attributes,
    reason = "other tests use all of it"
)]
mod random;

use model::{BY_TIME, Event, START};
use random::Random;

/// Events in one request.
const BATCH: usize = 100;
/// Events of one user, about.
const EVENTS_OF_A_USER: u64 = 40;

/// What the events are, and how they are written.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Of all sorts: the script writes them.
    Any,
    /// Each sets the same fields: transactions write them.
    Usual,
}

impl Kind {
    fn rules(self) -> Rules {
        let (null_traits, nested) = match self {
            Self::Any => (NullTraits::Delete, Nested::Replace),
            Self::Usual => (NullTraits::Ignore, Nested::Merge),
        };
        Rules {
            order: BY_TIME,
            null_traits,
            nested,
        }
    }

    fn settings(self) -> &'static str {
        match self {
            Self::Any => "null_traits = \"delete\"\nnested = \"replace\"\n",
            Self::Usual => "",
        }
    }

    /// What is on its way when a writer is frozen. Outside of the script, `SET` and `SETRANGE` are only sent in
    /// transactions; what is not usual follows them in the script.
    fn is_write(self, command: &[Vec<u8>]) -> bool {
        let is_script = is(command, "EVALSHA") || is(command, "EVAL");
        let is_transaction = is(command, "SET") || is(command, "SETRANGE");
        is_script || matches!(self, Self::Usual) && is_transaction
    }

    fn event(self, random: &mut Random, user: &str) -> Event {
        let mut event = random.event(user);
        match self {
            Self::Any if random.below(2) == 0 => random.usual_event(user),
            Self::Any => event,
            Self::Usual => {
                let traits = ["a", "b.c"].map(|name| (name.to_owned(), json!(random.below(100))));
                event.traits = traits.into_iter().collect();
                event
            }
        }
    }
}

/// A Kenwell, and the proxy between it and Redis.
struct Writer {
    proxy: Proxy,
    server: Server,
    client: Client,
}

impl Writer {
    fn before(redis: &Redis, kind: Kind) -> Self {
        let proxy = Proxy::before(&redis.address());
        let server = Server::with(&format!(
            "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
             [[destinations]]\nid = \"profiles\"\naddress = \"{}\"\n\
             order = \"event_time\"\n{}",
            proxy.address(),
            kind.settings()
        ));
        let client = Client::connect(&server.gateway);
        Self {
            proxy,
            server,
            client,
        }
    }

    fn send(&mut self, events: &[&Event]) {
        for batch in events.chunks(BATCH) {
            let batch: Vec<_> = batch.iter().map(|event| identify(event)).collect();
            let body = json!({ "batch": batch }).to_string();
            let reply = self.client.post("/v1/batch", body.as_bytes());
            assert_eq!(reply.unwrap().status, 200);
        }
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.server.pid()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Sends events, and is frozen when the first of them are on their way to Redis.
    fn freeze_while_sending(&mut self, kind: Kind, events: &[&Event]) {
        self.proxy.rule(move |command| {
            if kind.is_write(command) {
                Act::Hold
            } else {
                Act::Pass
            }
        });
        self.send(events);
        eventually("a write to be on its way", || {
            (self.proxy.held() > 0).then_some(())
        });
        self.signal(rustix::process::Signal::STOP);
    }

    /// What was on its way arrives, and Kenwell goes on.
    fn thaw(&self) {
        self.proxy.rule(|_| Act::Pass);
        self.proxy.release();
        self.signal(rustix::process::Signal::CONT);
    }
}

fn identify(event: &Event) -> Value {
    json!({
        "type": "identify",
        "userId": event.user,
        "timestamp": event.happened_ms,
        "traits": event.traits,
    })
}

/// Events of many users; no two of one user happen in the same millisecond, since their order would be that of their
/// receipt.
fn events(random: &mut Random, kind: Kind, prefix: &str, count: u64) -> Vec<Event> {
    let users = count.div_ceil(EVENTS_OF_A_USER);
    let mut events: Vec<_> = (0..count)
        .map(|place| {
            let user = format!("{prefix}{}", random.below(users));
            let event = kind.event(random, &user);
            Event {
                happened_ms: START + place,
                ..event
            }
        })
        .collect();
    random.shuffle(&mut events);
    events
}

/// Sends so many events, each to one of two Kenwells or to both, which are frozen in turns.
fn write(
    random: &mut Random,
    kind: Kind,
    writers: &mut [Writer; 2],
    events: &[Event],
    rounds: usize,
) {
    let mut shares = [Vec::new(), Vec::new()];
    for event in events {
        let to = random.below(3);
        for (place, share) in (0..).zip(&mut shares) {
            if to == place || to == 2 {
                share.push(event);
            }
        }
    }
    for share in &mut shares {
        random.shuffle(share);
    }
    for round in 0..rounds {
        let [first, second] = shares.each_ref().map(|share| {
            let length = share.len().div_ceil(rounds);
            share.chunks(length).nth(round).unwrap_or_default()
        });
        let [one, other] = &mut *writers;
        let (frozen, frozen_share, awake, awake_share) = if round % 2 == 0 {
            (one, first, other, second)
        } else {
            (other, second, one, first)
        };
        frozen.freeze_while_sending(kind, frozen_share);
        awake.send(awake_share);
        awake.server.settle("profiles");
        frozen.thaw();
    }
}

/// Writes so many events again and again, and compares each time.
fn hold(kind: Kind, seed: u64, times: usize, count: u64, rounds: usize) {
    let redis = Redis::start();
    let mut writers = [(); 2].map(|()| Writer::before(&redis, kind));
    let mut random = Random(seed);
    for time in 0..times {
        let prefix = format!("{time}-");
        let events = events(&mut random, kind, &prefix, count);
        write(&mut random, kind, &mut writers, &events, rounds);
        for writer in &writers {
            writer.server.settle("profiles");
            let dead = "kenwell_destination_dead_lettered_total";
            let dead = metric(&writer.server.metrics(), dead, "destination=\"profiles\"");
            assert_eq!(dead, 0);
        }
        let mut of_user: BTreeMap<&str, Vec<Event>> = BTreeMap::new();
        for event in &events {
            of_user.entry(&event.user).or_default().push(event.clone());
        }
        for (user, events) in of_user {
            let stored = redis.fields(&format!("user:{user}"));
            let expected = model::profile(&events, &kind.rules());
            assert_eq!(stored, expected, "seed {seed}: {user} {events:?}");
        }
    }
}

#[test]
fn a_frozen_writer_that_wakes_up_late_changes_nothing() {
    hold(Kind::Any, 1, 1, 4_000, 4);
}

#[test]
fn a_transaction_of_a_frozen_writer_does_not_take_place_when_it_wakes_up() {
    hold(Kind::Usual, 3, 1, 4_000, 4);
}

/// The long run, by hand: `cargo nextest run -p kenwell-server --test scenarios --run-ignored only a_million_events`.
#[test]
#[ignore = "takes minutes"]
fn a_million_events_of_two_writers() {
    hold(Kind::Any, 2, 5, 100_000, 6);
    hold(Kind::Usual, 4, 5, 100_000, 6);
}
