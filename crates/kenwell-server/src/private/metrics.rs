//! `/metrics`, for Prometheus.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use super::PrivatePlane;
use super::error::ApiError;

const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Metrics
///
/// As text, for Prometheus and whoever else reads `OpenMetrics`.
#[utoipa::path(
    get, path = "/metrics", tag = "operations", operation_id = "metrics",
    responses((status = 200, content_type = "application/openmetrics-text", body = String))
)]
pub(super) async fn scrape(State(plane): State<Arc<PrivatePlane>>) -> Response {
    plane.counted().await;
    for running in plane.runtime.destinations().iter() {
        let letters = plane.letters(running).unwrap_or_default();
        running.counters.letters_outstanding(letters);
    }
    match plane.metrics.page(&plane.journal.stats()) {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            ApiError::internal("the metrics could not be written; the log says why").into_response()
        }
    }
}
