//! The metrics that each destination has, and making and removing those of one.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use super::{
    destination_counters::DestinationCounters,
    destination_series::{COUNTERS, DestinationSeries, GAUGES},
    labels::{self, Labels},
    reason_counters::{NOT_AN_ENVELOPE, REFUSALS, ReasonCounters},
    registration::{InSeconds, register, show},
    table,
};
use crate::tail::Tail;

/// The metrics that each destination has.
pub(super) struct DestinationFamilies {
    counters: [Family<Labels<1>, Counter>; COUNTERS.len()],
    gauges: [Family<Labels<1>, Gauge>; GAUGES.len()],
    ignored: Family<Labels<2>, Counter>,
    dead_lettered: Family<Labels<2>, Counter>,
    /// 1 for a destination that is not configured.
    pub(super) retired: Family<Labels<1>, Gauge>,
    freshness: Family<Labels<1>, Histogram, InSeconds>,
}

impl DestinationFamilies {
    /// Every family, registered and empty.
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let freshness = Family::new_with_constructor(InSeconds);
        Self {
            counters: COUNTERS.map(|(of, _)| register(registry, of)),
            gauges: GAUGES.map(|(of, _)| register(registry, of)),
            ignored: register(registry, table::DESTINATION_IGNORED),
            dead_lettered: register(registry, table::DEAD_LETTERED),
            retired: register(registry, table::RETIRED),
            freshness: show(registry, table::FRESHNESS, freshness),
        }
    }

    /// The counters of a destination, at zero.
    pub(super) fn open(&self, id: &str, tail: &Tail) -> DestinationCounters {
        let labels = [labels::destination(id)];
        let ignored = kenwell::profile::Ignored::ALL.map(kenwell::profile::Ignored::as_str);
        let ignored = ignored.into_iter().chain([NOT_AN_ENVELOPE]);
        let owner = || labels::destination(id);
        let counters = self.counters.each_ref();
        let gauges = self.gauges.each_ref();
        let series = DestinationSeries {
            counters: counters.map(|family| family.get_or_create_owned(&labels)),
            gauges: gauges.map(|family| family.get_or_create_owned(&labels)),
            ignored: ReasonCounters::new(owner(), &self.ignored, ignored),
            dead_lettered: ReasonCounters::new(owner(), &self.dead_lettered, REFUSALS),
        };
        DestinationCounters::new(series, self.freshness.get_or_create_owned(&labels), tail)
    }

    /// Takes a destination off the page, but for its lines by reason.
    pub(super) fn remove(&self, id: &str) {
        let labels = [labels::destination(id)];
        for family in &self.counters {
            family.remove(&labels);
        }
        for family in self.gauges.iter().chain([&self.retired]) {
            family.remove(&labels);
        }
        self.freshness.remove(&labels);
    }
}
