//! Random calls over a network that breaks at random, compared with a model of what may be stored then.
//!
//! Of each key all calls are known, in the order in which they were begun, and how each ended:
//!
//! * what is stored, and what a load finds, is what the last confirmed write before it left, or a write after
//!   that one whose fate is unknown;
//! * a load may also find what was begun after it and before it ended;
//! * a comparison that says "unchanged" is a confirmed write, one that says "changed" is none.
//!
//! `KENWELL_MODEL_SEED` is the first seed, `KENWELL_MODEL_ROUNDS` their number.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kenwell::connection::{Connection, Settings};
use kenwell::state::Error;
use kenwell::state::values::{self, Expected, Read};
use tokio::task::JoinHandle;

use super::order::begin;
use super::values::{texts, write};
use crate::support::link::{Flow, Link};
use crate::support::server::Server;

const KEYS: usize = 4;
const STEPS: usize = 60;

/// A small generator of random numbers, so that a seed says everything.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

#[derive(Debug, Clone)]
enum Deed {
    Save(Vec<(usize, String)>),
    Delete(usize),
    Compare(usize, Option<String>, String),
    Load(usize, Option<u64>),
}

#[derive(Debug, Clone)]
enum Fate {
    Confirmed,
    Unknown,
    /// It is known that nothing was changed.
    Nothing,
    Found(Option<String>),
}

struct UnderWay {
    deed: Deed,
    call: JoinHandle<(Fate, usize)>,
}

#[derive(Debug)]
struct Ended {
    deed: Deed,
    fate: Fate,
    /// How many calls had been begun by then.
    at: usize,
}

impl Deed {
    fn random(number: usize, random: &mut Random) -> Self {
        let key = random.below(KEYS);
        let value = |key: usize| format!("{key}:{number}");
        match random.below(10) {
            0..=3 => Self::Save(vec![(key, value(key))]),
            4 => {
                let other = (key + 1) % KEYS;
                Self::Save(vec![(key, value(key)), (other, value(other))])
            }
            5 => Self::Delete(key),
            6 => {
                let known = (number > 0).then(|| format!("{key}:{}", random.below(number)));
                Self::Compare(key, known.filter(|_| number.is_multiple_of(2)), value(key))
            }
            7 => Self::Load(key, Some(100)),
            _ => Self::Load(key, None),
        }
    }

    async fn execute(self, connection: Connection) -> Fate {
        let fate = |done: Result<(), Error>| done.map_or(Fate::Unknown, |()| Fate::Confirmed);
        match self {
            Self::Save(writes) => {
                let writes: Vec<_> = writes
                    .iter()
                    .map(|(key, value)| write(&name(*key), value))
                    .collect();
                fate(values::store(&connection, &writes).await)
            }
            Self::Delete(key) => {
                let keys = [name(key).into_bytes()];
                fate(values::remove(&connection, &keys).await.map(drop))
            }
            Self::Compare(key, known, new) => {
                let expected = [Expected {
                    key: name(key).into(),
                    value: known.map(Into::into),
                }];
                let writes = [write(&name(key), &new)];
                match values::store_unchanged(&connection, &expected, &writes).await {
                    Ok(true) => Fate::Confirmed,
                    Ok(false) => Fate::Nothing,
                    Err(_) => Fate::Unknown,
                }
            }
            Self::Load(key, refresh_seconds) => {
                let reads = [Read {
                    key: name(key).into(),
                    refresh_seconds,
                }];
                match values::fetch(&connection, &reads, None).await {
                    Ok(fetched) => Fate::Found(texts(fetched).remove(0)),
                    Err(_) => Fate::Nothing,
                }
            }
        }
    }

    /// What it leaves at a key, if it writes there; an empty text for nothing.
    fn left(&self, at: usize) -> Option<&str> {
        match self {
            Self::Save(writes) => {
                let mut writes = writes.iter().filter(|(key, _)| *key == at);
                writes.next().map(|(_, value)| value.as_str())
            }
            Self::Delete(key) => (*key == at).then_some(""),
            Self::Compare(key, _, value) => (*key == at).then_some(value),
            Self::Load(..) => None,
        }
    }
}

fn name(key: usize) -> String {
    format!("k{key}")
}

/// Whether a value may be what lies at a key after the calls before `end`.
fn may_be_stored(history: &[Ended], key: usize, end: usize, found: &str) -> bool {
    for ended in history[..end].iter().rev() {
        let Some(left) = ended.deed.left(key) else {
            continue;
        };
        match ended.fate {
            Fate::Confirmed => return left == found,
            Fate::Unknown if left == found => return true,
            _ => {}
        }
    }
    found.is_empty()
}

