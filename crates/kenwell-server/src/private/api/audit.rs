//! `/api/v1/audit`: who changed what.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::listing::{Search, part};
use crate::audit::{AuditEntry, AuditResult, Who};
use crate::private::PrivatePlane;
use crate::private::error::{ApiError, ErrorBody};
use crate::private::extract::Query;

/// How many entries there are without `limit`.
const ENTRIES: usize = 100;

/// The last deeds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditEntries {
    /// Those that were asked for, the newest first.
    entries: Vec<AuditEntry>,
    /// How many match, on all pages.
    total: usize,
    /// The names of all deeds that are kept, whatever was asked for.
    deeds: BTreeSet<String>,
}

/// Which deeds are shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// Who did it.
    #[param(inline)]
    who: Option<Who>,
    /// What was done, by its name.
    deed: Option<String>,
    /// What came of it.
    #[param(inline)]
    result: Option<AuditResult>,
    /// A text in the id, the address, or the name of a setting, in any case.
    search: Option<String>,
    /// How many of the newest are left out.
    offset: Option<usize>,
    /// The most entries, from 1 to 1,000; 100 unless it is given.
    limit: Option<usize>,
}

impl AuditQuery {
    /// Whether this is what is asked for; `search` is that of the query.
    fn wants(&self, entry: &AuditEntry, search: &Search) -> bool {
        let about = entry.about.as_deref().unwrap_or_default();
        let address = entry.address.as_deref().unwrap_or_default();
        let mut texts = vec![about, address];
        texts.extend(entry.settings.iter().map(String::as_str));
        self.who.is_none_or(|who| entry.who == who)
            && self.deed.as_ref().is_none_or(|deed| entry.deed == *deed)
            && self.result.is_none_or(|result| entry.result == result)
            && search.finds(&texts)
    }
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
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditEntries>, ApiError> {
    let all =
        plane.audit_log.all().await.map_err(|error| {
            ApiError::internal(format!("the audit log cannot be read: {error}"))
        })?;
    let deeds = all.iter().map(|entry| entry.deed.clone()).collect();
    let search = Search::new(query.search.clone());
    let wanted = all.into_iter().filter(|entry| query.wants(entry, &search));
    let found: Vec<_> = wanted.collect();
    let total = found.len();
    let entries = part(found, query.offset, query.limit.or(Some(ENTRIES)))?;
    Ok(Json(AuditEntries {
        entries,
        total,
        deeds,
    }))
}
