//! `/api/v1/configuration`: which file it is, whether it can be edited, and what is wrong with it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::private::PrivatePlane;
use crate::private::error::ProblemText;
use crate::runtime::ConfigurationState;
use crate::time;

/// What is known about the configuration file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Configuration {
    /// Where it is.
    path: String,
    /// The version last read. Send it as `If-Match` with a change that must not overwrite another's.
    revision: String,
    /// Whether it can be edited here.
    writable: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_only_reason: Option<String>,
    /// Why the version last read is not the running one; empty when it is.
    problems: Vec<ProblemText>,
    /// Settings that take effect at the next start only.
    needs_restart: Vec<String>,
    /// When the running configuration was taken over.
    loaded_at: String,
}

impl Configuration {
    pub(super) fn of(state: ConfigurationState) -> Self {
        Self {
            path: state.path.display().to_string(),
            revision: state.revision.to_string(),
            writable: state.read_only.is_none(),
            read_only_reason: state.read_only,
            problems: state.problems.iter().map(ProblemText::from).collect(),
            needs_restart: state.needs_restart,
            loaded_at: time::text(state.loaded_at),
        }
    }
}

/// The configuration file
#[utoipa::path(
    get, path = "/api/v1/configuration", tag = "configuration", operation_id = "get_configuration",
    responses((status = 200, body = Configuration))
)]
pub(super) async fn get(State(plane): State<Arc<PrivatePlane>>) -> Json<Configuration> {
    Json(Configuration::of(plane.runtime.state()))
}
