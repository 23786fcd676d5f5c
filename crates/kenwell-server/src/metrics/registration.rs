//! Making metrics: how each kind is registered, and what a histogram tells apart.

use prometheus_client::{
    metrics::{family::MetricConstructor, histogram::Histogram},
    registry::{Metric, Registry},
};

/// Upper bounds in seconds: from a fast fsync to a Redis that was away for minutes.
const SECONDS: [f64; 16] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
    60.0, 600.0,
];

/// Makes histograms of durations.
#[derive(Clone)]
pub(super) struct InSeconds;

impl MetricConstructor<Histogram> for InSeconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(SECONDS)
    }
}

/// A new metric, at zero, that stands on the page from now on.
pub(super) fn register<M: Metric + Clone + Default>(
    registry: &mut Registry,
    name: &str,
    help: &str,
) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

/// What a gauge shows for a count.
pub(super) fn to_gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
