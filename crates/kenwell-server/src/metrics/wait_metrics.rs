//! How requests fared that waited until events were applied.

use std::time::Duration;

use prometheus_client::{
    metrics::{counter::Counter, family::Family, family::MetricConstructor, histogram::Histogram},
    registry::Registry,
};

use super::{
    labels::WaitLabels,
    registration::{InSeconds, register, show},
    table,
};
use crate::applied::NotApplied;

/// Who waited.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Waited {
    /// A request with events.
    Write,
    /// A request for a profile.
    Read,
}

/// The counters and the histogram of waits.
pub(crate) struct WaitMetrics {
    waits: Family<WaitLabels, Counter>,
    seconds: Histogram,
}

impl Waited {
    fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Read => "read",
        }
    }
}

impl WaitMetrics {
    /// Registered, and at zero for every result.
    pub(super) fn registered(page: &mut Registry) -> Self {
        let waits = register::<Family<WaitLabels, Counter>>(page, table::WAITS);
        for of in [Waited::Write, Waited::Read] {
            for result in ["applied"].into_iter().chain(NotApplied::NAMES) {
                let of = of.as_str();
                waits.get_or_create(&WaitLabels { of, result }).inc_by(0);
            }
        }
        let seconds = show(page, table::WAIT_SECONDS, InSeconds.new_metric());
        Self { waits, seconds }
    }

    /// A wait has ended.
    pub(crate) fn ended(&self, of: Waited, result: Result<(), NotApplied>, after: Duration) {
        let of = of.as_str();
        let result = result.map_or_else(NotApplied::as_str, |()| "applied");
        self.waits.get_or_create(&WaitLabels { of, result }).inc();
        self.seconds.observe(after.as_secs_f64());
    }
}
