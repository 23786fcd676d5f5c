//! The metrics that each destination has, and making and removing those of one.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::{
    destination_counters::DestinationCounters,
    destination_series::DestinationSeries,
    labels::{DestinationLabels, OutcomeLabels},
    reason_counters::{NOT_AN_ENVELOPE, REFUSALS, ReasonCounters},
    registration::{InSeconds, register},
};
use crate::tail::Tail;

/// The metrics that each destination has.
pub(super) struct DestinationFamilies {
    accepted: Family<DestinationLabels, Counter>,
    written: Family<DestinationLabels, Counter>,
    ignored: Family<OutcomeLabels, Counter>,
    dead_lettered: Family<OutcomeLabels, Counter>,
    lost: Family<DestinationLabels, Counter>,
    queued: Family<DestinationLabels, Gauge>,
    /// 1 for a destination that is not configured.
    pub(super) retired: Family<DestinationLabels, Gauge>,
    retries: Family<DestinationLabels, Counter>,
    replayed: Family<DestinationLabels, Counter>,
    letters_written: Family<DestinationLabels, Counter>,
    letters_discarded: Family<DestinationLabels, Counter>,
    letters_outstanding: Family<DestinationLabels, Gauge>,
    freshness: Family<DestinationLabels, Histogram, InSeconds>,
}

impl DestinationFamilies {
    /// Every family, registered and empty.
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("destination");
        let freshness = Family::new_with_constructor(InSeconds);
        let this = Self {
            accepted: register(
                registry,
                "accepted",
                "Identify events accepted for the destination",
            ),
            written: register(registry, "written", "Identify events written to Redis"),
            ignored: register(
                registry,
                "ignored",
                "Identify events with nothing for the destination, by reason",
            ),
            dead_lettered: register(
                registry,
                "dead_lettered",
                "Identify events in the dead-letter log, by reason",
            ),
            lost: register(
                registry,
                "lost",
                "Identify events that were in a damaged part of the journal",
            ),
            queued: register(registry, "queued", "Identify events without an outcome yet"),
            retired: register(
                registry,
                "retired",
                "1 for a destination that is not configured and has events waiting",
            ),
            retries: register(registry, "retries", "Pipelines that had to be sent again"),
            replayed: register(
                registry,
                "replayed",
                "Identify events accepted again: by a replay, or because a batch was cut off",
            ),
            letters_written: register(
                registry,
                "dead_letters_written",
                "Dead letters that were retried and written to Redis",
            ),
            letters_discarded: register(
                registry,
                "dead_letters_discarded",
                "Dead letters that were dropped",
            ),
            letters_outstanding: register(
                registry,
                "dead_letters_outstanding",
                "Dead letters in the log that nobody has retried with success or discarded yet",
            ),
            freshness,
        };
        let help = "Time from receipt to visible in Redis, of the oldest event of a batch";
        registry.register_with_unit("freshness", help, Unit::Seconds, this.freshness.clone());
        this
    }

    /// The counters of a destination, at zero.
    pub(super) fn open(&self, id: &str, tail: &Tail) -> DestinationCounters {
        let labels = labels(id);
        let ignored = kenwell::profile::Ignored::ALL.map(kenwell::profile::Ignored::as_str);
        let ignored = ignored.into_iter().chain([NOT_AN_ENVELOPE]);
        let series = DestinationSeries {
            accepted: self.accepted.get_or_create_owned(&labels),
            written: self.written.get_or_create_owned(&labels),
            ignored: ReasonCounters::new(id, &self.ignored, ignored),
            dead_lettered: ReasonCounters::new(id, &self.dead_lettered, REFUSALS),
            letters_outstanding: self.letters_outstanding.get_or_create_owned(&labels),
            lost: self.lost.get_or_create_owned(&labels),
            queued: self.queued.get_or_create_owned(&labels),
            retries: self.retries.get_or_create_owned(&labels),
            replayed: self.replayed.get_or_create_owned(&labels),
            letters_written: self.letters_written.get_or_create_owned(&labels),
            letters_discarded: self.letters_discarded.get_or_create_owned(&labels),
        };
        DestinationCounters::new(series, self.freshness.get_or_create_owned(&labels), tail)
    }

    /// Takes a destination off the page.
    pub(super) fn remove(&self, id: &str) {
        let labels = labels(id);
        self.accepted.remove(&labels);
        self.written.remove(&labels);
        self.lost.remove(&labels);
        self.queued.remove(&labels);
        self.retired.remove(&labels);
        self.retries.remove(&labels);
        self.replayed.remove(&labels);
        self.letters_written.remove(&labels);
        self.letters_discarded.remove(&labels);
        self.letters_outstanding.remove(&labels);
        self.freshness.remove(&labels);
    }
}

/// The labels of a destination.
pub(super) fn labels(destination: &str) -> DestinationLabels {
    DestinationLabels {
        destination: destination.to_owned(),
    }
}
