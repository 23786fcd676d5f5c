//! Destinations that are not configured any more and have events waiting. They are kept, and hold the
//! journal, until they come back or somebody gives up what waits.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use super::oldest_waiting::OldestWaiting;
use crate::{delivery::DestinationQueue, metrics::DestinationCounters};

/// A destination that is not configured and has events waiting.
#[derive(Clone)]
pub struct RetiredDestination {
    /// Its id.
    pub id: String,
    /// What is counted.
    pub counters: DestinationCounters,
    /// When the oldest of its events was received, as far as that is known.
    pub since: Option<Timestamp>,
}

/// All of them, by id. Only under the lock of the destinations are they added and taken away.
#[derive(Default)]
pub(super) struct Retired {
    all: Mutex<BTreeMap<String, Entry>>,
}

struct Entry {
    queue: DestinationQueue,
    oldest: OldestWaiting,
    /// Whether the log has been told.
    is_logged: bool,
}

impl Retired {
    /// A destination is not configured any more. Its queue stays open and its cursor where it is.
    pub(super) fn add(&self, id: &str, queue: DestinationQueue, oldest: OldestWaiting) {
        let entry = Entry {
            queue,
            oldest,
            is_logged: false,
        };
        self.lock().insert(id.to_owned(), entry);
    }

    /// It is configured again, or ends for good: its queue.
    pub(super) fn take(&self, id: &str) -> Option<DestinationQueue> {
        self.lock().remove(id).map(|entry| entry.queue)
    }

    /// Those with events waiting.
    pub(super) fn list(&self) -> Vec<RetiredDestination> {
        let all = self.lock();
        let waiting = all.iter().filter(|(_, entry)| entry.waiting() > 0);
        waiting
            .map(|(id, entry)| RetiredDestination {
                id: id.clone(),
                counters: entry.queue.counters.clone(),
                since: entry.oldest.time(),
            })
            .collect()
    }

    /// The queues of all, also of those whose waiting events are not counted yet.
    pub(super) fn queues(&self) -> Vec<DestinationQueue> {
        let all = self.lock();
        all.values().map(|entry| entry.queue.clone()).collect()
    }

    /// How many events wait for this one; `None` when there is no such destination, or nobody knows yet.
    pub(super) fn waiting(&self, id: &str) -> Option<u64> {
        let all = self.lock();
        all.get(id)
            .filter(|entry| entry.is_counted())
            .map(Entry::waiting)
    }

    /// Whether there is this one.
    pub(super) fn has(&self, id: &str) -> bool {
        self.lock().contains_key(id)
    }

    /// The ids of those for which nothing waits, as far as that is counted.
    pub(super) fn empty(&self) -> Vec<String> {
        let all = self.lock();
        let empty = all
            .iter()
            .filter(|(_, entry)| entry.is_counted() && entry.waiting() == 0);
        empty.map(|(id, _)| id.clone()).collect()
    }

    /// Tells the log, once, of each for which something waits. Gives back their ids.
    pub(super) fn log_waiting(&self, accepted: AcceptRetired) -> Vec<String> {
        let mut waiting = Vec::new();
        for (id, entry) in self.lock().iter_mut() {
            let events = entry.waiting();
            if !entry.is_counted() || events == 0 {
                continue;
            }
            waiting.push(id.clone());
            if entry.oldest.is_known() && !std::mem::replace(&mut entry.is_logged, true) {
                accepted.log(id, events, entry.oldest.time());
            }
        }
        waiting
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn waiting(&self) -> u64 {
        self.queue.counters.queued()
    }

    fn is_counted(&self) -> bool {
        self.queue.backlog().is_some()
    }
}

/// Whether somebody has said that they know of retired destinations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptRetired {
    /// They do.
    Yes,
    /// Nobody has.
    No,
}

impl AcceptRetired {
    fn log(self, id: &str, waiting: u64, since: Option<Timestamp>) {
        let since = since.map(tracing::field::display);
        match self {
            Self::Yes => tracing::warn!(
                destination.id = id,
                waiting,
                since,
                "not configured, with events waiting; they are kept"
            ),
            Self::No => tracing::error!(
                destination.id = id,
                waiting,
                since,
                "not configured, with events waiting; they are kept, and hold the journal: put it back, give them up with \
                 `kenwell destinations forget {id}`, or say that you know with `--accept-retired`"
            ),
        }
    }
}
