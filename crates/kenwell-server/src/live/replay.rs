//! Going back in the journal: where to, and how many events that is.

use jiff::Timestamp;
use kenwell_journal::{Error, Journal, Limit, Offset};

use super::line::Line;
use crate::{config::Config, envelope::Envelope};

/// The cursor that looks for the place. No destination can have this name.
const CURSOR: &str = "_replay";

/// Where to look, and for whom.
struct Search<'a> {
    destination: &'a str,
    config: &'a Config,
    from: Timestamp,
    /// Where the destination's cursor stands: there is nothing to replay from there on.
    end: Offset,
    /// Where its books stop holding records of others.
    backlog_end: Offset,
}

/// What a search found.
#[derive(Default)]
struct Found {
    /// The first record that was received at or after the time.
    at: Option<Offset>,
    /// The destination's records from there on.
    ours: u64,
    /// Records of others that were in its books and will be taken out once more.
    foreign: u64,
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
    let found = go_back(journal, config, destination, from, Offset(0)).await?;
    Ok(found.ours)
}

/// Likewise for a stopped line, and enters in its books what that means.
pub(super) async fn rewind_line(
    line: &Line,
    config: &Config,
    from: Timestamp,
    journal: &Journal,
) -> Result<u64, Error> {
    let Some(books) = &line.books else {
        return Ok(0);
    };
    let id = &line.settings.id;
    let found = go_back(journal, config, id, from, books.backlog_end).await?;
    books.ledger.accept(found.foreign);
    books.ledger.replay(found.ours);
    Ok(found.ours)
}

async fn go_back(
    journal: &Journal,
    config: &Config,
    destination: &str,
    from: Timestamp,
    backlog_end: Offset,
) -> Result<Found, Error> {
    let mut reader = journal.reader(destination)?;
    let search = Search {
        destination,
        config,
        from,
        end: reader.acked(),
        backlog_end,
    };
    // With a cursor of its own, which keeps what it looks at until the destination's has moved.
    let looking = journal.reader(CURSOR)?;
    let (found, looking) = search.run(journal, looking).await;
    let moved = found.and_then(|found| {
        if let Some(at) = found.at {
            reader.rewind(at)?;
        }
        Ok(found)
    });
    drop(looking);
    let forgotten = journal.forget(CURSOR);
    moved.and_then(|found| forgotten.map(|()| found))
}

impl Search<'_> {
    /// Gives the reader back, so that it holds the records on.
    async fn run(
        &self,
        journal: &Journal,
        mut reader: kenwell_journal::Reader,
    ) -> (Result<Found, Error>, kenwell_journal::Reader) {
        let mut found = Found::default();
        let mut outcome = reader
            .rewind(journal.written_since(self.from.into()))
            .map(|_| ());
        while outcome.is_ok() && reader.reached() < self.end {
            match reader.next(Limit::default()).await {
                Ok(records) => {
                    for (offset, record) in &records {
                        self.look(offset, record, &mut found);
                    }
                }
                Err(error) => outcome = Err(error),
            }
        }
        (outcome.map(|()| found), reader)
    }

    fn look(&self, offset: Offset, record: &[u8], found: &mut Found) {
        let envelope = Envelope::decode(record).ok();
        let from = u64::try_from(self.from.as_millisecond()).unwrap_or(0);
        let received = envelope.map_or(0, |envelope| envelope.received_at_ms);
        if offset >= self.end || (found.at.is_none() && received < from) {
            return;
        }
        found.at.get_or_insert(offset);
        // What is no envelope is everybody's, and ignored by everybody.
        let ours = envelope
            .is_none_or(|envelope| envelope.is_for(self.destination, |source| self.feeds(source)));
        if ours {
            found.ours += 1;
        } else if offset < self.backlog_end {
            found.foreign += 1;
        }
    }

    fn feeds(&self, source: &str) -> bool {
        let mut sources = self.config.sources.iter();
        sources.any(|it| it.id == source && it.destinations.iter().any(|id| id == self.destination))
    }
}
