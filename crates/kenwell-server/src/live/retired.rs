//! Destinations that are not configured any more and have events waiting. They are kept, and hold the
//! journal, until they come back or somebody gives up what waits.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use kenwell_journal::Error;

use super::line::Ground;
use crate::{delivery::Books, metrics::Ledger};

/// A destination that is not configured and has events waiting.
#[derive(Clone)]
pub struct RetiredDestination {
    /// Its id.
    pub id: String,
    /// Its books.
    pub ledger: Ledger,
    /// When the oldest of its events was received, as far as that is known.
    pub since: Option<Timestamp>,
}

/// All of them, by id. Only who may change what runs adds to them or takes away.
#[derive(Default)]
pub(super) struct Retired {
    all: Mutex<BTreeMap<String, Entry>>,
}

struct Entry {
    books: Books,
    /// Whether the log has been told.
    told: bool,
}

impl Retired {
    /// A destination is not configured any more. Its books stay open and its cursor where it is.
    pub(super) fn add(&self, id: &str, books: Books) {
        self.lock()
            .insert(id.to_owned(), Entry { books, told: false });
    }

    /// It is configured again: its books, which go on.
    pub(super) fn take_back(&self, id: &str) -> Option<Books> {
        self.lock().remove(id).map(|entry| entry.books)
    }

    /// Those with events waiting.
    pub(super) fn list(&self) -> Vec<RetiredDestination> {
        let all = self.lock();
        let waiting = all.iter().filter(|(_, entry)| entry.waiting() > 0);
        waiting
            .map(|(id, entry)| RetiredDestination {
                id: id.clone(),
                ledger: entry.books.ledger.clone(),
                since: None,
            })
            .collect()
    }

    /// How many events wait for this one; `None` when there is no such destination.
    pub(super) fn waiting(&self, id: &str) -> Option<u64> {
        self.lock().get(id).map(Entry::waiting)
    }

    /// Lets those go for which nothing waits, and tells of the others once.
    pub(super) fn settle(&self, known: Known, ground: &Ground<'_>) -> Result<(), Error> {
        let mut outcome = Ok(());
        let mut empty = Vec::new();
        for (id, entry) in self.lock().iter_mut() {
            let waiting = entry.waiting();
            if waiting == 0 {
                empty.push(id.clone());
            } else if !std::mem::replace(&mut entry.told, true) {
                known.tell(id, waiting);
            }
        }
        for id in empty {
            outcome = outcome.and(self.end(&id, ground));
        }
        outcome
    }

    /// Ends one for good: no books, no cursor, and what waits for it is given up.
    pub(super) fn end(&self, id: &str, ground: &Ground<'_>) -> Result<(), Error> {
        ground.journal.forget(id)?;
        let waiting = self.lock().remove(id).map_or(0, |entry| entry.waiting());
        ground.metrics.forget_destination(id);
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
        self.books.ledger.queued()
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
    fn tell(self, id: &str, waiting: u64) {
        match self {
            Self::Yes => tracing::warn!(
                destination.id = id,
                waiting,
                "events wait for a destination that is not configured; they are kept"
            ),
            Self::No => tracing::error!(
                destination.id = id,
                waiting,
                "events wait for a destination that is not configured; they are kept and hold the journal: put it back, \
                 give them up with `kenwell destinations forget {id}`, or say that you know with `accept_retired = true`"
            ),
        }
    }
}
