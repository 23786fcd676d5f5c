//! A randomised history: the real binary under load, with every fault that can be made, and a judge.
//!
//! `KENWELL_HISTORY_SEED` repeats a run, `KENWELL_HISTORY_SECONDS` makes it longer, and
//! `KENWELL_HISTORY_FAULTS=redis_kill,config_truncate` makes only these kinds of faults.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed test is a panic, and a failing one may say what it saw"
)]

mod config_faults;
mod damage;
mod faults;
mod judge;
mod kenwell;
mod load;
mod network_faults;
mod people;
mod process_faults;
mod proxy;
mod records;
mod redis_faults;
mod report;
mod resp;
mod sampler;
mod store;
mod users;

#[path = "../scenarios/support/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    clippy::allow_attributes,
    reason = "the scenarios use the rest of it"
)]
mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use faults::{FaultInjectors, FaultKind};
use kenwell::Kenwell;
use report::Report;
use store::Store;

/// How long faults are made unless the environment says otherwise.
const SECONDS: u64 = 45;

/// Where the sources lead: the first source feeds both destinations, each of the others one.
const SOURCES: [(&str, &[usize]); 3] = [("web", &[0, 1]), ("app", &[0]), ("shop", &[1])];
/// The destinations' ids.
const DESTINATIONS: [&str; 2] = ["left", "right"];
/// Which source each sender uses.
const SENDERS: [usize; 4] = [0, 0, 1, 2];

/// What all threads of a run share.
struct World {
    kenwell: Kenwell,
    stores: [Store; 2],
    report: Report,
    /// No more faults.
    faults_over: AtomicBool,
    /// No more load.
    done: AtomicBool,
}

impl World {
    fn start(random: &mut fastrand::Rng) -> Self {
        let stores = [Store::start(random.u64(..)), Store::start(random.u64(..))];
        let tables = tables(&stores, random.bool());
        Self {
            kenwell: Kenwell::start(&tables),
            stores,
            report: Report::new(),
            faults_over: AtomicBool::new(false),
            done: AtomicBool::new(false),
        }
    }
}

/// The sources and destinations of the configuration, in either order.
fn tables(stores: &[Store; 2], sources_first: bool) -> String {
    let sources = SOURCES.map(|(id, fed)| {
        let fed: Vec<_> = fed.iter().map(|index| DESTINATIONS[*index]).collect();
        format!("[[sources]]\nid = \"{id}\"\nwrite_key = \"key-{id}\"\ndestinations = {fed:?}\n")
    });
    let mut index = 0;
    let destinations = DESTINATIONS.map(|id| {
        let address = stores[index].address();
        index += 1;
        format!("[[destinations]]\nid = \"{id}\"\naddress = \"{address}\"\ntype = \"redis\"\n")
    });
    let (sources, destinations) = (sources.concat(), destinations.concat());
    if sources_first {
        sources + &destinations
    } else {
        destinations + &sources
    }
}

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().expect("a whole number"))
}

/// The kinds of faults that may be made: all, or those that the environment names.
fn kinds() -> Vec<FaultKind> {
    let Ok(names) = std::env::var("KENWELL_HISTORY_FAULTS") else {
        return FaultKind::ALL.to_vec();
    };
    let names = names.split(',').map(str::trim).filter(|it| !it.is_empty());
    let find = |name| {
        let found = FaultKind::ALL.iter().find(|kind| kind.name() == name);
        *found.unwrap_or_else(|| panic!("there is no fault {name:?}"))
    };
    names.map(find).collect()
}

#[test]
fn what_got_200_and_what_was_confirmed_stays_whatever_fails() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seed = number("KENWELL_HISTORY_SEED").unwrap_or(now.unwrap().as_secs());
    let lasting = Duration::from_secs(number("KENWELL_HISTORY_SECONDS").unwrap_or(SECONDS));
    eprintln!("KENWELL_HISTORY_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let world = Arc::new(World::start(&mut random));
    let kinds = kinds();

    let sampling = sampler::start(&world);
    let loads: Vec<_> = (0..SENDERS.len())
        .map(|sender| load::start(&world, sender, random.fork()))
        .collect();
    let applications: Vec<_> = (0..world.stores.len())
        .map(|index| records::start(&world, index, random.fork()))
        .collect();
    let injectors = FaultInjectors::start(&world, &kinds, &mut random);
    let end = Instant::now() + lasting;
    while Instant::now() < end && !injectors.any_ended() {
        std::thread::sleep(Duration::from_millis(100));
    }
    world.faults_over.store(true, Ordering::SeqCst);
    injectors.join();
    world.done.store(true, Ordering::SeqCst);
    let users: Vec<_> = loads
        .into_iter()
        .map(|load| load.join().expect("a sender never fails"))
        .collect();
    let applications: Vec<_> = applications
        .into_iter()
        .map(|application| application.join().expect("an application never fails"))
        .collect();
    judge::settle(&world);
    judge::profiles(&world, &users);
    for application in applications {
        application.judge();
    }
    sampling.stop();
    world.report.end(seed, &world.kenwell.log());
}
