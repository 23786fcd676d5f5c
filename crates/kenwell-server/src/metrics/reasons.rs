//! Counters by reason: one family of labels, of which each source and destination has its own few.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use prometheus_client::metrics::{counter::Counter, family::Family};

/// One owner's counters of a family, made when they are first needed and removed together.
#[derive(Debug, Clone)]
pub(super) struct Reasons<L: Label> {
    owner: Arc<str>,
    family: Family<L, Counter>,
    /// `None` once they were removed: a request that is still under way must not bring them back.
    open: Arc<Mutex<Option<BTreeMap<&'static str, Counter>>>>,
}

/// What a family tells its counters apart by.
pub(super) trait Label: Clone + std::hash::Hash + Eq {
    fn new(owner: &str, reason: &'static str) -> Self;
}

impl<L: Label> Reasons<L> {
    pub(super) fn new(owner: &str, family: &Family<L, Counter>) -> Self {
        Self {
            owner: owner.into(),
            family: family.clone(),
            open: Arc::new(Mutex::new(Some(BTreeMap::new()))),
        }
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
