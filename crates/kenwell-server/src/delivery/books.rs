//! A destination's books, opened once and kept while its delivery stops, changes and goes on.

use kenwell_journal::{Error, Journal, Offset};

use crate::metrics::{Ledger, Metrics};

/// The books of a destination that gets events.
#[derive(Debug, Clone)]
pub struct Books {
    /// What is counted.
    pub ledger: Ledger,
    /// Records before this one were in the journal when the books were opened, and it was not known then
    /// which of them are for this destination. They were entered all the same; who finds out takes back.
    pub backlog_end: Offset,
}

impl Books {
    /// Opens the books of a destination: what waits behind its cursor is accepted. From now on the cursor
    /// holds the journal; a new one begins at the end.
    pub fn open(id: &str, journal: &Journal, metrics: &Metrics) -> Result<Self, Error> {
        // The reader is not needed yet, its cursor is.
        drop(journal.reader(id)?);
        let stats = journal.stats();
        let cursor = stats.cursors.iter().find(|cursor| cursor.name == id);
        let position = cursor.map_or(stats.next_offset, |cursor| cursor.position);
        let ledger = metrics.ledger(id);
        ledger.accept(stats.next_offset.0.saturating_sub(position.0));
        Ok(Self {
            ledger,
            backlog_end: stats.next_offset,
        })
    }

    /// Closes them: what is queued will not get an outcome, or only after they were opened again.
    pub fn close(&self) {
        self.ledger.take_back(self.ledger.queued());
    }
}
