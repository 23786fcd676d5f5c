//! `/api/v1/overview`: everything as of now, on one page.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, Uri};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::configuration::Configuration;
use crate::metrics::Quantiles;
use crate::private::{PrivatePlane, destination_status::DestinationStatus, host, not_accepting};
use crate::time;

/// Everything as of now. Counts are since the start.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Overview {
    /// The server's time.
    now: String,
    /// Kenwell's version.
    version: &'static str,
    /// When it was started.
    started_at: String,
    /// Where SDKs send to, as far as the server can tell.
    gateway_url: String,
    /// Whether the gateway takes events.
    accepting: bool,
    /// The durable log.
    journal: Journal,
    /// Identify events made durable.
    accepted: u64,
    /// Events that the gateway accepted and does not keep, such as `track`.
    ignored: u64,
    /// The destinations.
    destinations: Vec<DestinationStatus>,
    /// How long things took in the last five to ten minutes.
    latency: Latency,
    /// The configuration file.
    configuration: Configuration,
}

/// The durable log.
#[derive(Debug, Serialize, ToSchema)]
struct Journal {
    /// Bytes it takes on disk.
    bytes: u64,
    /// Bytes it may take.
    max_bytes: u64,
    /// Whether it has reached that, so that events are refused.
    full: bool,
    /// Whether its disk is full.
    no_space: bool,
    /// Why it takes no events, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Records it holds, delivered ones included.
    records: u64,
}

/// Milliseconds; null when nothing happened lately. Read from histograms with two significant digits.
#[derive(Debug, Serialize, ToSchema)]
#[expect(
    clippy::struct_field_names,
    reason = "the names on the wire tell the unit"
)]
struct Latency {
    /// From a request to its events being durable: median.
    ack_p50_ms: Option<f64>,
    /// From a request to its events being durable: 99th percentile.
    ack_p99_ms: Option<f64>,
    /// From receipt to visible in Redis, oldest event of each batch, all destinations: median.
    freshness_p50_ms: Option<f64>,
    /// From receipt to visible in Redis: 99th percentile.
    freshness_p99_ms: Option<f64>,
}

/// Everything as of now
#[utoipa::path(
    get, path = "/api/v1/overview", tag = "overview", operation_id = "get_overview",
    responses((status = 200, body = Overview))
)]
pub(super) async fn get(
    State(plane): State<Arc<PrivatePlane>>,
    uri: Uri,
    headers: HeaderMap,
) -> Json<Overview> {
    plane.counted().await;
    let stats = plane.journal.stats();
    let destinations = plane.statuses();
    let (accepted, ignored) = plane.metrics.gateway_totals();
    Json(Overview {
        now: time::text(Timestamp::now()),
        version: env!("CARGO_PKG_VERSION"),
        started_at: time::text(plane.started_at),
        gateway_url: gateway_url(&plane, &uri, &headers),
        accepting: !stats.full && !stats.no_space,
        journal: Journal {
            bytes: stats.disk_bytes,
            max_bytes: stats.max_bytes,
            full: stats.full,
            no_space: stats.no_space,
            reason: not_accepting::reason(&stats, &destinations),
            records: stats.next_offset.0.saturating_sub(stats.first_offset.0),
        },
        accepted,
        ignored,
        destinations,
        latency: latency(&plane),
        configuration: Configuration::of(plane.runtime.state()),
    })
}

fn latency(plane: &PrivatePlane) -> Latency {
    let now = Instant::now();
    let ack = plane.metrics.recent_appends().p50_p99(now);
    let counters = plane.metrics.destination_counters();
    let freshness = Quantiles::of(
        counters
            .iter()
            .map(crate::metrics::DestinationCounters::recent_freshness),
        now,
    );
    Latency {
        ack_p50_ms: ack.map(|(p50, _)| p50),
        ack_p99_ms: ack.map(|(_, p99)| p99),
        freshness_p50_ms: freshness.map(|(p50, _)| p50),
        freshness_p99_ms: freshness.map(|(_, p99)| p99),
    }
}

/// Where the gateway listens; when it listens on all addresses, by the name that this request used.
fn gateway_url(plane: &PrivatePlane, uri: &Uri, headers: &HeaderMap) -> String {
    let address = plane.addresses.gateway;
    let scheme = if plane.addresses.tls { "https" } else { "http" };
    if !address.ip().is_unspecified() {
        return format!("{scheme}://{address}");
    }
    let name = host::called_by(uri, headers).unwrap_or("localhost");
    format!("{scheme}://{name}:{}", address.port())
}