fn check_loads(history: &[Ended], seed: u64) {
    for (number, ended) in history.iter().enumerate() {
        let (Deed::Load(key, _), Fate::Found(found)) = (&ended.deed, &ended.fate) else {
            continue;
        };
        let found = found.as_deref().unwrap_or_default();
        let later = &history[number..ended.at];
        let newer = |ended: &Ended| ended.deed.left(*key) == Some(found);
        assert!(
            may_be_stored(history, *key, number, found) || later.iter().any(newer),
            "seed {seed}: call {number} found {found:?} at {key} in {history:#?}"
        );
    }
}

/// One thing that goes wrong.
async fn break_something(random: &mut Random, link: &Link, server: &Server) {
    let moment = Duration::from_millis(u64::try_from(random.below(40)).unwrap());
    match random.below(8) {
        0 => link.cut(),
        1 => link.let_flow(Flow::Swallow, Flow::Swallow),
        2 => {
            // What was held comes late, after others were opened.
            link.let_flow(Flow::Hold, Flow::Carry);
            tokio::time::sleep(moment).await;
            link.cut();
        }
        3 => {
            link.let_flow(Flow::Carry, Flow::Hold);
            tokio::time::sleep(moment).await;
            link.cut();
        }
        4 => drop(server.cli(&["CLIENT", "KILL", "TYPE", "normal"])),
        5 => {
            link.let_flow(Flow::Hold, Flow::Hold);
            tokio::time::sleep(moment).await;
            link.let_flow(Flow::Carry, Flow::Carry);
        }
        6 => link.let_begin(Flow::Carry, Flow::Swallow),
        _ => {
            server.signal("STOP");
            tokio::time::sleep(moment).await;
            server.signal("CONT");
        }
    }
}

fn heal(link: &Link) {
    link.let_begin(Flow::Carry, Flow::Carry);
    link.let_flow(Flow::Carry, Flow::Carry);
}

async fn round(seed: u64) {
    let server = Server::start(&[]);
    let link = Link::before(&server.address());
    let mut settings = Settings::new(link.address());
    settings.connect_timeout = Duration::from_millis(400);
    settings.command_timeout = Duration::from_millis(400);
    let connection = Connection::new(settings).unwrap();
    let mut random = Random(seed);
    let begun = Arc::new(AtomicUsize::new(0));
    let (mut history, mut under_way) = (Vec::new(), Vec::new());
    for _step in 0..STEPS {
        for _call in 0..random.below(12) {
            let number = begun.fetch_add(1, Ordering::SeqCst);
            let deed = Deed::random(number, &mut random);
            let (it, begun) = (deed.clone(), Arc::clone(&begun));
            let connection = connection.clone();
            let call = async move {
                let fate = it.execute(connection).await;
                (fate, begun.load(Ordering::SeqCst))
            };
            let call = tokio::spawn(begin(call).await);
            under_way.push(UnderWay { deed, call });
        }
        match random.below(8) {
            0..=2 => break_something(&mut random, &link, &server).await,
            3 | 4 => heal(&link),
            5 => {
                heal(&link);
                end_all(&mut under_way, &mut history).await;
                check(&server, &history, seed);
            }
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
    heal(&link);
    end_all(&mut under_way, &mut history).await;
    check(&server, &history, seed);
    check_loads(&history, seed);
    let confirmed = history
        .iter()
        .filter(|it| matches!(it.fate, Fate::Confirmed));
    assert!(
        confirmed.count() > STEPS / 4,
        "seed {seed}: hardly anything was done"
    );
}

async fn end_all(under_way: &mut Vec<UnderWay>, history: &mut Vec<Ended>) {
    for UnderWay { deed, call } in under_way.drain(..) {
        let (fate, at) = call.await.unwrap();
        history.push(Ended { deed, fate, at });
    }
}

fn check(server: &Server, history: &[Ended], seed: u64) {
    for key in 0..KEYS {
        let found = server.cli(&["GET", &name(key)]);
        assert!(
            may_be_stored(history, key, history.len(), &found),
            "seed {seed}: {found:?} at {key} after {history:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_no_repetition_and_no_late_byte_passes_a_newer_call() {
    let given = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let first: u64 = given("KENWELL_MODEL_SEED").unwrap_or(1);
    let rounds: u64 = given("KENWELL_MODEL_ROUNDS").unwrap_or(8);
    for seed in first..first + rounds {
        round(seed).await;
    }
}
