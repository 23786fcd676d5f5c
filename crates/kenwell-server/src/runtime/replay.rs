//! Going back in the journal: where to, and how many events that is.

use jiff::Timestamp;
use kenwell_journal::{Error, Journal, Limit, Offset, RangeReader};

use super::{
    Runtime,
    destination::{DestinationRuntime, DestinationRuntimes},
    error::ReplayError,
};
use crate::{config::Config, envelope::Envelope};

/// A search for the first record of a time, and for a destination's records from there on.
///
/// It looks at the journal while the destination's delivery goes on; only what was delivered meanwhile is
/// looked at once more when it stands still. What it has passed stays in the journal until it is dropped.
pub(super) struct Search {
    destination: String,
    /// Milliseconds since 1970 UTC.
    from_ms: u64,
    /// Where looking began.
    start: Offset,
    /// Keeps everything from there on.
    _held: RangeReader,
    /// The first offset that was not looked at.
    reached: Offset,
    found: Replayed,
}

/// What is delivered again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Replayed {
    /// The first record that was received at or after the time.
    first: Option<Offset>,
    /// When that was, in milliseconds since 1970 UTC.
    received_ms: u64,
    /// The destination's records from there on.
    pub(super) events: u64,
}

impl Replayed {
    /// When the first record was received.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.first?;
        let received = i64::try_from(self.received_ms).ok()?;
        Timestamp::from_millisecond(received).ok()
    }
}

/// Moves a destination's cursor back to the first record received at or after `from`, while nobody
/// delivers to it. Tells how many of its events come again.
///
/// # Errors
/// Those of the journal; the cursor is where it was then.
pub async fn rewind(
    journal: &Journal,
    config: &Config,
    destination: &str,
    from: Timestamp,
) -> Result<u64, Error> {
    let search = Search::new(journal, destination, from);
    Ok(search.rewind(journal, config).await?.events)
}

/// Moves a stopped destination back, and counts what is delivered again.
pub(super) async fn rewind_destination(
    destination: &DestinationRuntime,
    config: &Config,
    search: Search,
    journal: &Journal,
) -> Result<Replayed, Error> {
    let Some(queue) = &destination.queue else {
        return Ok(Replayed::default());
    };
    let replayed = search.rewind(journal, config).await?;
    queue.counters.replay(replayed.events);
    Ok(replayed)
}

impl Runtime {
    /// Delivers to `destination` again what was received for it at or after `from` and is still in the
    /// journal. Tells how many events that is: each is counted as accepted and as replayed once more.
    ///
    /// To be awaited to its end, on a task of its own where the caller may go away: dropped earlier, it leaves the
    /// destination stopped.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub async fn replay(&self, destination: &str, from: Timestamp) -> Result<u64, ReplayError> {
        let (id, dependencies) = (destination, &self.inner.dependencies);
        let journal = &dependencies.journal;
        // Searched while the delivery goes on, and without holding up anybody else's change.
        to_replay(&mut *self.inner.destinations.lock().await, id)?;
        let mut search = Search::new(journal, id, from);
        if let Some(position) = dependencies.position(id) {
            search.look(journal, &self.config(), position).await?;
        }
        let mut destinations = self.inner.destinations.lock().await;
        let destination = to_replay(&mut destinations, id)?;
        let config = self.config();
        destination.stop_delivery().await;
        let replayed = rewind_destination(destination, &config, search, journal).await;
        if replayed.is_ok() {
            destination.decline_offer();
        }
        destination.start_delivery(&config, dependencies)?;
        let records = replayed?.events;
        tracing::info!(destination.id = id, %from, records, "replaying: these events are delivered again");
        Ok(records)
    }
}

/// The destination of this id, if there can be a replay to it.
fn to_replay<'a>(
    destinations: &'a mut DestinationRuntimes,
    id: &str,
) -> Result<&'a mut DestinationRuntime, ReplayError> {
    match destinations.get_mut(id) {
        None => Err(ReplayError::NotFound(id.to_owned())),
        Some(it) if !it.settings.enabled => Err(ReplayError::Disabled(id.to_owned())),
        Some(destination) => Ok(destination),
    }
}

impl Search {
    /// A search for a destination's records that were received at or after a time.
    pub(super) fn new(journal: &Journal, destination: &str, from: Timestamp) -> Self {
        let from_ms = u64::try_from(from.as_millisecond()).unwrap_or(0);
        Self::begin(journal, destination, from_ms, || {
            journal.written_since(from.into())
        })
    }

    /// A search for a destination's records from this one on, or from the oldest one that is still there.
    pub(super) fn at(journal: &Journal, destination: &str, from: Offset) -> Self {
        Self::begin(journal, destination, 0, || {
            journal.stats().first_offset.max(from)
        })
    }

    fn begin(
        journal: &Journal,
        destination: &str,
        from_ms: u64,
        find_start: impl FnOnce() -> Offset,
    ) -> Self {
        // Nothing is deleted between finding the start and holding it.
        let everything = journal.read_range(Offset(0)..Offset(0));
        let start = find_start();
        let held = journal.read_range(start..start);
        drop(everything);
        Self {
            destination: destination.to_owned(),
            from_ms,
            start,
            _held: held,
            reached: start,
            found: Replayed::default(),
        }
    }

    /// Where looking began.
    pub(super) fn start(&self) -> Offset {
        self.start
    }

    /// Looks on up to `end`, or as far as the journal can be read.
    pub(super) async fn look(
        &mut self,
        journal: &Journal,
        config: &Config,
        end: Offset,
    ) -> Result<(), Error> {
        let mut pass = journal.read_range(self.reached..end);
        while let Some(records) = pass.next(Limit::default()).await? {
            for (offset, record) in records.iter() {
                self.note(offset, record, config);
            }
        }
        self.reached = self.reached.max(end);
        Ok(())
    }

    async fn rewind(mut self, journal: &Journal, config: &Config) -> Result<Replayed, Error> {
        let mut reader = journal.reader(&self.destination)?;
        // There is nothing to replay from the cursor on.
        let end = reader.acked();
        if end < self.reached {
            // Somebody else moved it back meanwhile: what lies behind it comes again without us.
            (self.reached, self.found) = (self.start, Replayed::default());
        }
        self.look(journal, config, end).await?;
        if let Some(first) = self.found.first {
            reader.rewind(first)?;
        }
        Ok(self.found)
    }

    fn note(&mut self, offset: Offset, record: &[u8], config: &Config) {
        let envelope = Envelope::decode(record).ok();
        let received = envelope.map_or(0, |envelope| envelope.received_at_ms);
        if self.found.first.is_none() {
            if received < self.from_ms {
                return;
            }
            (self.found.first, self.found.received_ms) = (Some(offset), received);
        }
        let id = &self.destination;
        // What is no envelope is everybody's, and ignored by everybody.
        let ours =
            envelope.is_none_or(|envelope| envelope.is_for(id, |source| config.feeds(source, id)));
        self.found.events += u64::from(ours);
    }
}
