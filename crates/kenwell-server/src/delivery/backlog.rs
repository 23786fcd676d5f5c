//! What waits in the journal for whom, counted by reading it once.

use kenwell_journal::{Error, Journal, Limit, Offset, Records};

use crate::envelope::Envelope;

/// What waits in the journal for one destination.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Events for it.
    pub events: u64,
    /// When the oldest of these was received, in milliseconds since 1970 UTC.
    pub oldest_ms: Option<u64>,
    /// Records lost to damage. Nobody knows any more whose they were: at most so many were for it.
    pub lost: u64,
}

/// A destination whose backlog is being counted.
#[derive(Debug)]
struct Counted {
    id: String,
    position: Offset,
    backlog: Backlog,
}

/// Counts what is in the journal before `end` for each destination from its position on, and tells it of
/// each as soon as it is known: of those that are nearest to the end first, so that one that is far
/// behind keeps nobody waiting. No record is read twice. `feeds` says whether a source (first) feeds a
/// destination (second), for records that do not say it themselves.
///
/// # Errors
/// Those of [`kenwell_journal::RangeReader::next`].
pub async fn count(
    journal: &Journal,
    positions: impl IntoIterator<Item = (String, Offset)>,
    end: Offset,
    feeds: impl Fn(&str, &str) -> bool,
    mut tell: impl FnMut(&str, Backlog),
) -> Result<(), Error> {
    let counted = positions.into_iter().map(|(id, position)| Counted {
        id,
        position,
        backlog: Backlog::default(),
    });
    let mut open: Vec<Counted> = counted.collect();
    open.sort_by_key(|counted| counted.position);
    let mut end = end;
    while let Some(nearest) = open.last() {
        let position = nearest.position;
        let mut pass = journal.read_range(position..end);
        while let Some(records) = pass.next(Limit::default()).await? {
            add(&mut open, &records, &feeds);
        }
        end = end.min(position);
        if let Some(Counted { id, backlog, .. }) = open.pop() {
            tell(&id, backlog);
        }
    }
    Ok(())
}

fn add(open: &mut [Counted], records: &Records, feeds: impl Fn(&str, &str) -> bool) {
    for (_, record) in records.iter() {
        let envelope = Envelope::decode(record).ok();
        for Counted { id, backlog, .. } in &mut *open {
            // What is no envelope is everybody's, and ignored by everybody.
            let other = |it: Envelope<'_>| !it.is_for(id, |source| feeds(source, id));
            if !envelope.is_some_and(other) {
                let received = envelope.map(|envelope| envelope.received_at_ms);
                backlog.events += 1;
                backlog.oldest_ms = backlog.oldest_ms.into_iter().chain(received).min();
            }
        }
    }
    let lost: u64 = records
        .lost()
        .iter()
        .map(|lost| lost.end.0 - lost.start.0)
        .sum();
    for counted in open {
        counted.backlog.lost += lost;
    }
}
