//! Whether counters and journal agree: no event has two outcomes, and none is queued that the journal does not have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use crate::{metrics::EventCounts, mutex::lock};

/// One destination's counters at the end of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceEntry {
    /// The destination's id.
    pub destination: String,
    /// Its events and their outcomes.
    pub counts: EventCounts,
    /// Records behind its cursor in the journal; `None` when it has none.
    pub pending: Option<u64>,
}

/// Compares counters with the journal, step by step.
#[derive(Debug, Default)]
pub struct BalanceCheck {
    state: Mutex<BalanceState>,
}

#[derive(Debug, Default)]
struct BalanceState {
    /// Counts at the end of the last step.
    before: BTreeMap<String, EventCounts>,
    /// Destinations whose counters were wrong then.
    broken: BTreeSet<String>,
}

impl BalanceCheck {
    /// Looks at all counters. A destination is broken when something is queued in them, nothing is pending in
    /// the journal, and nothing has moved for a whole step: an event was lost, or counted twice.
    pub fn check(&self, entries: impl IntoIterator<Item = BalanceEntry>) {
        let mut state = lock(&self.state);
        let mut now = BalanceState::default();
        for entry in entries {
            let id = entry.destination;
            let unchanged = state.before.get(&id) == Some(&entry.counts);
            let missing = entry.pending == Some(0) && entry.counts.queued() > 0;
            if unchanged && missing {
                if !state.broken.contains(&id) {
                    let queued = entry.counts.queued();
                    tracing::error!(
                        destination.id = id,
                        queued,
                        "the counters do not balance: events are queued that the journal does not have"
                    );
                }
                now.broken.insert(id.clone());
            }
            now.before.insert(id, entry.counts);
        }
        *state = now;
    }

    /// Whether the destination's counters were wrong at the end of the last step.
    pub fn is_broken(&self, destination: &str) -> bool {
        let state = lock(&self.state);
        state.broken.contains(destination)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(accepted: u64, written: u64, pending: u64) -> BalanceEntry {
        let counts = EventCounts {
            accepted,
            written,
            ..EventCounts::default()
        };
        BalanceEntry {
            destination: "profiles".to_owned(),
            counts,
            pending: Some(pending),
        }
    }

    fn broken(steps: &[BalanceEntry]) -> bool {
        let check = BalanceCheck::default();
        for step in steps {
            check.check([step.clone()]);
        }
        check.is_broken("profiles")
    }

    #[test]
    fn what_is_queued_must_be_somewhere() {
        assert!(broken(&[entry(5, 4, 0), entry(5, 4, 0)]));
        // On its way into the journal, waiting there, or settled meanwhile.
        assert!(!broken(&[entry(5, 4, 0)]));
        assert!(!broken(&[entry(5, 4, 0), entry(6, 5, 0)]));
        assert!(!broken(&[entry(5, 4, 1), entry(5, 4, 1)]));
        assert!(!broken(&[entry(5, 5, 0), entry(5, 5, 0)]));
        assert!(!broken(&[entry(5, 4, 0), entry(5, 4, 0), entry(5, 5, 0)]));
    }
}
