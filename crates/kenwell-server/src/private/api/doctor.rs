//! Testing a connection: the doctor's findings about a destination that is, or is to be.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use kenwell::connection::Settings;
use kenwell::doctor::{self, Finding};
use kenwell::profile::{Layout, Prefix};
use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::destinations::{self, Addition, DestinationToAdd};
use crate::live::{Change, DestinationChange};
use crate::private::Private;
use crate::private::extract::{Json as Body, Path};
use crate::private::refusal::{ErrorBody, Refusal};

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
/// Nothing is written to the configuration. With the `id` of a destination, secrets that are missing here
/// are taken from it.
#[utoipa::path(
    post, path = "/api/v1/destinations/test", tag = "destinations", operation_id = "test_settings",
    request_body = DestinationToAdd,
    responses(
        (status = 200, body = Report),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "a setting is wrong"),
        (status = 503, body = ErrorBody, description = "too many tests at once"),
    )
)]
pub(super) async fn test_settings(
    State(plane): State<Arc<Private>>,
    Body(Addition { id, settings }): Body<Addition>,
) -> Result<Json<Report>, Refusal> {
    let base = id.map(|id| destinations::find(&plane, &id)).transpose()?;
    let connection = connection(
        base.as_ref().map(|base| &base.settings.connection),
        &settings,
    );
    if connection.address.is_empty() {
        let message = "the address is missing: give host:port, such as redis.internal:6379";
        return Err(wrong_setting("address", message));
    }
    if let Err(kenwell::Error::Settings { setting, problem }) = connection.validate() {
        return Err(wrong_setting(setting, problem));
    }
    let mut layout = base.map_or_else(Layout::default, |base| base.layout);
    if let Some(prefix) = settings.prefix.to() {
        layout.prefix = Prefix::parse(prefix);
    }
    examine(&connection, &layout).await
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
    State(plane): State<Arc<Private>>,
    Path(id): Path<String>,
) -> Result<Json<Report>, Refusal> {
    let running = destinations::find(&plane, &id)?;
    examine(&running.settings.connection, &running.layout).await
}

async fn examine(settings: &Settings, layout: &Layout) -> Result<Json<Report>, Refusal> {
    let Ok(_room) = ROOM.try_acquire() else {
        return Err(Refusal::busy(
            "other connections are being tested: wait until they are done",
            5,
        ));
    };
    let report = doctor::examine(settings, layout).await;
    Ok(Json(Report::of(&report)))
}

fn wrong_setting(setting: &str, message: impl Into<String>) -> Refusal {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Refusal::new(status, "invalid_setting", message).about(setting)
}

/// The settings of a request, on top of those of a destination.
fn connection(base: Option<&Settings>, change: &DestinationChange) -> Settings {
    let mut settings = base.cloned().unwrap_or_else(|| Settings::new(""));
    set(&mut settings.address, &change.address);
    set_option(&mut settings.username, &change.username);
    if change.username != Change::Keep {
        settings.username_file = None;
    }
    set_option(&mut settings.password, &change.password);
    let mut database = u32::try_from(settings.database).unwrap_or_default();
    set(&mut database, &change.database);
    settings.database = i64::from(database);
    set(&mut settings.cluster_mode, &change.cluster_mode);
    set_option(&mut settings.sentinel_master, &change.sentinel_master);
    set_option(&mut settings.sentinel_username, &change.sentinel_username);
    set_option(&mut settings.sentinel_password, &change.sentinel_password);
    set(&mut settings.secure, &change.secure);
    set(&mut settings.skip_verify, &change.skip_verify);
    set_option(&mut settings.ca_certificate, &change.ca_certificate);
    set_option(&mut settings.client_certificate, &change.client_certificate);
    set_option(&mut settings.client_key, &change.client_key);
    set_option(&mut settings.server_name, &change.server_name);
    settings
}

fn set<T: Clone + Default>(value: &mut T, change: &Change<T>) {
    match change {
        Change::Keep => {}
        Change::Remove => *value = T::default(),
        Change::To(new) => value.clone_from(new),
    }
}

fn set_option<T: Clone>(value: &mut Option<T>, change: &Change<T>) {
    match change {
        Change::Keep => {}
        Change::Remove => *value = None,
        Change::To(new) => *value = Some(new.clone()),
    }
}
