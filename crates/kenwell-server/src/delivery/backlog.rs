//! How much waits in the journal for each destination, counted by reading it once.

use kenwell_journal::{Error, Journal, Limit, Offset, Records};

use crate::envelope::Envelope;

/// What waits in the journal for one destination.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Events for it.
    pub events: u64,
    /// When the oldest of these was received, in milliseconds since 1970 UTC.
    pub oldest_ms: Option<u64>,
    /// Records lost to damage. It is unknown for which destination they were: at most so many were for this one.
    pub lost: u64,
}

/// The backlog of a destination while it is being counted.
#[derive(Debug)]
struct BacklogCount {
    id: String,
    position: Offset,
    backlog: Backlog,
}

/// Counts what is in the journal before `end` for each destination from its position on. `tell` is called for
/// each as soon as its backlog is known: for those nearest to the end first, so that a destination that is far
/// behind keeps no other waiting. No record is read twice. `feeds` says whether a source (first) feeds a
/// destination (second), for records that do not say it themselves.
///
/// # Errors
/// Those of [`kenwell_journal::RangeReader::next`].
pub async fn count_backlogs(
    journal: &Journal,
    positions: impl IntoIterator<Item = (String, Offset)>,
    end: Offset,
    feeds: impl Fn(&str, &str) -> bool,
    mut tell: impl FnMut(&str, Backlog),
) -> Result<(), Error> {
    let counted = positions.into_iter().map(|(id, position)| BacklogCount {
        id,
        position,
        backlog: Backlog::default(),
    });
    let mut open: Vec<BacklogCount> = counted.collect();
    open.sort_by_key(|counted| counted.position);
    let mut end = end;
    while let Some(nearest) = open.last() {
        let position = nearest.position;
        let mut pass = journal.read_range(position..end);
        while let Some(records) = pass.next(Limit::default()).await? {
            add(&mut open, &records, &feeds);
        }
        end = end.min(position);
        if let Some(BacklogCount { id, backlog, .. }) = open.pop() {
            tell(&id, backlog);
        }
    }
    Ok(())
}

fn add(open: &mut [BacklogCount], records: &Records, feeds: impl Fn(&str, &str) -> bool) {
    for (_, record) in records.iter() {
        let envelope = Envelope::decode(record).ok();
        for BacklogCount { id, backlog, .. } in &mut *open {
            // A record that is no envelope counts for every destination, each of which will ignore it.
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
