//! Compares the counters with the journal: every event that is counted as queued must be there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crate::metrics::Terms;

/// One destination's counters at the end of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The destination's id.
    pub destination: String,
    /// What its counters say.
    pub terms: Terms,
    /// Records behind its cursor in the journal; `None` when it has none.
    pub pending: Option<u64>,
}

/// Compares the counters with the journal, step by step.
#[derive(Debug, Default)]
pub struct Audit {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    before: BTreeMap<String, Terms>,
    broken: BTreeSet<String>,
}

impl Audit {
    /// Looks at all counters. A destination is broken when something is queued in them, nothing is pending in
    /// the journal, and nothing has moved for a whole step: an event was lost, or counted twice.
    pub fn check(&self, entries: impl IntoIterator<Item = Entry>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut now = State::default();
        for entry in entries {
            let id = entry.destination;
            let rests = state.before.get(&id) == Some(&entry.terms);
            let missing = entry.pending == Some(0) && entry.terms.queued() > 0;
            if rests && missing {
                if !state.broken.contains(&id) {
                    let queued = entry.terms.queued();
                    tracing::error!(
                        destination.id = id,
                        queued,
                        "the counters do not balance: events are queued that the journal does not have"
                    );
                }
                now.broken.insert(id.clone());
            }
            now.before.insert(id, entry.terms);
        }
        *state = now;
    }

    /// Whether the destination's counters were wrong at the end of the last step.
    pub fn is_broken(&self, destination: &str) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.broken.contains(destination)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(accepted: u64, written: u64, pending: u64) -> Entry {
        let terms = Terms {
            accepted,
            written,
            ..Terms::default()
        };
        Entry {
            destination: "profiles".to_owned(),
            terms,
            pending: Some(pending),
        }
    }

    fn broken(steps: &[Entry]) -> bool {
        let audit = Audit::default();
        for step in steps {
            audit.check([step.clone()]);
        }
        audit.is_broken("profiles")
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
