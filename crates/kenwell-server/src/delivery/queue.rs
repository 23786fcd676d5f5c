//! A destination's queue, opened once and kept while its delivery stops, changes and goes on.

use std::sync::Arc;

use kenwell_journal::{Error, Journal, Offset};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    backlog::{self, Backlog},
    backoff::Backoff,
};
use crate::{
    config::Config,
    metrics::{DestinationCounters, Metrics},
};

/// The queue of a destination that gets events.
#[derive(Debug, Clone)]
pub struct DestinationQueue {
    /// What is counted.
    pub counters: DestinationCounters,
    id: String,
    /// What waited when they were opened stands in the journal from here …
    position: Offset,
    /// … to here.
    pub(super) end: Offset,
    /// How much of that is in the counters already, when they were open before.
    known: Option<u64>,
    backlog: Arc<watch::Sender<Option<Backlog>>>,
}

impl DestinationQueue {
    /// Opens the queue of a destination. From now on its cursor holds the journal; a new one begins at the
    /// end. What waits behind the cursor is entered by [`initialize_queues`], before which nothing is delivered.
    ///
    /// # Errors
    /// Those of [`Journal::reader`].
    pub fn open(id: &str, journal: &Journal, metrics: &Metrics) -> Result<Self, Error> {
        let reader = journal.reader(id)?;
        let (position, end) = (reader.acked(), journal.stats().next_offset);
        // The reader is not needed yet, its cursor is.
        drop(reader);
        let counters = metrics.destination(id);
        let (queued, behind) = counters.queued_and_end();
        let queue = Self {
            id: id.to_owned(),
            position,
            end,
            known: (behind > Offset::default()).then_some(queued),
            counters,
            backlog: Arc::new(watch::Sender::new(None)),
        };
        if position >= end {
            queue.enter(Backlog::default());
        }
        Ok(queue)
    }

    /// What waited for it when they were opened; `None` as long as that is being counted.
    pub fn backlog(&self) -> Option<Backlog> {
        *self.backlog.borrow()
    }

    /// Returns once what waited is entered.
    pub async fn entered(&self) {
        let mut backlog = self.backlog.subscribe();
        // The sender lives as long as this queue.
        drop(backlog.wait_for(Option::is_some).await);
    }

    /// Enters what waited when they were opened.
    fn enter(&self, backlog: Backlog) {
        let Backlog { events, lost, .. } = backlog;
        if let Some(known) = self.known {
            self.counters.accept(events.saturating_sub(known), self.end);
            lose(&self.counters, &self.id, known.saturating_sub(events));
        } else {
            self.counters.accept(events, self.end);
            self.counters.accept_lost(lost);
            if lost > 0 {
                tracing::error!(
                    destination.id = self.id,
                    at_most = lost,
                    "events for the destination may have been in a part of the journal that is damaged or deleted; at most so many, which are counted as lost"
                );
            }
        }
        self.backlog.send_replace(Some(backlog));
    }
}

/// Counts what waits for these destinations, by reading the journal once, and enters it into their queues.
/// A journal that cannot be read is tried again, until `stop`.
pub async fn initialize_queues(
    queue: Vec<DestinationQueue>,
    journal: Journal,
    config: Arc<Config>,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::default();
    loop {
        let open = queue.iter().filter(|queue| queue.backlog().is_none());
        let positions: Vec<_> = open
            .clone()
            .map(|queue| (queue.id.clone(), queue.position))
            .collect();
        let Some(end) = open.map(|queue| queue.end).max() else {
            return;
        };
        let enter = |id: &str, backlog| {
            if let Some(queue) = queue.iter().find(|queue| queue.id == id) {
                queue.enter(backlog);
            }
        };
        let counting = backlog::count_backlogs(
            &journal,
            positions,
            end,
            |source, id| config.feeds(source, id),
            enter,
        );
        tokio::select! {
            () = stop.cancelled() => return,
            counted = counting => if let Err(error) = counted {
                let attempts = backoff.attempts();
                tracing::error!(%error, attempts, "the journal could not be read to count what waits; trying again");
            } else {
                return;
            },
        }
        sleep(backoff.next()).await;
    }
}

/// Enters events that were accepted and that damage took, and says so.
pub(super) fn lose(counters: &DestinationCounters, destination: &str, events: u64) {
    if events == 0 {
        return;
    }
    counters.lost(events);
    tracing::error!(
        destination.id = destination,
        events,
        "events for the destination were in a part of the journal that is damaged or deleted; they are counted as lost"
    );
}
