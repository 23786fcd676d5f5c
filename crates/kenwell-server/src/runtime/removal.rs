//! Removing destinations: what waits for them is delivered first, or kept, or given up by a person who
//! says how much it is.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::future::join_all;
use kenwell_journal::{Error, ErrorChain, Offset};
use tokio::time::{Instant, sleep};

use super::{
    Runtime,
    dependencies::Dependencies,
    destination::{DestinationRuntime, DestinationRuntimes, views},
    oldest_waiting::OldestWaiting,
};
use crate::{
    applied::Stopped,
    config::{Config, is_id},
    delivery::{self, DestinationQueue},
};

/// How long a destination that is to go may take to deliver what waits for it.
const DRAIN: Duration = Duration::from_secs(5);
/// How often it is looked at meanwhile.
const POLL: Duration = Duration::from_millis(20);

/// How many waiting events are given up at most, by destination.
pub(super) type GivenUp = BTreeMap<String, u64>;

/// A destination that has events waiting, and how many.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) id: String,
    pub(super) events: u64,
}

/// The ids that are there no more.
pub(super) fn missing<'a>(
    before: impl Iterator<Item = &'a String>,
    now: impl Iterator<Item = &'a String>,
) -> Vec<String> {
    let now: BTreeSet<&String> = now.collect();
    before.filter(|id| !now.contains(id)).cloned().collect()
}

/// The destinations that `next` does not have and that have more events waiting than are given up. Those
/// that deliver get some time for what waits for them now.
pub(super) async fn left_behind(
    destinations: &DestinationRuntimes,
    next: &Config,
    given_up: &GivenUp,
    dependencies: &Dependencies,
) -> Vec<Waiting> {
    let leaving = missing(
        destinations.keys(),
        next.destinations.iter().map(|it| &it.id),
    );
    let until = Until::Position(dependencies.journal.stats().next_offset);
    wait_for_all(destinations, &leaving, given_up, until, dependencies).await
}

/// Lets destinations that nothing is routed to any more deliver what is left.
pub(super) async fn drain(
    destinations: &DestinationRuntimes,
    leaving: &[String],
    given_up: &GivenUp,
    dependencies: &Dependencies,
) {
    wait_for_all(destinations, leaving, given_up, Until::Empty, dependencies).await;
}

/// Removes a stopped destination. What waits for it is kept, unless as many events are given up.
pub(super) fn remove(
    destination: DestinationRuntime,
    given_up: u64,
    dependencies: &Dependencies,
) -> Result<(), Error> {
    let (id, waiting) = (&destination.settings.id, destination.waiting());
    if let Some(queue) = destination.queue {
        retire(id, queue, dependencies);
        if waiting > given_up {
            return Ok(());
        }
    }
    forget(id, dependencies)
}

/// Keeps a queue, its cursor, and with them what waits for a destination that is not configured.
pub(super) fn retire(id: &str, queue: DestinationQueue, dependencies: &Dependencies) {
    let Dependencies {
        journal,
        tasks,
        stop,
        retired,
        ..
    } = dependencies;
    queue.counters.applied().set_stopped(Some(Stopped::Removed));
    retired.add(id, queue, OldestWaiting::find(id, journal, tasks, stop));
}

/// Retires the destinations of cursors that the configuration does not have: they stay as long as events wait. Gives
/// back the queues into which what waits is to be entered.
pub(super) fn retire_unknown(
    destinations: &DestinationRuntimes,
    dependencies: &Dependencies,
) -> Result<Vec<DestinationQueue>, Error> {
    let Dependencies {
        journal, metrics, ..
    } = dependencies;
    let mut opened = Vec::new();
    for cursor in journal.stats().cursors {
        let id = &cursor.name;
        if destinations.contains_key(id) {
            continue;
        }
        if is_id(id) {
            let queue = DestinationQueue::open(id, journal, metrics)?;
            retire(id, queue.clone(), dependencies);
            opened.push(queue);
        } else {
            // Of a search by an older version that was cut off: no destination has such a name.
            journal.forget(id)?;
        }
    }
    Ok(opened)
}

/// Ends a destination that does not run: no cursor, no queue, and what waits for it is given up.
pub(super) fn forget(id: &str, dependencies: &Dependencies) -> Result<(), Error> {
    let Dependencies {
        journal, metrics, ..
    } = dependencies;
    journal.forget(id)?;
    let queue = dependencies.retired.take(id);
    let waiting = queue.map_or(0, |queue| queue.counters.queued());
    metrics.forget_destination(id);
    if let Err(error) = delivery::forget(&dependencies.data_dir, id) {
        tracing::warn!(destination.id = id, %error, "what is known of its Redis could not be removed from data_dir");
    }
    if waiting > 0 {
        metrics.given_up(waiting);
        tracing::error!(
            destination.id = id,
            events = waiting,
            "a destination was removed, and the events that waited for it were given up, as somebody asked for"
        );
    }
    Ok(())
}

impl Runtime {
    /// Closes what is kept for disabled and retired destinations for which nothing waits, and tells of those for which
    /// something does.
    pub(super) async fn close_idle(&self) {
        let mut destinations = self.inner.destinations.lock().await;
        let dependencies = &self.inner.dependencies;
        let mut outcome = Ok(());
        for id in dependencies.retired.log_waiting(self.accepts_retired()) {
            dependencies.metrics.set_retired(&id);
        }
        for id in dependencies.retired.empty() {
            outcome = outcome.and(forget(&id, dependencies));
        }
        let mut news = false;
        for destination in destinations.values_mut() {
            match destination.close_if_idle(dependencies) {
                Ok(changed) => news |= changed,
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        if news {
            self.write(|snapshot| snapshot.destinations = views(&destinations));
        }
        if let Err(error) = outcome {
            tracing::debug!(error = %ErrorChain(&error), "a cursor that is not needed could not be removed yet");
        }
    }
}

/// What is waited for.
#[derive(Clone, Copy)]
enum Until {
    /// Everything before this record is delivered: a destination that always gets more keeps up.
    Position(Offset),
    /// Nothing waits.
    Empty,
}

/// Waits as long as these destinations deliver; gives back those for which more is left than is given up.
async fn wait_for_all(
    destinations: &DestinationRuntimes,
    ids: &[String],
    given_up: &GivenUp,
    until: Until,
    dependencies: &Dependencies,
) -> Vec<Waiting> {
    let waits = ids.iter().filter_map(|id| {
        let given_up = given_up.get(id).copied().unwrap_or(0);
        Some(wait(destinations.get(id)?, given_up, until, dependencies))
    });
    join_all(waits).await.into_iter().flatten().collect()
}

async fn wait(
    destination: &DestinationRuntime,
    given_up: u64,
    until: Until,
    dependencies: &Dependencies,
) -> Option<Waiting> {
    let deadline = Instant::now() + DRAIN;
    let id = &destination.settings.id;
    loop {
        let (events, counted) = (destination.waiting(), destination.is_counted());
        let reached = match until {
            Until::Empty => false,
            Until::Position(end) => dependencies.position(id).is_some_and(|at| at >= end),
        };
        if counted && (events <= given_up || reached) {
            return None;
        }
        if (counted && !destination.delivers()) || Instant::now() >= deadline {
            let id = id.clone();
            return Some(Waiting { id, events });
        }
        sleep(POLL).await;
    }
}
