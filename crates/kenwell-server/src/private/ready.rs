//! `/ready`: whether events are accepted, and which destination waits and why. Open to everybody: it
//! names settings and addresses, never secrets.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::Private;
use super::api::Status;

/// How the server is doing.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// `ready`, `degraded` (a destination waits or was not reached yet; its events are kept) or `not accepting events`.
    status: &'static str,
    /// Whether the gateway takes events.
    accepting: bool,
    /// The destinations.
    destinations: Vec<Destination>,
    /// A warning, when the way to a destination is open to others (`skip_verify`).
    #[serde(skip_serializing_if = "Option::is_none")]
    insecure: Option<String>,
}

/// How one destination is doing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DestinationReadiness)]
struct Destination {
    /// Its id.
    id: String,
    /// `connecting` (not reached yet), `up`, `waiting`, `restoring`, `incomplete`, `paused` or
    /// `disabled`.
    state: &'static str,
    /// Since when it waits, is restored or is incomplete.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// What it waits for or lacks, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Whether somebody has to change a setting, here or in Redis.
    #[serde(skip_serializing_if = "Option::is_none")]
    needs_operator: Option<bool>,
    /// Whether it accepts any certificate (`skip_verify`).
    insecure: bool,
}

/// Is it ready
///
/// Needs no key. A destination that is down makes the server degraded, not unready: its events are kept.
#[utoipa::path(
    get, path = "/ready", tag = "operations", operation_id = "ready", security(()),
    responses(
        (status = 200, body = Readiness, description = "events are accepted"),
        (status = 503, body = Readiness, description = "events are refused: the journal is full, or its disk"),
    )
)]
pub(super) async fn ready(State(plane): State<Arc<Private>>) -> (StatusCode, Json<Readiness>) {
    let accepting = plane.is_accepting();
    let readiness = readiness(accepting, plane.statuses());
    let code = if accepting {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, Json(readiness))
}

fn readiness(accepting: bool, statuses: Vec<Status>) -> Readiness {
    let degraded = statuses.iter().any(Status::is_degraded);
    let insecure: Vec<_> = statuses
        .iter()
        .filter(|status| status.insecure)
        .map(|status| status.id.as_str())
        .collect();
    Readiness {
        status: match (accepting, degraded) {
            (false, _) => "not accepting events",
            (true, true) => "degraded",
            (true, false) => "ready",
        },
        accepting,
        insecure: (!insecure.is_empty()).then(|| {
            format!(
                "skip_verify is on for {}: any certificate is accepted, so anyone on the way to Redis can read and change what is sent",
                insecure.join(", ")
            )
        }),
        destinations: statuses.into_iter().map(Destination::from).collect(),
    }
}

impl From<Status> for Destination {
    fn from(status: Status) -> Self {
        Self {
            id: status.id,
            state: status.state,
            since: status.since,
            error: status.error,
            needs_operator: status.needs_operator,
            insecure: status.insecure,
        }
    }
}
