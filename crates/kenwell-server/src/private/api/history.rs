//! `/api/v1/history`: the last hour, day or week in steps.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::history::{Range, Sample};
use crate::private::PrivatePlane;
use crate::private::error::{ApiError, ErrorBody};
use crate::private::extract::Query;

/// How far back is looked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryQuery {
    /// `hour`, which is what it is without, `day` or `week`.
    #[serde(default)]
    #[param(inline)]
    range: Range,
}

/// What happened lately. It survives restarts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct History {
    /// How long a step is: 10 seconds of an hour, 5 minutes of a day, 30 minutes of a week.
    step_seconds: u64,
    /// The steps, oldest first, at most 360; the last one is still running. Where the server did not run there are
    /// none.
    samples: Vec<Sample>,
}

/// The last hour, day or week
#[utoipa::path(
    get, path = "/api/v1/history", tag = "overview", operation_id = "get_history",
    params(HistoryQuery),
    responses(
        (status = 200, body = History),
        (status = 400, body = ErrorBody, description = "there is no such range"),
    )
)]
pub(super) async fn get(
    State(plane): State<Arc<PrivatePlane>>,
    Query(HistoryQuery { range }): Query<HistoryQuery>,
) -> Result<Json<History>, ApiError> {
    plane.counted().await;
    Ok(Json(History {
        step_seconds: range.step().as_secs(),
        samples: plane.history.samples(range, plane.total()),
    }))
}
