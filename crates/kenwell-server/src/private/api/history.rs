//! `/api/v1/history`: the last hour in steps.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::time;
use crate::history::STEP;
use crate::private::PrivatePlane;

/// The last hour.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct History {
    /// How long a step is.
    step_seconds: u64,
    /// The steps, oldest first, at most 360; the last one is still running.
    samples: Vec<Sample>,
}

/// What happened in one step, all sources and destinations together.
#[derive(Debug, Serialize, ToSchema)]
struct Sample {
    /// The step's end.
    at: String,
    /// Identify events made durable in it.
    accepted: u64,
    /// Events written to Redis in it, once for each destination.
    written: u64,
    /// Events ignored in it, by the gateway or by a destination.
    ignored: u64,
    /// Events that Redis refused for good in it, once for each destination.
    dead_lettered: u64,
    /// Events lost to damage of the journal in it, once for each destination.
    lost: u64,
    /// Events without an outcome at its end, once for each destination.
    queued: u64,
}

/// The last hour
#[utoipa::path(
    get, path = "/api/v1/history", tag = "overview", operation_id = "get_history",
    responses((status = 200, body = History))
)]
pub(super) async fn get(State(plane): State<Arc<PrivatePlane>>) -> Json<History> {
    plane.counted().await;
    let samples = plane.history.samples(Timestamp::now(), plane.totals());
    let samples = samples.into_iter().map(|sample| Sample {
        at: time::text(sample.at),
        accepted: sample.accepted,
        written: sample.written,
        ignored: sample.ignored,
        dead_lettered: sample.dead_lettered,
        lost: sample.lost,
        queued: sample.queued,
    });
    Json(History {
        step_seconds: STEP.as_secs(),
        samples: samples.collect(),
    })
}
