//! Why the journal takes no events, in words that name the destination it waits for and what to do.

use kenwell_journal::Stats;

use super::destination_status::DestinationStatus;
use crate::runtime::events_wait;

/// Why the journal takes no events; `None` while it does.
pub(super) fn reason(stats: &Stats, statuses: &[DestinationStatus]) -> Option<String> {
    if stats.no_space {
        return Some("the disk of the journal is full: make room".to_owned());
    }
    if !stats.full {
        return None;
    }
    let behind = stats.cursors.iter().filter(|cursor| cursor.pending > 0);
    let last = behind.min_by_key(|cursor| cursor.position);
    let holder = last.and_then(|cursor| statuses.iter().find(|status| status.id == cursor.name));
    let why = holder.map_or_else(
        || "raise journal.max_bytes".to_owned(),
        |status| {
            let events = events_wait(status.queued);
            format!(
                "{events} for \"{}\", {}",
                status.id,
                status.why_events_wait()
            )
        },
    );
    Some(format!("the journal is full: {why}"))
}
