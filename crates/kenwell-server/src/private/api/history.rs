//! `/api/v1/history`: the last hour in steps.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::history::{STEP, Sample};
use crate::private::PrivatePlane;

/// The last hour.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct History {
    /// How long a step is.
    step_seconds: u64,
    /// The steps, oldest first, at most 360; the last one is still running.
    samples: Vec<Sample>,
}

/// The last hour
#[utoipa::path(
    get, path = "/api/v1/history", tag = "overview", operation_id = "get_history",
    responses((status = 200, body = History))
)]
pub(super) async fn get(State(plane): State<Arc<PrivatePlane>>) -> Json<History> {
    plane.counted().await;
    Json(History {
        step_seconds: STEP.as_secs(),
        samples: plane.history.samples(plane.total()),
    })
}
