//! `/api/v1/audit`: who changed what.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::audit::{AuditEntry, MAX_ENTRIES};
use crate::private::PrivatePlane;
use crate::private::error::{ApiError, ErrorBody};
use crate::private::extract::Query;

/// How many entries there are without `limit`.
const ENTRIES: usize = 100;

/// The last deeds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditEntries {
    /// The newest first.
    entries: Vec<AuditEntry>,
}

/// How much is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// The most entries, at most 500; 100 unless it is given.
    limit: Option<usize>,
}

/// Who changed what
///
/// The last deeds: requests that were to change something, sign-ins and sign-outs, and configuration files that were taken
/// over. The last MiB of them is kept in the data directory, some thousand at least.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "operations", operation_id = "list_audit",
    params(AuditQuery),
    responses((status = 200, body = AuditEntries), (status = 400, body = ErrorBody))
)]
pub(super) async fn list(
    State(plane): State<Arc<PrivatePlane>>,
    Query(AuditQuery { limit }): Query<AuditQuery>,
) -> Result<Json<AuditEntries>, ApiError> {
    let limit = limit.unwrap_or(ENTRIES);
    if !(1..=MAX_ENTRIES).contains(&limit) {
        let message = format!("`limit` is 1 to {MAX_ENTRIES}");
        return Err(ApiError::bad_request(message).about("limit"));
    }
    let entries = plane.audit_log.last(limit).await;
    Ok(Json(AuditEntries { entries }))
}
