//! Destinations that are not configured any more and have events waiting. They are kept, and hold the
//! journal, until they come back or somebody gives up what waits.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use kenwell_journal::Error;

use super::{destination::Ground, oldest::Oldest};
use crate::{delivery::DestinationQueue, metrics::DestinationCounters};

/// A destination that is not configured and has events waiting.
#[derive(Clone)]
pub struct RetiredDestination {
    /// Its id.
    pub id: String,
    /// Its queue.
    pub counters: DestinationCounters,
    /// When the oldest of its events was received, as far as that is known.
    pub since: Option<Timestamp>,
}

/// All of them, by id. Only who may change what runs adds to them or takes away.
#[derive(Default)]
pub(super) struct Retired {
    all: Mutex<BTreeMap<String, Entry>>,
}

struct Entry {
    queue: DestinationQueue,
    oldest: Oldest,
    /// Whether the log has been told.
    told: bool,
}

impl Retired {
    /// A destination is not configured any more. Its queue stays open and its cursor where it is.
    pub(super) fn add(&self, id: &str, queue: DestinationQueue, ground: &Ground<'_>) {
        let entry = Entry {
            queue,
            oldest: Oldest::look(id, ground),
            told: false,
        };
        self.lock().insert(id.to_owned(), entry);
    }

    /// It is configured again: its queue, which goes on.
    pub(super) fn take_back(&self, id: &str) -> Option<DestinationQueue> {
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
    pub(super) fn queue(&self) -> Vec<DestinationQueue> {
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

    /// Lets those go for which nothing waits, and tells of the others once.
    pub(super) fn settle(&self, known: Known, ground: &Ground<'_>) -> Result<(), Error> {
        let mut outcome = Ok(());
        let mut empty = Vec::new();
        for (id, entry) in self.lock().iter_mut() {
            let waiting = entry.waiting();
            if !entry.is_counted() {
                continue;
            }
            if waiting == 0 {
                empty.push(id.clone());
                continue;
            }
            ground.metrics.set_retired(id);
            if entry.oldest.is_known() && !std::mem::replace(&mut entry.told, true) {
                known.tell(id, waiting, entry.oldest.time());
            }
        }
        for id in empty {
            outcome = outcome.and(self.end(&id, ground));
        }
        outcome
    }

    /// Ends one for good: no queue, no cursor, and what waits for it is given up.
    pub(super) fn end(&self, id: &str, ground: &Ground<'_>) -> Result<(), Error> {
        ground.journal.forget(id)?;
        let waiting = self.lock().remove(id).map_or(0, |entry| entry.waiting());
        ground.metrics.forget_destination(id);
        ground.healing.forget(id);
        if waiting > 0 {
            ground.metrics.given_up(waiting);
            tracing::error!(
                destination.id = id,
                events = waiting,
                "a destination was removed, and the events that waited for it were given up, as somebody asked for"
            );
        }
        Ok(())
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
pub enum Known {
    /// They do.
    Yes,
    /// Nobody has.
    No,
}

impl Known {
    fn tell(self, id: &str, waiting: u64, since: Option<Timestamp>) {
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
