//! `/api/v1/profiles/{destination}/{user_id}/why`: where the fields of one user have their values from.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use kenwell::profile::ProfileWithClocks;
use kenwell_journal::ErrorChain;
use serde::Deserialize;
use tokio::sync::Semaphore;
use utoipa::IntoParams;

use super::{destinations, position, text, user_id};
use crate::origin::{JournalRecords, ProfileReport, why_no_times};
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
    /// The user's id in place of the path's, which is `-` then, as for ids that a path cannot have: `.` and `..`.
    user_id: Option<String>,
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
        ("Kenwell-Position" = Option<String>, Header,
            description = "the header of an answer of the gateway: this is not answered before its events have their outcome at the destination"),
        ("Prefer" = Option<String>, Header,
            description = "`wait=SECONDS`: how long to wait for that, at most 60; 5 when it is missing"),
    ),
    responses(
        (status = 200, body = ProfileReport),
        (status = 400, body = ErrorBody, description = "path and query name two users"),
        (status = 404, body = ErrorBody, description = "no such destination, or nothing is known of this user or field"),
        (status = 409, body = ErrorBody, description = "`not_by_time`: the destination keeps no times; or `not_applied`, `other_journal`: see the position"),
        (status = 502, body = ErrorBody, description = "Redis did not answer"),
        (status = 503, body = ErrorBody, description = "two of these are being answered already, or too many requests wait for a position"),
    )
)]
pub(super) async fn why(
    State(plane): State<Arc<PrivatePlane>>,
    Path((destination, named)): Path<(String, String)>,
    Query(WhyQuery { field, user_id }): Query<WhyQuery>,
    headers: HeaderMap,
) -> Result<(HeaderMap, Json<ProfileReport>), ApiError> {
    let user_id = user_id::user_id(named, user_id)?;
    let running = destinations::find(&plane, &destination)?;
    let (connection, layout) = (&running.connection, &running.layout);
    if let Some(why) = why_no_times(layout) {
        let message = format!("of \"{destination}\" this is not known: {why}");
        return Err(ApiError::new(StatusCode::CONFLICT, "not_by_time", message).about("order"));
    }
    let applied = position::wait(&plane, &running, &headers).await?;
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
    Ok((applied, Json(report)))
}
