//! `/metrics`, for Prometheus.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};

use super::PrivatePlane;
use super::error::ApiError;
use super::not_accepting;
use crate::clock;
use crate::data_dir;
use crate::metrics::{DestinationFigures, PageFigures, plain_text};

const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
const PLAIN_TEXT: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Metrics
///
/// As text, for Prometheus: as `OpenMetrics` for those whose `Accept` names it, which Prometheus' does, and in
/// Prometheus' own older format for all others. The metrics key opens this path and nothing else.
#[utoipa::path(
    get, path = "/metrics", tag = "operations", operation_id = "metrics",
    responses((
        status = 200,
        content(
            (String = "text/plain"),
            (String = "application/openmetrics-text"),
        )
    ))
)]
pub(super) async fn scrape(State(plane): State<Arc<PrivatePlane>>, headers: HeaderMap) -> Response {
    plane.counted().await;
    for running in plane.runtime.destinations().iter() {
        let letters = plane.letters(running).unwrap_or_default();
        running.counters.letters_outstanding(letters);
    }
    let page = match plane.metrics.page(&figures(&plane)) {
        Ok(page) => page,
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            let message = "the metrics could not be written; the log says why";
            return ApiError::internal(message).into_response();
        }
    };
    let (kind, page) = if wants_open_metrics(&headers) {
        (OPEN_METRICS, page)
    } else {
        (PLAIN_TEXT, plain_text(&page))
    };
    ([(header::CONTENT_TYPE, kind)], page).into_response()
}

fn wants_open_metrics(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).iter();
    accepted.any(|value| {
        let text = value.to_str().unwrap_or_default();
        text.contains("application/openmetrics-text")
    })
}

/// What the page shows besides what is counted.
fn figures(plane: &PrivatePlane) -> PageFigures {
    let (journal, statuses) = (plane.journal.stats(), plane.statuses());
    let (running, retired) = (plane.runtime.destinations(), plane.runtime.retired());
    let state = plane.runtime.state();
    let lag = |id: &str| {
        let found = running.iter().find(|running| running.id() == id);
        let retired = || {
            let since = retired.iter().find(|retired| retired.id == id)?.since?;
            Some(clock::age(u64::try_from(since.as_millisecond()).ok()?))
        };
        match found {
            Some(running) => running.oldest_age(),
            None => retired(),
        }
    };
    let destinations = statuses.iter().map(|status| DestinationFigures {
        id: status.id.clone(),
        state: status.state,
        needs_operator: status.needs_operator == Some(true),
        lag_seconds: lag(&status.id).unwrap_or_default().as_secs_f64(),
    });
    PageFigures {
        is_accepting: not_accepting::reason(&journal, &statuses).is_none(),
        is_configuration_in_force: state.problems.is_empty(),
        configuration_loaded_at: Some(state.loaded_at),
        disk: data_dir::space(&plane.runtime.config().data_dir),
        destinations: destinations.collect(),
        certificates: plane.runtime.certificates(),
        journal,
    }
}
