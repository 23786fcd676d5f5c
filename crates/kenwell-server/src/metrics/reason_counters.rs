//! Counters by reason: of one family, each source or destination has a few.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use prometheus_client::metrics::{counter::Counter, family::Family};

use super::labels::Labels;
use crate::mutex::lock;

/// The reasons of dead letters: Redis' codes as far as we know them.
pub const REFUSALS: [&str; 5] = ["WRONGTYPE", "NOPERM", "ERR", "connection_closed", "other"];

/// Why a record of the journal is ignored that is no event at all.
pub(crate) const NOT_AN_ENVELOPE: &str = "not_an_envelope";

/// The counters of one source or destination in a family: at zero from the start where the reason is known, and
/// removed together.
#[derive(Debug, Clone)]
pub(super) struct ReasonCounters {
    /// The label of the source or destination.
    owner: (&'static str, String),
    family: Family<Labels<2>, Counter>,
    /// `None` once they were removed: a request that is still under way must not bring them back.
    open: Arc<Mutex<Option<BTreeMap<&'static str, Counter>>>>,
}

impl ReasonCounters {
    pub(super) fn new(
        owner: (&'static str, String),
        family: &Family<Labels<2>, Counter>,
        known: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        let counters = Self {
            owner,
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
        let mut open = lock(&self.open);
        let Some(counters) = open.as_mut() else {
            return;
        };
        let counter = counters
            .entry(reason)
            .or_insert_with(|| self.family.get_or_create_owned(&self.labels(reason)));
        change(counter);
    }

    /// Takes them off the page for good.
    pub(super) fn remove(&self) {
        let mut open = lock(&self.open);
        for reason in open.take().unwrap_or_default().into_keys() {
            self.family.remove(&self.labels(reason));
        }
    }

    fn labels(&self, reason: &str) -> Labels<2> {
        [self.owner.clone(), ("reason", reason.to_owned())]
    }
}
