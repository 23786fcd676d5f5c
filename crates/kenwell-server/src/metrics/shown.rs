//! What the page shows of one destination's books: set as a whole whenever the page is made.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

use super::ledger::Counts;
use super::reasons::Reasons;
use super::registry::{OutcomeLabels, to_gauge};

/// One destination's lines on the page.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) accepted: Counter,
    pub(super) written: Counter,
    pub(super) ignored: Reasons<OutcomeLabels>,
    pub(super) dead_lettered: Reasons<OutcomeLabels>,
    pub(super) lost: Counter,
    pub(super) queued: Gauge,
    pub(super) retries: Counter,
    pub(super) replayed: Counter,
    pub(super) letters_written: Counter,
    pub(super) letters_discarded: Counter,
}

impl Shown {
    /// Shows these counts.
    pub(super) fn set(&self, counts: &Counts) {
        let terms = &counts.terms;
        set(&self.accepted, terms.accepted);
        set(&self.written, terms.written);
        set(&self.lost, terms.lost);
        self.queued.set(to_gauge(terms.queued()));
        set(&self.retries, counts.retries);
        set(&self.replayed, counts.replayed);
        set(&self.letters_written, counts.letters_written);
        set(&self.letters_discarded, counts.letters_discarded);
        set_all(&self.ignored, &counts.ignored);
        set_all(&self.dead_lettered, &counts.dead_lettered);
    }

    /// Takes what it has by reason off the page.
    pub(super) fn remove(&self) {
        self.ignored.remove();
        self.dead_lettered.remove();
    }
}

fn set_all(reasons: &Reasons<OutcomeLabels>, counts: &BTreeMap<&'static str, u64>) {
    for (reason, count) in counts {
        reasons.with(reason, |counter| set(counter, *count));
    }
}

fn set(counter: &Counter, count: u64) {
    counter.inner().store(count, Ordering::Relaxed);
}
