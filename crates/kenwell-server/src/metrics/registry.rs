//! Every metric by name, and the page that shows them.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
    },
    registry::Registry,
};

use super::{
    DestinationCounters, Quantiles, SourceCounters,
    destination_families::DestinationFamilies,
    labels::{self, Labels, RequestLabels, RouteLabels},
    page_figures::PageFigures,
    page_gauges::PageGauges,
    process::ProcessMetrics,
    reason_counters::ReasonCounters,
    refused_requests::RefusedRequests,
    registration::{InSeconds, register, show},
    source_counters::GatewayTotals,
    table,
    wait_metrics::WaitMetrics,
};
use crate::{applied::Stopped, mutex::lock, tail::Tail};

/// All metrics of the process.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram, InSeconds>,
    refused: RefusedRequests,
    accepted: Family<Labels<1>, Counter>,
    ignored: Family<Labels<2>, Counter>,
    append: Histogram,
    recent_appends: Quantiles,
    gateway: Arc<GatewayTotals>,
    given_up: Counter,
    waits: WaitMetrics,
    destinations: DestinationFamilies,
    page_gauges: PageGauges,
    process: ProcessMetrics,
    counters: Mutex<BTreeMap<String, DestinationCounters>>,
    sources: Mutex<BTreeMap<String, SourceCounters>>,
    tail: Tail,
}

impl Metrics {
    /// Every metric, registered and at zero.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let page = &mut registry;
        build_info(page);
        let page_gauges = PageGauges::registered(page);
        let refused = RefusedRequests::registered(page);
        let requests = register(page, table::REQUESTS);
        let request_seconds = Family::new_with_constructor(InSeconds);
        let request_seconds = show(page, table::REQUEST_SECONDS, request_seconds);
        let accepted = register(page, table::ACCEPTED);
        let ignored = register(page, table::IGNORED);
        let append = show(page, table::APPEND_SECONDS, InSeconds.new_metric());
        let given_up = register(page, table::GIVEN_UP);
        let waits = WaitMetrics::registered(page);
        let destinations = DestinationFamilies::registered(page);
        let process = ProcessMetrics::registered(page);
        Self {
            registry,
            requests,
            request_seconds,
            refused,
            accepted,
            ignored,
            append,
            recent_appends: Quantiles::default(),
            gateway: Arc::default(),
            given_up,
            waits,
            destinations,
            page_gauges,
            process,
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
        // It is there from now on, without a value.
        drop(self.request_seconds.get_or_create(&RouteLabels { route }));
    }

    /// One answered request.
    pub fn request(&self, route: &'static str, status: u16) {
        self.requests
            .get_or_create(&RequestLabels { route, status })
            .inc();
    }

    /// How long a request took, from its head to its answer.
    pub fn observe_request(&self, route: &'static str, after: Duration) {
        self.request_seconds
            .get_or_create(&RouteLabels { route })
            .observe(after.as_secs_f64());
    }

    /// What was refused on the private plane.
    pub(crate) fn refused(&self) -> &RefusedRequests {
        &self.refused
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

    /// How waits ended.
    pub(crate) fn waits(&self) -> &WaitMetrics {
        &self.waits
    }

    /// `count` events that waited for a destination were given up by whoever removed it.
    pub fn given_up(&self, count: u64) {
        self.given_up.inc_by(count);
    }

    /// The counters of all destinations.
    pub fn destination_counters(&self) -> Vec<DestinationCounters> {
        lock(&self.counters).values().cloned().collect()
    }

    /// Where outcomes are shown to whoever looks just now.
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    /// The counters of the source with this id; the same at every call.
    pub fn source(&self, id: &str) -> SourceCounters {
        let mut sources = lock(&self.sources);
        let counters = sources.entry(id.to_owned()).or_insert_with(|| {
            let sent = kenwell_event::Ignored::ALL;
            SourceCounters {
                accepted: self.accepted.get_or_create_owned(&[labels::source(id)]),
                ignored: ReasonCounters::new(
                    labels::source(id),
                    &self.ignored,
                    sent.map(kenwell_event::Ignored::as_str),
                ),
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
        self.accepted.remove(&[labels::source(id)]);
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
        let labels = [labels::destination(id)];
        self.destinations
            .retired
            .get_or_create_owned(&labels)
            .set(1);
    }

    /// The destination is configured again.
    pub fn clear_retired(&self, id: &str) {
        let labels = [labels::destination(id)];
        self.destinations.retired.remove(&labels);
    }

    /// The destination is gone, and so are its counters.
    pub fn forget_destination(&self, id: &str) {
        if let Some(counters) = lock(&self.counters).remove(id) {
            counters.series.remove();
            counters.applied().set_stopped(Some(Stopped::Removed));
        }
        self.destinations.remove(id);
    }

    /// The page for Prometheus, in the format of `OpenMetrics`, with these figures. The counters of each destination are
    /// on it as they were at one moment.
    pub fn page(&self, figures: &PageFigures) -> Result<String, fmt::Error> {
        // Held to the end: another page made meanwhile would change what this one shows.
        let counters = lock(&self.counters);
        self.page_gauges.set(figures);
        self.process.set();
        for counters in counters.values() {
            counters.show();
        }
        let mut page = String::new();
        encode(&mut page, &self.registry)?;
        drop(counters);
        Ok(page)
    }
}

/// Puts on the page what runs.
fn build_info(page: &mut Registry) {
    let info: Family<Labels<2>, Gauge> = register(page, table::BUILD_INFO);
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let commit = option_env!("KENWELL_COMMIT").unwrap_or("").to_owned();
    info.get_or_create_owned(&[("version", version), ("commit", commit)])
        .set(1);
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
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
        let figures = PageFigures::default();
        let page = metrics.page(&figures).unwrap();
        assert!(page.contains("\"web\"") && page.contains("\"profiles\""));
        metrics.forget_source("web");
        metrics.forget_destination("profiles");
        fill(); // a request that was under way
        let page = metrics.page(&figures).unwrap();
        assert!(
            !page.contains("\"web\"") && !page.contains("\"profiles\""),
            "{page}"
        );
    }
}
