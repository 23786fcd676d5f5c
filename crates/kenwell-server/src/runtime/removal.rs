//! Removing destinations: what waits for them is delivered first, or kept, or given up by somebody who
//! knows how much it is.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use kenwell_journal::{Error, Journal, Offset};
use tokio::time::{Instant, sleep};

use super::{
    apply::{DestinationRuntimes, gone},
    destination::{DestinationRuntime, Ground},
};
use crate::{
    config::{Config, is_id},
    delivery::DestinationQueue,
};

/// How long a destination that is to go may take to deliver what waits for it.
const DRAIN: Duration = Duration::from_secs(5);
/// How often it is looked at meanwhile.
const POLL: Duration = Duration::from_millis(20);

/// How many waiting events somebody gives up at most, by destination.
pub(super) type GivenUp = BTreeMap<String, u64>;

/// A destination that has events waiting, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) id: String,
    pub(super) events: u64,
}

/// "1 event waits", "3 events wait".
pub(crate) fn events_wait(events: u64) -> String {
    match events {
        1 => "1 event waits".to_owned(),
        events => format!("{events} events wait"),
    }
}

/// The destinations that `next` does not have and that have more events waiting than are given up. Those
/// that deliver get some time for what waits for them now.
pub(super) async fn left_behind(
    lines: &DestinationRuntimes,
    next: &Config,
    given_up: &GivenUp,
    journal: &Journal,
) -> Vec<Waiting> {
    let ids = gone(lines.keys(), next.destinations.iter().map(|it| &it.id));
    let until = Until::Position(journal.stats().next_offset);
    let left =
        leaving(lines, &ids, given_up).map(|(line, given_up)| wait(line, given_up, until, journal));
    join_all(left).await.into_iter().flatten().collect()
}

/// Lets destinations that nothing is routed to any more deliver what is left.
pub(super) async fn drain(
    lines: &DestinationRuntimes,
    ids: &[String],
    given_up: &GivenUp,
    journal: &Journal,
) {
    let waits = leaving(lines, ids, given_up)
        .map(|(line, given_up)| wait(line, given_up, Until::Empty, journal));
    join_all(waits).await;
}

/// Cursors of destinations that the configuration does not have: they stay as long as events wait. Gives back
/// queue into which what waits is to be entered.
pub(super) fn retire_unknown(
    lines: &DestinationRuntimes,
    ground: &Ground<'_>,
) -> Result<Vec<DestinationQueue>, Error> {
    let mut opened = Vec::new();
    for cursor in ground.journal.stats().cursors {
        let id = &cursor.name;
        if lines.contains_key(id) {
            continue;
        }
        if is_id(id) {
            let queue = DestinationQueue::open(id, ground.journal, ground.metrics)?;
            ground.retired.add(id, queue.clone(), ground);
            opened.push(queue);
        } else {
            // Of a search by an older version that was cut off: no destination has such a name.
            ground.journal.forget(id)?;
        }
    }
    Ok(opened)
}

fn leaving<'a>(
    lines: &'a DestinationRuntimes,
    ids: &'a [String],
    given_up: &'a GivenUp,
) -> impl Iterator<Item = (&'a DestinationRuntime, u64)> {
    ids.iter().filter_map(|id| {
        let given_up = given_up.get(id).copied().unwrap_or(0);
        Some((lines.get(id)?, given_up))
    })
}

/// What is waited for.
#[derive(Clone, Copy)]
enum Until {
    /// Everything before this record is delivered: a destination that always gets more keeps up.
    Position(Offset),
    /// Nothing waits.
    Empty,
}

/// Waits as long as the destination delivers; what is left, if it is more than is given up.
async fn wait(
    line: &DestinationRuntime,
    given_up: u64,
    until: Until,
    journal: &Journal,
) -> Option<Waiting> {
    let patience = Instant::now() + DRAIN;
    loop {
        let (events, counted) = (line.waiting(), line.is_counted());
        let reached = match until {
            Until::Empty => false,
            Until::Position(end) => line.position(journal).is_some_and(|at| at >= end),
        };
        if counted && (events <= given_up || reached) {
            return None;
        }
        if (counted && !line.delivers()) || Instant::now() >= patience {
            let id = line.settings.id.clone();
            return Some(Waiting { id, events });
        }
        sleep(POLL).await;
    }
}
