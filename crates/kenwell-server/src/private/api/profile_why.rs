//! `/api/v1/profiles/{destination}/{user_id}/why`: where the fields of one user have their values from.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use kenwell::profile::ProfileWithClocks;
use kenwell_journal::ErrorChain;
use serde::Deserialize;
use tokio::sync::Semaphore;
use utoipa::IntoParams;

use super::{destinations, text};
use crate::origin::{JournalRecords, NOT_BY_TIME, ProfileReport};
use crate::private::PrivatePlane;
use crate::private::error::{ApiError, ErrorBody};
use crate::private::extract::{Path, Query};

/// Answers made at once: each may read some thousand records of the journal.
static ROOM: Semaphore = Semaphore::const_new(2);

/// Which field.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WhyQuery {
    /// The field's name, also of one that is not there any more; all when it is missing. Of one field it is also told
    /// what its event replaced.
    field: Option<String>,
}

/// Tell where values come from
///
/// For each field of a user's profile: when its event happened, when it was received, its source and offset, and the
/// event itself, while the journal has it. For destinations with `order = "event_time"`.
#[utoipa::path(
    get, path = "/api/v1/profiles/{destination}/{user_id}/why", tag = "profiles", operation_id = "explain_profile",
    params(
        ("destination" = String, Path, description = "the destination's id"),
        ("user_id" = String, Path, description = "the user's id, percent-encoded"),
        WhyQuery,
    ),
    responses(
        (status = 200, body = ProfileReport),
        (status = 404, body = ErrorBody, description = "no such destination, or nothing is known of this user or field"),
        (status = 409, body = ErrorBody, description = "`not_by_time`: the destination keeps no times"),
        (status = 502, body = ErrorBody, description = "Redis did not answer"),
        (status = 503, body = ErrorBody, description = "two of these are being answered already"),
    )
)]
pub(super) async fn why(
    State(plane): State<Arc<PrivatePlane>>,
    Path((destination, user_id)): Path<(String, String)>,
    Query(WhyQuery { field }): Query<WhyQuery>,
) -> Result<Json<ProfileReport>, ApiError> {
    let running = destinations::find(&plane, &destination)?;
    let (connection, layout) = (&running.connection, &running.layout);
    if !layout.rules.is_by_time() {
        let message = format!("of \"{destination}\" this is not known: {NOT_BY_TIME}");
        return Err(ApiError::new(StatusCode::CONFLICT, "not_by_time", message).about("order"));
    }
    let Ok(_room) = ROOM.try_acquire() else {
        let message = "others look into the journal: wait until they are done";
        return Err(ApiError::busy(message, 1));
    };
    let stored = ProfileWithClocks::read(connection, layout, &user_id).await;
    let stored = stored.map_err(|error| ApiError::redis(&error))?;
    let (config, records) = (
        plane.runtime.config(),
        JournalRecords::Open(plane.journal.clone()),
    );
    let field = field.as_deref();
    let report = ProfileReport::of(&stored, &user_id, field, layout, &config, &records).await;
    let report = report.map_err(|error| {
        tracing::error!(error = %ErrorChain(&error), "looking for an event in the journal failed");
        ApiError::internal(format!("the journal cannot be read: {error}"))
    })?;
    if report.fields.is_empty() {
        let key = text::of(&layout.key(&user_id));
        let what = if field.is_some() {
            "this field of "
        } else {
            ""
        };
        let message = format!("nothing is known of {what}{key} in the Redis of \"{destination}\"");
        return Err(ApiError::not_found("no_profile", message));
    }
    Ok(Json(report))
}
