//! `/ready`: whether events are accepted, and which destination waits and why. Open to everybody: it
//! names settings and addresses, never secrets.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ProblemText;
use super::{PrivatePlane, destination_status::DestinationStatus, not_accepting};

/// Problems of the configuration file that are told here.
const MAX_PROBLEMS: usize = 20;

/// How the server is doing.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// `ready`, `degraded` (a destination waits, was not reached yet, or is not configured, and its events are
    /// kept; or the configuration file cannot be used, and what it said before goes on) or `not accepting events`.
    status: &'static str,
    /// Whether the gateway takes events.
    accepting: bool,
    /// Why not, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Why the configuration file is not what runs, the first 20 problems; until it is mended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    configuration: Vec<ProblemText>,
    /// The destinations.
    destinations: Vec<DestinationReadiness>,
    /// A warning, when the way to a destination is open to others (`skip_verify`).
    #[serde(skip_serializing_if = "Option::is_none")]
    insecure: Option<String>,
}

/// How one destination is doing.
#[derive(Debug, Serialize, ToSchema)]
struct DestinationReadiness {
    /// Its id.
    id: String,
    /// `connecting` (not reached yet), `up`, `waiting`, `restoring`, `incomplete`, `paused`, `disabled`, or
    /// `retired` (not configured, with events waiting).
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
    /// Dead letters that somebody has to retry or discard; null before they were counted for the first time.
    /// They make nothing degraded: nothing waits for them.
    dead_letters_outstanding: Option<u64>,
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
pub(super) async fn ready(State(plane): State<Arc<PrivatePlane>>) -> (StatusCode, Json<Readiness>) {
    let statuses = plane.statuses();
    let reason = not_accepting::reason(&plane.journal.stats(), &statuses);
    let accepting = reason.is_none();
    let problems = plane.runtime.state().problems;
    let configuration = problems
        .iter()
        .take(MAX_PROBLEMS)
        .map(ProblemText::from)
        .collect();
    let readiness = readiness(reason, configuration, statuses);
    let code = if accepting {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, Json(readiness))
}

fn readiness(
    reason: Option<String>,
    configuration: Vec<ProblemText>,
    statuses: Vec<DestinationStatus>,
) -> Readiness {
    let accepting = reason.is_none();
    let degraded = !configuration.is_empty() || statuses.iter().any(DestinationStatus::is_degraded);
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
        reason,
        configuration,
        insecure: (!insecure.is_empty()).then(|| {
            format!(
                "skip_verify is on for {}: any certificate is accepted, so anyone on the way to Redis can read and change what is sent",
                insecure.join(", ")
            )
        }),
        destinations: statuses.into_iter().map(DestinationReadiness::from).collect(),
    }
}

impl From<DestinationStatus> for DestinationReadiness {
    fn from(status: DestinationStatus) -> Self {
        Self {
            id: status.id,
            state: status.state,
            since: status.since,
            error: status.error,
            needs_operator: status.needs_operator,
            dead_letters_outstanding: status.dead_letters_outstanding,
            insecure: status.insecure,
        }
    }
}
