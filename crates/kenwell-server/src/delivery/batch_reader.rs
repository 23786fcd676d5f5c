//! Reading from the journal what the next batch is built from.

use std::sync::Arc;

use kenwell_journal::{Error, ErrorChain, Journal, Limit, Offset, Reader, Records};
use tokio::time::sleep;

use super::backoff::Backoff;

/// Bytes of records that are read at once, whatever their count.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// Records that must be waiting before the next batch is built while one is written. A batch is closed when it is built:
/// of a few records, those behind them would wait for one batch more, while building those few takes no time.
const READ_AHEAD_RECORDS: u64 = 128;

/// Reads one destination's records, from its cursor on.
pub(super) struct BatchReader {
    reader: Reader,
    limit: Limit,
    destination: String,
    /// Records that were read and were too much for the last batch.
    remaining: Option<RemainingRecords>,
}

/// Records that were read from the journal, of which the first ones may be in a batch already.
pub(super) struct RemainingRecords {
    pub(super) records: Arc<Records>,
    /// How many of them are in a batch.
    pub(super) taken: usize,
}

impl BatchReader {
    /// Reads at most `records` at once, from where the destination's cursor stands.
    ///
    /// # Errors
    /// Those of [`Journal::reader`].
    pub(super) fn new(journal: &Journal, destination: &str, records: usize) -> Result<Self, Error> {
        Ok(Self {
            reader: journal.reader(destination)?,
            limit: Limit {
                records,
                bytes: BATCH_BYTES,
            },
            destination: destination.to_owned(),
            remaining: None,
        })
    }

    /// Where the destination's cursor stands.
    pub(super) fn position(&self) -> Offset {
        self.reader.acked()
    }

    /// The next records. A journal that cannot be read is tried again: its records are still there.
    /// Dropped before it is done, nothing is lost.
    pub(super) async fn next(&mut self) -> RemainingRecords {
        if let Some(remaining) = self.remaining.take() {
            return remaining;
        }
        let mut backoff = Backoff::default();
        loop {
            match self.reader.next(self.limit).await {
                Ok(records) => {
                    return RemainingRecords {
                        records: Arc::new(records),
                        taken: 0,
                    };
                }
                Err(Error::Closed) => std::future::pending().await,
                Err(error) => {
                    let attempts = backoff.attempts();
                    tracing::error!(destination.id = self.destination, error = %ErrorChain(&error), attempts, "the journal could not be read; trying again");
                    sleep(backoff.next()).await;
                }
            }
        }
    }

    /// Resolves when so many records are there that it is worth to build a batch of them while another one is written.
    /// Dropped before it is done, nothing is lost.
    pub(super) async fn worth_reading_ahead(&mut self) {
        if self.remaining.is_none() {
            self.reader.wait_for(READ_AHEAD_RECORDS).await;
        }
    }

    /// What a batch had no room for comes next.
    pub(super) fn put_back(&mut self, remaining: Option<RemainingRecords>) {
        self.remaining = remaining;
    }

    /// Moves the cursor to `end`: everything before it has its outcome.
    ///
    /// # Errors
    /// Those of [`Reader::ack`].
    pub(super) async fn acknowledge(&mut self, end: Offset) -> Result<(), Error> {
        self.reader.ack(end).await
    }
}
