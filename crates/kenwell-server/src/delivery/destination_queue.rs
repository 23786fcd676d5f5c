//! A destination's queue, opened once and kept while its delivery stops, changes and goes on.

use std::sync::Arc;

use kenwell_journal::{Error, ErrorChain, Journal, Offset};
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

/// The queue of a destination that gets events: its place in the journal, and how much waits there.
#[derive(Debug, Clone)]
pub struct DestinationQueue {
    /// The destination's counters.
    pub counters: DestinationCounters,
    id: String,
    /// The records that waited when the queue was opened begin here …
    start: Offset,
    /// … and end here.
    pub(super) end: Offset,
    /// How many of those are in the counters already, when the queue was open before in this process.
    counted_before: Option<u64>,
    /// What waited when the queue was opened, once that is counted.
    backlog: Arc<watch::Sender<Option<Backlog>>>,
}

impl DestinationQueue {
    /// Opens the queue of a destination. From now on its cursor holds the journal; a new cursor begins at the
    /// journal's end. What waits behind it is counted by [`initialize_queues`], before which nothing is
    /// delivered.
    ///
    /// # Errors
    /// Those of [`Journal::reader`].
    pub fn open(id: &str, journal: &Journal, metrics: &Metrics) -> Result<Self, Error> {
        let reader = journal.reader(id)?;
        let (start, end) = (reader.acked(), journal.stats().next_offset);
        // Only the cursor is needed yet, and it stays.
        drop(reader);
        let counters = metrics.destination(id);
        let (queued, counted_to) = counters.queued_and_end();
        let queue = Self {
            id: id.to_owned(),
            start,
            end,
            counted_before: (counted_to > Offset::default()).then_some(queued),
            counters,
            backlog: Arc::new(watch::Sender::new(None)),
        };
        if start >= end {
            queue.set_backlog(Backlog::default());
        }
        Ok(queue)
    }

    /// What waited when the queue was opened; `None` as long as that is being counted.
    pub fn backlog(&self) -> Option<Backlog> {
        *self.backlog.borrow()
    }

    /// Resolves once it is counted what waited when the queue was opened.
    pub async fn backlog_counted(&self) {
        let mut backlog = self.backlog.subscribe();
        // The sender lives as long as this queue.
        drop(backlog.wait_for(Option::is_some).await);
    }

    /// Adds to the counters what waited when the queue was opened.
    fn set_backlog(&self, backlog: Backlog) {
        let Backlog { events, lost, .. } = backlog;
        if let Some(before) = self.counted_before {
            self.counters
                .accept(events.saturating_sub(before), self.end);
            count_lost(&self.counters, &self.id, before.saturating_sub(events));
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

/// Counts what waits in these queues, by reading the journal once, and adds it to their counters. A journal
/// that cannot be read is tried again, until `stop`.
pub async fn initialize_queues(
    queues: Vec<DestinationQueue>,
    journal: Journal,
    config: Arc<Config>,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::default();
    loop {
        let open = queues.iter().filter(|queue| queue.backlog().is_none());
        let positions: Vec<_> = open
            .clone()
            .map(|queue| (queue.id.clone(), queue.start))
            .collect();
        let Some(end) = open.map(|queue| queue.end).max() else {
            return;
        };
        let set_backlog = |id: &str, backlog| {
            if let Some(queue) = queues.iter().find(|queue| queue.id == id) {
                queue.set_backlog(backlog);
            }
        };
        let feeds = |source: &str, id: &str| config.feeds(source, id);
        let counting = backlog::count_backlogs(&journal, positions, end, feeds, set_backlog);
        tokio::select! {
            () = stop.cancelled() => return,
            counted = counting => if let Err(error) = counted {
                let attempts = backoff.attempts();
                tracing::error!(error = %ErrorChain(&error), attempts, "the journal could not be read to count what waits; trying again");
            } else {
                return;
            },
        }
        sleep(backoff.next()).await;
    }
}

/// Counts events that were accepted and that damage took, and says so.
pub(super) fn count_lost(counters: &DestinationCounters, destination: &str, events: u64) {
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
