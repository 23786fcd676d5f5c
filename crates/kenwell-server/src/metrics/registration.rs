//! Making metrics: how each kind is registered, and what a histogram tells apart.

use prometheus_client::{
    metrics::{family::MetricConstructor, histogram::Histogram},
    registry::{Metric, Registry, Unit},
};

use super::description::{Description, Kind};

/// Upper bounds in seconds: from a fast fsync to a Redis that was away for minutes.
const SECONDS: [f64; 16] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
    60.0, 600.0,
];

/// Makes histograms of durations.
#[derive(Debug, Clone, Copy)]
pub(super) struct InSeconds;

impl MetricConstructor<Histogram> for InSeconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(SECONDS)
    }
}

/// A new metric, at zero, that stands on the page from now on.
pub(super) fn register<M: Metric + Clone + Default>(
    registry: &mut Registry,
    of: &Description,
) -> M {
    show(registry, of, M::default())
}

/// Puts this metric on the page.
pub(super) fn show<M: Metric + Clone>(registry: &mut Registry, of: &Description, metric: M) -> M {
    let mut name = of.name;
    if of.kind == Kind::Counter {
        // The page's encoder adds it.
        name = name.strip_suffix("_total").unwrap_or(name);
    }
    let units = [("_seconds", Unit::Seconds), ("_bytes", Unit::Bytes)];
    let unit = units.into_iter().find_map(|(suffix, unit)| {
        let name = name.strip_suffix(suffix)?;
        Some((name, unit))
    });
    match unit {
        Some((name, unit)) => registry.register_with_unit(name, of.help, unit, metric.clone()),
        None => registry.register(name, of.help, metric.clone()),
    }
    metric
}

/// What a gauge shows for a count.
pub(super) fn to_gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
