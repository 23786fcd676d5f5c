//! Going back in the journal: where to, and how many events that is.

use jiff::Timestamp;
use kenwell_journal::{Error, Journal, Limit, Offset, RangeReader};

use super::destination::DestinationRuntime;
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
    found: Found,
}

/// What a search found.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    /// The first record that was received at or after the time.
    at: Option<Offset>,
    /// When that was, in milliseconds since 1970 UTC.
    received_ms: u64,
    /// The destination's records from there on.
    events: u64,
}

/// What is delivered again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Replayed {
    /// Events.
    pub(super) events: u64,
    /// When the first record of the range was received.
    pub(super) received: Option<Timestamp>,
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

/// Likewise for a stopped line, and counts what that means.
pub(super) async fn rewind_line(
    line: &DestinationRuntime,
    config: &Config,
    search: Search,
    journal: &Journal,
) -> Result<Replayed, Error> {
    let Some(queue) = &line.queue else {
        return Ok(Replayed {
            events: 0,
            received: None,
        });
    };
    let replayed = search.rewind(journal, config).await?;
    queue.counters.replay(replayed.events);
    Ok(replayed)
}

impl Search {
    pub(super) fn new(journal: &Journal, destination: &str, from: Timestamp) -> Self {
        // Nothing is deleted between finding the place and holding it.
        let everything = journal.read_range(Offset(0)..Offset(0));
        let start = journal.written_since(from.into());
        let held = journal.read_range(start..start);
        drop(everything);
        Self {
            destination: destination.to_owned(),
            from_ms: u64::try_from(from.as_millisecond()).unwrap_or(0),
            start,
            _held: held,
            reached: start,
            found: Found::default(),
        }
    }

    /// A search for a destination's records from this one on, or from the oldest one that is still there.
    pub(super) fn at(journal: &Journal, destination: &str, from: Offset) -> Self {
        let everything = journal.read_range(Offset(0)..Offset(0));
        let start = journal.stats().first_offset.max(from);
        let held = journal.read_range(start..start);
        drop(everything);
        Self {
            destination: destination.to_owned(),
            from_ms: 0,
            start,
            _held: held,
            reached: start,
            found: Found::default(),
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
            (self.reached, self.found) = (self.start, Found::default());
        }
        self.look(journal, config, end).await?;
        if let Some(at) = self.found.at {
            reader.rewind(at)?;
        }
        let received = i64::try_from(self.found.received_ms).ok();
        let received = received.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        Ok(Replayed {
            events: self.found.events,
            received: received.filter(|_| self.found.at.is_some()),
        })
    }

    fn note(&mut self, offset: Offset, record: &[u8], config: &Config) {
        let envelope = Envelope::decode(record).ok();
        let received = envelope.map_or(0, |envelope| envelope.received_at_ms);
        if self.found.at.is_none() && received < self.from_ms {
            return;
        }
        if self.found.at.is_none() {
            (self.found.at, self.found.received_ms) = (Some(offset), received);
        }
        let id = &self.destination;
        // What is no envelope is everybody's, and ignored by everybody.
        let ours =
            envelope.is_none_or(|envelope| envelope.is_for(id, |source| config.feeds(source, id)));
        self.found.events += u64::from(ours);
    }
}
