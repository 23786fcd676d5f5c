//! Events lost to damage of the journal: how many of them were for one destination.
//!
//! A damaged record does not say whose it was, but the counters know how many events were accepted: those that
//! are queued in them and are not in the journal behind the batch under way were lost.

use kenwell_journal::{Error, ErrorChain, Journal, Offset};
use tokio::time::sleep;

use super::{backlog, backoff::Backoff, destination_queue::count_lost};
use crate::metrics::DestinationCounters;

/// Finds out what damage took.
pub(super) struct DamageCounter {
    journal: Journal,
    /// Whether records were missing that are not counted yet.
    found: bool,
    /// What is missing before this is counted already, unless it was damaged later.
    counted: Offset,
}

impl DamageCounter {
    /// What is missing before `counted` is counted already.
    pub(super) fn new(journal: &Journal, counted: Offset) -> Self {
        Self {
            journal: journal.clone(),
            found: false,
            counted,
        }
    }

    /// Notes that records were missing.
    pub(super) fn note(&mut self) {
        self.found = true;
    }

    /// Counts as lost what is queued and not in the journal, if records were missing. Everything that can be
    /// read before `position` has its outcome, and nothing gets one meanwhile. One look goes to the end of the
    /// journal, so the next one is due only there. A journal that cannot be read is tried again. Dropped before
    /// it is done, nothing is counted, and it is to be called again.
    pub(super) async fn count(
        &mut self,
        counters: &DestinationCounters,
        destination: &str,
        position: Offset,
        feeds: impl Fn(&str) -> bool,
    ) {
        let mut backoff = Backoff::default();
        while self.found && position >= self.counted {
            let (queued, end) = counters.queued_and_end();
            match self
                .events_between(position, end, destination, &feeds)
                .await
            {
                Ok(there) => {
                    self.found = false;
                    self.counted = end.max(position);
                    count_lost(counters, destination, queued.saturating_sub(there));
                }
                Err(error) => {
                    let attempts = backoff.attempts();
                    tracing::error!(destination.id = destination, error = %ErrorChain(&error), attempts, "the journal could not be read to count what damage cost; trying again");
                    sleep(backoff.next()).await;
                }
            }
        }
    }

    /// How many events for the destination the journal has there.
    async fn events_between(
        &self,
        start: Offset,
        end: Offset,
        destination: &str,
        feeds: impl Fn(&str) -> bool,
    ) -> Result<u64, Error> {
        let mut events = 0;
        let from = [(destination.to_owned(), start)];
        let feeds = |source: &str, _: &str| feeds(source);
        backlog::count_backlogs(&self.journal, from, end, feeds, |_, backlog| {
            events = backlog.events;
        })
        .await?;
        Ok(events)
    }
}
