//! `/ready`: whether events are accepted, and which destination waits and why. Open to everybody.

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
    /// `ready`, `degraded` (a destination waits; its events are kept) or `not accepting events`.
    status: &'static str,
    /// Whether the gateway takes events.
    accepting: bool,
    /// The destinations.
    destinations: Vec<Destination>,
}

/// How one destination is doing. Errors are left out: whoever has the key finds them in the overview.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DestinationReadiness)]
struct Destination {
    /// Its id.
    id: String,
    /// `up`, `waiting`, `paused` or `disabled`.
    state: &'static str,
    /// Whether it accepts any certificate (`skip_verify`), so that anyone on the way could read and
    /// change what is sent.
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
    let readiness = readiness(accepting, &plane.statuses());
    let code = if accepting {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, Json(readiness))
}

fn readiness(accepting: bool, statuses: &[Status]) -> Readiness {
    let waits = statuses.iter().any(Status::is_waiting);
    Readiness {
        status: match (accepting, waits) {
            (false, _) => "not accepting events",
            (true, true) => "degraded",
            (true, false) => "ready",
        },
        accepting,
        destinations: statuses
            .iter()
            .map(|status| Destination {
                id: status.id.clone(),
                state: status.state,
                insecure: status.insecure,
            })
            .collect(),
    }
}
