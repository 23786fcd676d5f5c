//! When the oldest event was received that waits for a destination to which nothing is delivered.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use kenwell_journal::{Error, ErrorChain, Journal, Limit, Offset};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::envelope::Envelope;

/// The time of receipt of a destination's oldest event, once it is found.
#[derive(Debug, Clone, Default)]
pub(super) struct OldestWaiting {
    found: Arc<OnceLock<Option<Timestamp>>>,
}

impl OldestWaiting {
    /// Looks for it from the destination's cursor on, which nobody moves meanwhile.
    pub(super) fn find(
        destination: &str,
        journal: &Journal,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        let this = Self::default();
        let (found, journal) = (Arc::clone(&this.found), journal.clone());
        let (destination, stop) = (destination.to_owned(), stop.clone());
        tasks.spawn(async move {
            let looked = tokio::select! {
                () = stop.cancelled() => return,
                looked = find(&destination, &journal) => looked,
            };
            let oldest = looked.unwrap_or_else(|error| {
                tracing::warn!(destination.id = destination, error = %ErrorChain(&error), "the journal could not be read to find since when events wait");
                None
            });
            // Nobody else sets it.
            found.get_or_init(|| oldest);
        });
        this
    }

    /// Whether it was looked for to the end.
    pub(super) fn is_known(&self) -> bool {
        self.found.get().is_some()
    }

    /// The time, if it is found.
    pub(super) fn time(&self) -> Option<Timestamp> {
        self.found.get().copied().flatten()
    }
}

async fn find(destination: &str, journal: &Journal) -> Result<Option<Timestamp>, Error> {
    let stats = journal.stats();
    let cursor = stats.cursors.iter().find(|it| it.name == destination);
    let start = cursor.map_or(stats.next_offset, |cursor| cursor.position);
    let mut pass = journal.read_range(start..Offset(stats.next_offset.0));
    while let Some(records) = pass.next(Limit::default()).await? {
        for (_, record) in records.iter() {
            let envelope = Envelope::decode(record).ok();
            let ours = envelope.filter(|envelope| envelope.is_for(destination, |_| false));
            if let Some(envelope) = ours {
                let milliseconds = i64::try_from(envelope.received_at_ms).unwrap_or(i64::MAX);
                return Ok(Timestamp::from_millisecond(milliseconds).ok());
            }
        }
    }
    Ok(None)
}
