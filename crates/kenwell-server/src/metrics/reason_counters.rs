//! Counters by reason: of one family, each source or destination has a few.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use prometheus_client::metrics::{counter::Counter, family::Family};

/// The reasons of dead letters: Redis' codes as far as we know them.
pub const REFUSALS: [&str; 5] = ["WRONGTYPE", "NOPERM", "ERR", "connection_closed", "other"];

/// Why a record of the journal is ignored that is no event at all.
pub(crate) const NOT_AN_ENVELOPE: &str = "not_an_envelope";

/// The counters of one source or destination in a family: at zero from the start where the reason is known, and
/// removed together.
#[derive(Debug, Clone)]
pub(super) struct ReasonCounters<L: ReasonLabels> {
    owner: Arc<str>,
    family: Family<L, Counter>,
    /// `None` once they were removed: a request that is still under way must not bring them back.
    open: Arc<Mutex<Option<BTreeMap<&'static str, Counter>>>>,
}

/// The labels of a counter in such a family.
pub(super) trait ReasonLabels: Clone + std::hash::Hash + Eq {
    fn new(owner: &str, reason: &'static str) -> Self;
}

impl<L: ReasonLabels> ReasonCounters<L> {
    pub(super) fn new(
        owner: &str,
        family: &Family<L, Counter>,
        known: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        let counters = Self {
            owner: owner.into(),
            family: family.clone(),
            open: Arc::new(Mutex::new(Some(BTreeMap::new()))),
        };
        // A counter that begins at one is no increase for Prometheus.
        for reason in known {
            counters.add(reason, 0);
        }
        counters
    }

    pub(super) fn add(&self, reason: &'static str, count: u64) {
        self.with(reason, |counter| {
            counter.inc_by(count);
        });
    }

    /// Does something with the counter of this reason, unless they were removed.
    pub(super) fn with(&self, reason: &'static str, change: impl FnOnce(&Counter)) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(counters) = open.as_mut() else {
            return;
        };
        let counter = counters.entry(reason).or_insert_with(|| {
            let label = L::new(&self.owner, reason);
            self.family.get_or_create_owned(&label)
        });
        change(counter);
    }

    /// Takes them off the page for good.
    pub(super) fn remove(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for reason in open.take().unwrap_or_default().into_keys() {
            self.family.remove(&L::new(&self.owner, reason));
        }
    }
}
