//! Going back in the journal: where to, and how many events that is.

use jiff::Timestamp;
use kenwell_journal::{Error, Journal, Limit, Offset};

use super::line::Line;
use crate::{config::Config, envelope::Envelope};

/// The cursor that looks for the place. No destination can have this name.
const CURSOR: &str = "_replay";

/// What a replay finds behind the destination's cursor.
struct Found {
    /// The first record that was received at or after the time.
    at: Option<Offset>,
    /// The destination's records from there on.
    ours: u64,
    /// Records of others that were in its books and will be taken out once more.
    foreign: u64,
}

/// Moves a stopped destination back, and enters in its books what that means. Tells how many events
/// will be delivered again.
pub(super) async fn rewind(
    line: &Line,
    config: &Config,
    from: Timestamp,
    journal: &Journal,
) -> Result<u64, Error> {
    let Some(books) = &line.books else {
        return Ok(0);
    };
    let mut reader = journal.reader(&line.settings.id)?;
    let end = reader.acked();
    // With a cursor of its own: what it looks at is kept until the destination's has moved.
    let found = look(line, config, from, end, journal).await;
    let moved = found.and_then(|found| {
        if let Some(at) = found.at {
            reader.rewind(at)?;
            books.ledger.accept(found.foreign);
            books.ledger.replay(found.ours);
        }
        Ok(found.ours)
    });
    let forgotten = journal.forget(CURSOR);
    moved.and_then(|ours| forgotten.map(|()| ours))
}

async fn look(
    line: &Line,
    config: &Config,
    from: Timestamp,
    end: Offset,
    journal: &Journal,
) -> Result<Found, Error> {
    let id = &line.settings.id;
    let from_ms = u64::try_from(from.as_millisecond()).unwrap_or(0);
    let backlog_end = line
        .books
        .as_ref()
        .map_or(Offset(0), |books| books.backlog_end);
    let feeds = |source: &str| {
        let mut sources = config.sources.iter();
        sources.any(|it| it.id == source && it.destinations.contains(id))
    };
    let mut found = Found {
        at: None,
        ours: 0,
        foreign: 0,
    };
    let mut reader = journal.reader(CURSOR)?;
    reader.rewind(journal.written_since(from.into()))?;
    while reader.reached() < end {
        for (offset, record) in &reader.next(Limit::default()).await? {
            if offset >= end {
                break;
            }
            let envelope = Envelope::decode(record).ok();
            let received = envelope.map_or(0, |envelope| envelope.received_at_ms);
            if found.at.is_none() && received >= from_ms {
                found.at = Some(offset);
            }
            if found.at.is_none() {
                continue;
            }
            // What is no envelope is everybody's, and ignored by everybody.
            if envelope.is_none_or(|envelope| envelope.is_for(id, feeds)) {
                found.ours += 1;
            } else if offset < backlog_end {
                found.foreign += 1;
            }
        }
    }
    Ok(found)
}
