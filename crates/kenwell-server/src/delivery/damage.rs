//! Events lost to damage of the journal: how many of them were for one destination.
//!
//! A damaged record does not say whose it was, but the counters know how many events were accepted: what is
//! queued in them and not in the journal behind the batch under way is what was lost.

use kenwell_journal::{Error, Journal, Offset};

use super::{backlog, queue::lose};
use crate::metrics::DestinationCounters;

/// Finds out what damage took.
pub(super) struct Damage {
    journal: Journal,
    /// Whether records were missing that nobody has accounted for yet.
    found: bool,
    /// What is missing before this is accounted for already, unless it was damaged later.
    accounted: Offset,
}

impl Damage {
    /// What is missing before `accounted` is counted.
    pub(super) fn new(journal: &Journal, accounted: Offset) -> Self {
        Self {
            journal: journal.clone(),
            found: false,
            accounted,
        }
    }

    /// Notes that records were missing.
    pub(super) fn note(&mut self) {
        self.found = true;
    }

    /// Enters as lost what is queued and not in the journal. Everything that can be read before `position`
    /// has its outcome, and nothing gets one meanwhile. One look goes to the end of the journal, so the
    /// next one is due only where that was.
    ///
    /// # Errors
    /// Those of [`backlog::count_backlogs`]; then nothing is entered, and it is to be called again.
    pub(super) async fn account(
        &mut self,
        counters: &DestinationCounters,
        destination: &str,
        position: Offset,
        feeds: impl Fn(&str) -> bool,
    ) -> Result<(), Error> {
        if !self.found || position < self.accounted {
            return Ok(());
        }
        let (queued, end) = counters.queued_and_end();
        let mut there = 0;
        let from = [(destination.to_owned(), position)];
        let feeds = |source: &str, _: &str| feeds(source);
        backlog::count_backlogs(&self.journal, from, end, feeds, |_, backlog| {
            there = backlog.events;
        })
        .await?;
        self.found = false;
        self.accounted = end.max(position);
        lose(counters, destination, queued.saturating_sub(there));
        Ok(())
    }
}
