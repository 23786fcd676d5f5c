//! Every metric by name, and the page that shows them.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};

use super::{
    DestinationCounters, Quantiles, SourceCounters,
    labels::{DestinationLabels, IgnoredLabels, OutcomeLabels, RequestLabels, SourceLabels},
    reasons::{REFUSALS, Reasons},
    shown::Shown,
    source::Totals,
};
use crate::tail::Tail;

/// Upper bounds in seconds: from a fast fsync to a Redis that was away for minutes.
const SECONDS: [f64; 16] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
    60.0, 600.0,
];

/// Why a record of the journal is ignored that is no event at all.
pub(crate) const NOT_AN_ENVELOPE: &str = "not_an_envelope";

#[derive(Clone)]
struct InSeconds;

impl MetricConstructor<Histogram> for InSeconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(SECONDS)
    }
}

/// All metrics of the process.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    accepted: Family<SourceLabels, Counter>,
    ignored: Family<IgnoredLabels, Counter>,
    append: Histogram,
    recent_appends: Quantiles,
    gateway: Arc<Totals>,
    given_up: Counter,
    destinations: Destinations,
    journal: Journal,
    counters: Mutex<BTreeMap<String, DestinationCounters>>,
    sources: Mutex<BTreeMap<String, SourceCounters>>,
    tail: Tail,
}

struct Destinations {
    accepted: Family<DestinationLabels, Counter>,
    written: Family<DestinationLabels, Counter>,
    ignored: Family<OutcomeLabels, Counter>,
    dead_lettered: Family<OutcomeLabels, Counter>,
    lost: Family<DestinationLabels, Counter>,
    queued: Family<DestinationLabels, Gauge>,
    retired: Family<DestinationLabels, Gauge>,
    retries: Family<DestinationLabels, Counter>,
    replayed: Family<DestinationLabels, Counter>,
    letters_written: Family<DestinationLabels, Counter>,
    letters_discarded: Family<DestinationLabels, Counter>,
    letters_outstanding: Family<DestinationLabels, Gauge>,
    freshness: Family<DestinationLabels, Histogram, InSeconds>,
}

#[derive(Default)]
struct Journal {
    bytes: Gauge,
    max_bytes: Gauge,
    corrupt_records: Gauge,
}

