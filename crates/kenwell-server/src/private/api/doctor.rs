//! Testing a connection: the doctor's findings about a destination that is, or is to be.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use kenwell::connection::Settings;
use kenwell::doctor::{self, Finding};
use kenwell::profile::Layout;
use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::{destinations, edit};
use crate::config::{Destination, destination_keys as key};
use crate::object::Members;
use crate::private::PrivatePlane;
use crate::private::error::{ApiError, ErrorBody};
use crate::private::extract::{Json as Body, Path};
use crate::runtime::{Edit, NewDestination};

/// Examinations at once: each goes the whole way to a Redis, which may be far or not there.
static ROOM: Semaphore = Semaphore::const_new(4);

/// What the doctor found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Report {
    /// Whether profiles can be written. There may be warnings.
    healthy: bool,
    /// One for each check, in the order in which they are made.
    findings: Vec<Found>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Finding)]
struct Found {
    /// What was looked at.
    #[schema(example = "connect")]
    check: &'static str,
    /// `ok`, `warning`, `failed` or `skipped`.
    status: &'static str,
    /// How it is, in words.
    text: String,
    /// What to do; it names the setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    cure: Option<String>,
}

impl Report {
    fn of(report: &doctor::Report) -> Self {
        let found = |finding: &Finding| Found {
            check: finding.check.as_str(),
            status: finding.status.as_str(),
            text: finding.says.clone(),
            cure: finding.cure.clone(),
        };
        Self {
            healthy: report.is_healthy(),
            findings: report.findings().iter().map(found).collect(),
        }
    }
}

/// Test settings before they are saved
///
/// Nothing is written to the configuration. With the `id` of a destination, what is missing here is taken
/// from it: secrets too, unless they would go to another place than they were given for.
#[utoipa::path(
    post, path = "/api/v1/destinations/test", tag = "destinations", operation_id = "test_settings",
    request_body = NewDestination,
    responses(
        (status = 200, body = Report),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "a setting is wrong"),
        (status = 503, body = ErrorBody, description = "too many tests at once"),
    )
)]
pub(super) async fn test_settings(
    State(plane): State<Arc<PrivatePlane>>,
    Body(Members(settings)): Body<Members>,
) -> Result<Json<Report>, ApiError> {
    let tried = tried(&plane, NewDestination::read(settings)?)?;
    let (config, applied) = plane.runtime.preview(tried)?;
    let id = edit::id(applied);
    let destination = config.destination(&id);
    let destination = destination.ok_or_else(|| ApiError::no_destination(&id))?;
    examine(destination, &config.layout(destination)).await
}

/// The edit that would save these settings: of a destination that is there, or of a new one. Who feeds it
/// is of no interest here.
fn tried(plane: &PrivatePlane, mut tried: NewDestination) -> Result<Edit, ApiError> {
    tried.settings.sources = None;
    if let Some(id) = tried.id {
        destinations::find(plane, &id)?;
        let change = tried.settings;
        return Ok(Edit::ChangeDestination { id, change });
    }
    if tried.settings.keys.text(key::ADDRESS).is_none() {
        let message = "the address is missing: give host:port, such as redis.internal:6379";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Err(ApiError::new(status, "invalid_setting", message).about("address"));
    }
    // An id of its own, so that it is nobody else's.
    tried.id = Some(format!("connection-test-{:08x}", fastrand::u32(..)));
    Ok(Edit::AddDestination(tried))
}

/// Test a destination
///
/// Goes the whole way to its Redis and says, line by line, what is right, what is wrong, and the cure.
#[utoipa::path(
    post, path = "/api/v1/destinations/{id}/test", tag = "destinations", operation_id = "test_destination",
    params(("id" = String, Path, description = "the destination's id")),
    responses(
        (status = 200, body = Report),
        (status = 404, body = ErrorBody),
        (status = 503, body = ErrorBody, description = "too many tests at once"),
    )
)]
pub(super) async fn test(
    State(plane): State<Arc<PrivatePlane>>,
    Path(id): Path<String>,
) -> Result<Json<Report>, ApiError> {
    let running = destinations::find(&plane, &id)?;
    examine(&running.settings, &running.layout).await
}

async fn examine(destination: &Destination, layout: &Layout) -> Result<Json<Report>, ApiError> {
    let Ok(_room) = ROOM.try_acquire() else {
        return Err(ApiError::busy(
            "other connections are being tested: wait until they are done",
            5,
        ));
    };
    let settings = Settings {
        username_shown: destination.username_reference.clone(),
        ..destination.connection.clone()
    };
    let expiry = destination.expiry();
    let report = doctor::examine_expiring(&settings, layout, &expiry).await;
    Ok(Json(Report::of(&report)))
}
