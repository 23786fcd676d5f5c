//! `/api/v1/destinations/{id}/replay`: delivering again what the journal still holds.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use kenwell_journal::ErrorChain;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::destinations;
use super::uninterrupted::uninterrupted;
use crate::private::PrivatePlane;
use crate::private::error::{ApiError, ErrorBody};
use crate::private::extract::{Json as Body, Path};
use crate::repetition;
use crate::runtime::ReplayError;

/// From when on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplayFrom {
    /// RFC 3339. Events received at or after it are delivered again, as far as the journal still has them.
    #[schema(example = "2026-01-31T12:00:00Z")]
    from: String,
}

/// How much is delivered again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Replayed {
    /// Events.
    records: u64,
    /// What that does to newer values at this destination, by its `order`.
    note: &'static str,
}

/// Deliver again
///
/// Moves the destination's cursor back. Profiles end as they are: every field gets the value that it was
/// given last. With `order = "event_time"` nothing newer is overwritten at any moment; in the order of arrival readers see
/// older values until it is through, and what others have written since is overwritten.
#[utoipa::path(
    post, path = "/api/v1/destinations/{id}/replay", tag = "destinations", operation_id = "replay",
    params(("id" = String, Path, description = "the destination's id")),
    request_body = ReplayFrom,
    responses(
        (status = 200, body = Replayed),
        (status = 400, body = ErrorBody, description = "no time"),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "the destination is disabled"),
    )
)]
pub(super) async fn replay(
    State(plane): State<Arc<PrivatePlane>>,
    Path(id): Path<String>,
    Body(ReplayFrom { from }): Body<ReplayFrom>,
) -> Result<Json<Replayed>, ApiError> {
    let from: Timestamp = from.parse().map_err(|_| {
        ApiError::bad_request("`from` is no time: give one like 2026-01-31T12:00:00Z").about("from")
    })?;
    let note = repetition::of_replay(&destinations::find(&plane, &id)?.layout);
    let runtime = plane.runtime.clone();
    uninterrupted("the replay", async move {
        let replayed = runtime.replay(&id, from).await;
        let records = replayed.map_err(|error| refusal(&id, &error))?;
        Ok(Json(Replayed { records, note }))
    })
    .await
}

fn refusal(id: &str, error: &ReplayError) -> ApiError {
    match error {
        ReplayError::NotFound(_) => ApiError::no_destination(id),
        ReplayError::Disabled(_) => {
            ApiError::new(StatusCode::CONFLICT, "disabled", error.to_string())
        }
        ReplayError::Journal(cause) => {
            tracing::error!(destination.id = id, error = %ErrorChain(cause), "a replay failed");
            ApiError::internal(format!("{error}: {cause}"))
        }
    }
}