impl Metrics {
    /// Every metric, registered and at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("kenwell");
        let requests = Family::default();
        let accepted = Family::default();
        let ignored = Family::default();
        let append = Histogram::new(SECONDS);
        registry.register(
            "requests",
            "HTTP requests to the gateway, by route and status",
            requests.clone(),
        );
        registry.register(
            "events_accepted",
            "Identify events made durable",
            accepted.clone(),
        );
        registry.register(
            "events_ignored",
            "Events accepted and not kept, by reason",
            ignored.clone(),
        );
        registry.register_with_unit(
            "append",
            "Time until a request's events were durable",
            Unit::Seconds,
            append.clone(),
        );
        let given_up = Counter::default();
        registry.register(
            "events_given_up",
            "Accepted events that somebody gave up by removing the destination that they waited for",
            given_up.clone(),
        );
        let destinations = Destinations::registered(&mut registry);
        let journal = Journal::registered(&mut registry);
        Self {
            registry,
            requests,
            accepted,
            ignored,
            append,
            recent_appends: Quantiles::default(),
            gateway: Arc::default(),
            given_up,
            destinations,
            journal,
            counters: Mutex::default(),
            sources: Mutex::default(),
            tail: Tail::default(),
        }
    }

    /// Requests that may come: their counters are there from the start.
    pub fn expect_requests(&self, route: &'static str, statuses: &[u16]) {
        for &status in statuses {
            let labels = RequestLabels { route, status };
            self.requests.get_or_create(&labels).inc_by(0);
        }
    }

    /// One answered request.
    pub fn request(&self, route: &'static str, status: u16) {
        self.requests
            .get_or_create(&RequestLabels { route, status })
            .inc();
    }

    /// Seconds from the start of an append until it was durable.
    pub fn observe_append(&self, seconds: f64) {
        self.append.observe(seconds);
        self.recent_appends.note(seconds, Instant::now());
    }

    /// How long appends took in the last minutes.
    pub fn recent_appends(&self) -> &Quantiles {
        &self.recent_appends
    }

    /// Identifies made durable since the start, and events that the gateway ignored.
    pub fn gateway_totals(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.gateway.accepted), read(&self.gateway.ignored))
    }

    /// `count` events that waited for a destination were given up by whoever removed it.
    pub fn given_up(&self, count: u64) {
        self.given_up.inc_by(count);
    }

    /// The counters of all destinations.
    pub fn destination_counters(&self) -> Vec<DestinationCounters> {
        lock(&self.counters).values().cloned().collect()
    }

    /// Where each outcome is shown to those who look.
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    /// The counters of the source with this id; the same at every call.
    pub fn source(&self, id: &str) -> SourceCounters {
        let mut sources = lock(&self.sources);
        let counters = sources.entry(id.to_owned()).or_insert_with(|| {
            let labels = SourceLabels {
                source: id.to_owned(),
            };
            let sent = kenwell_event::Ignored::ALL;
            SourceCounters {
                accepted: self.accepted.get_or_create_owned(&labels),
                ignored: Reasons::new(id, &self.ignored, sent.map(kenwell_event::Ignored::as_str)),
                all: Arc::clone(&self.gateway),
                seen: Arc::default(),
            }
        });
        counters.clone()
    }

    /// The source is gone, and so are its counters.
    pub fn forget_source(&self, id: &str) {
        if let Some(counters) = lock(&self.sources).remove(id) {
            counters.ignored.remove();
        }
        self.accepted.remove(&SourceLabels {
            source: id.to_owned(),
        });
    }

    /// The counters of the destination with this id; the same at every call.
    pub fn destination(&self, id: &str) -> DestinationCounters {
        let mut counters = lock(&self.counters);
        let counters = counters.entry(id.to_owned());
        counters
            .or_insert_with(|| self.destinations.open(id, &self.tail))
            .clone()
    }

    /// The destination is not configured and has events waiting.
    pub fn set_retired(&self, id: &str) {
        let retired = self.destinations.retired.get_or_create_owned(&labels(id));
        retired.set(1);
    }

    /// The destination is configured again.
    pub fn clear_retired(&self, id: &str) {
        self.destinations.retired.remove(&labels(id));
    }

    /// The destination is gone, and so are its counters.
    pub fn forget_destination(&self, id: &str) {
        if let Some(counters) = lock(&self.counters).remove(id) {
            counters.shown.remove();
        }
        self.destinations.remove(id);
    }

    /// The page for Prometheus, with the journal's figures as of now. The counters of each destination are on it
    /// as they were at one moment.
    pub fn page(&self, journal: &kenwell_journal::Stats) -> Result<String, fmt::Error> {
        // Held to the end: another page made meanwhile would change what this one shows.
        let counters = lock(&self.counters);
        self.journal.set(journal);
        for counters in counters.values() {
            counters.show();
        }
        let mut page = String::new();
        encode(&mut page, &self.registry)?;
        drop(counters);
        Ok(page)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Destinations {
    fn registered(registry: &mut Registry) -> Self {
        let this = Self {
            accepted: Family::default(),
            written: Family::default(),
            ignored: Family::default(),
            dead_lettered: Family::default(),
            lost: Family::default(),
            queued: Family::default(),
            retired: Family::default(),
            retries: Family::default(),
            replayed: Family::default(),
            letters_written: Family::default(),
            letters_discarded: Family::default(),
            letters_outstanding: Family::default(),
            freshness: Family::new_with_constructor(InSeconds),
        };
        let registry = registry.sub_registry_with_prefix("destination");
        registry.register(
            "accepted",
            "Identify events accepted for the destination",
            this.accepted.clone(),
        );
        registry.register(
            "written",
            "Identify events written to Redis",
            this.written.clone(),
        );
        registry.register(
            "ignored",
            "Identify events with nothing for the destination, by reason",
            this.ignored.clone(),
        );
        registry.register(
            "dead_lettered",
            "Identify events in the dead-letter log, by reason",
            this.dead_lettered.clone(),
        );
        registry.register(
            "lost",
            "Identify events that were in a damaged part of the journal",
            this.lost.clone(),
        );
        registry.register(
            "queued",
            "Identify events without an outcome yet",
            this.queued.clone(),
        );
        registry.register(
            "retired",
            "1 for a destination that is not configured and has events waiting",
            this.retired.clone(),
        );
        registry.register(
            "retries",
            "Pipelines that had to be sent again",
            this.retries.clone(),
        );
        registry.register(
            "replayed",
            "Identify events accepted again: by a replay, or because a batch was cut off",
            this.replayed.clone(),
        );
        registry.register(
            "dead_letters_written",
            "Dead letters that were retried and written to Redis",
            this.letters_written.clone(),
        );
        registry.register(
            "dead_letters_discarded",
            "Dead letters that were dropped",
            this.letters_discarded.clone(),
        );
        registry.register(
            "dead_letters_outstanding",
            "Dead letters in the log that nobody has retried with success or discarded yet",
            this.letters_outstanding.clone(),
        );
        let help = "Time from receipt to visible in Redis, of the oldest event of a batch";
        registry.register_with_unit("freshness", help, Unit::Seconds, this.freshness.clone());
        this
    }

    fn open(&self, id: &str, tail: &Tail) -> DestinationCounters {
        let labels = labels(id);
        let ignored = kenwell::profile::Ignored::ALL.map(kenwell::profile::Ignored::as_str);
        let ignored = ignored.into_iter().chain([NOT_AN_ENVELOPE]);
        let shown = Shown {
            accepted: self.accepted.get_or_create_owned(&labels),
            written: self.written.get_or_create_owned(&labels),
            ignored: Reasons::new(id, &self.ignored, ignored),
            dead_lettered: Reasons::new(id, &self.dead_lettered, REFUSALS),
            letters_outstanding: self.letters_outstanding.get_or_create_owned(&labels),
            lost: self.lost.get_or_create_owned(&labels),
            queued: self.queued.get_or_create_owned(&labels),
            retries: self.retries.get_or_create_owned(&labels),
            replayed: self.replayed.get_or_create_owned(&labels),
            letters_written: self.letters_written.get_or_create_owned(&labels),
            letters_discarded: self.letters_discarded.get_or_create_owned(&labels),
        };
        DestinationCounters::new(shown, self.freshness.get_or_create_owned(&labels), tail)
    }

    fn remove(&self, id: &str) {
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

impl Journal {
    fn registered(registry: &mut Registry) -> Self {
        let this = Self::default();
        let registry = registry.sub_registry_with_prefix("journal");
        registry.register(
            "bytes",
            "Bytes that the journal occupies on disk, preallocated ones included",
            this.bytes.clone(),
        );
        registry.register(
            "max_bytes",
            "Bytes that the journal may occupy",
            this.max_bytes.clone(),
        );
        registry.register(
            "corrupt_records",
            "Damaged records skipped since the start",
            this.corrupt_records.clone(),
        );
        this
    }

    fn set(&self, stats: &kenwell_journal::Stats) {
        self.bytes.set(to_gauge(stats.disk_bytes));
        self.max_bytes.set(to_gauge(stats.max_bytes));
        self.corrupt_records.set(to_gauge(stats.corrupt_records));
    }
}

fn labels(destination: &str) -> DestinationLabels {
    DestinationLabels {
        destination: destination.to_owned(),
    }
}

pub(super) fn to_gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_leaves_no_line_on_the_page() {
        let metrics = Metrics::new();
        let (source, counters) = (metrics.source("web"), metrics.destination("profiles"));
        let fill = || {
            source.accepted(1);
            source.ignored("not_identify", 1);
            counters.accept(2, kenwell_journal::Offset(2));
            counters.ignored("blank_user_id");
            counters.dead_lettered("ERR", 1);
            counters.observe_freshness(0.1);
        };
        fill();
        let stats = kenwell_journal::Stats::default();
        let page = metrics.page(&stats).unwrap();
        assert!(page.contains("\"web\"") && page.contains("\"profiles\""));
        metrics.forget_source("web");
        metrics.forget_destination("profiles");
        fill(); // a request that was under way
        let page = metrics.page(&stats).unwrap();
        assert!(
            !page.contains("\"web\"") && !page.contains("\"profiles\""),
            "{page}"
        );
    }
}
