//! A look at the page of metrics every tenth of a second: it balances, and no counter goes down.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use crate::{DESTINATIONS, World, support::metric};

/// Time between two looks.
const EVERY: Duration = Duration::from_millis(100);

pub(crate) struct Sampler {
    thread: JoinHandle<()>,
    stop: Arc<AtomicBool>,
}

/// Looks until it is stopped.
pub(crate) fn start(world: &Arc<World>) -> Sampler {
    let stop = Arc::new(AtomicBool::new(false));
    let (world, told) = (Arc::clone(world), Arc::clone(&stop));
    let thread = std::thread::spawn(move || {
        let (mut lived, mut seen) = (0, BTreeMap::new());
        while !told.load(Ordering::SeqCst) {
            std::thread::sleep(EVERY);
            let generation = world.kenwell.generation();
            let Some(page) = world.kenwell.metrics() else {
                continue;
            };
            if !world.kenwell.lived_since(generation) {
                continue;
            }
            world.report.pages.fetch_add(1, Ordering::SeqCst);
            if generation != lived {
                (lived, seen) = (generation, BTreeMap::new());
            }
            counters_go_up(&world, &page, &mut seen);
            balances(&world, &page);
        }
    });
    Sampler { thread, stop }
}

impl Sampler {
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().expect("the page can be read");
    }
}

fn counters_go_up(world: &World, page: &str, seen: &mut BTreeMap<String, f64>) {
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, value)) = line.rsplit_once(' ') else {
            continue;
        };
        let family = name.split('{').next().unwrap_or_default();
        if !["_total", "_count", "_bucket", "_sum"]
            .iter()
            .any(|end| family.ends_with(end))
        {
            continue;
        }
        let value: f64 = value.parse().unwrap();
        let before = seen.insert(name.to_owned(), value);
        if let Some(before) = before
            && value < before
        {
            let said = format!("{name}: {before}, then {value}");
            world.report.violated("a counter went down", said);
        }
    }
}

/// Accepted = written + ignored + dead-lettered + lost + queued.
fn balances(world: &World, page: &str) {
    for id in DESTINATIONS {
        let labels = format!("destination=\"{id}\"");
        let term = |name: &str| metric(page, &format!("kenwell_destination_{name}"), &labels);
        let accepted = term("accepted_total");
        let ended = [
            "written_total",
            "ignored_total",
            "dead_lettered_total",
            "lost_total",
        ]
        .map(term);
        let queued = term("queued");
        if accepted != ended.iter().sum::<u64>() + queued {
            let said = format!("{id}: accepted {accepted}, ended {ended:?}, queued {queued}");
            world.report.violated("the page does not balance", said);
        }
    }
}

/// How many events wait at a destination, if the page can be read and has it.
pub(crate) fn queued(page: &str, id: &str) -> Option<u64> {
    let labels = format!("destination=\"{id}\"");
    let is_there = page.contains(&format!("kenwell_destination_queued{{{labels}"));
    is_there.then(|| metric(page, "kenwell_destination_queued", &labels))
}
