//! `/api/v1/sources`: who may send.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::edit;
use crate::config;
use crate::object::Members;
use crate::private::PrivatePlane;
use crate::private::error::{ApiError, ErrorBody};
use crate::private::extract::{Json as Body, Path};
use crate::runtime::{Edit, NewSource, SourceChange};
use crate::time;

/// Who may send.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Sources {
    /// In the order of the file.
    sources: Vec<Source>,
}

/// Somebody who sends events.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Source {
    /// Its id.
    id: String,
    /// For people.
    name: String,
    /// Whether it may send.
    enabled: bool,
    /// The public credential that its SDKs send.
    write_key: String,
    /// Where the key is written: `file` (kenwell.toml), `environment` or `secret_file`.
    write_key_from: config::Origin,
    /// Ids of the destinations that it feeds.
    destinations: Vec<String>,
    /// Identify events made durable since the start.
    accepted: u64,
    /// When its latest request since the start was taken.
    last_seen_at: Option<String>,
}

impl Source {
    fn of(plane: &PrivatePlane, source: &config::Source) -> Self {
        let counters = plane.metrics.source(&source.id);
        Self {
            id: source.id.clone(),
            name: source.name.clone(),
            enabled: source.enabled,
            write_key: source.write_key.expose().to_owned(),
            write_key_from: source.write_key_from,
            destinations: source.destinations.clone(),
            accepted: counters.total_accepted(),
            last_seen_at: counters.last_seen().map(time::text),
        }
    }

    fn find(plane: &PrivatePlane, id: &str) -> Result<Self, ApiError> {
        let config = plane.runtime.config();
        let source = config.sources.iter().find(|source| source.id == id);
        let source = source.ok_or_else(|| ApiError::no_source(id))?;
        Ok(Self::of(plane, source))
    }
}

/// List the sources
#[utoipa::path(
    get, path = "/api/v1/sources", tag = "sources", operation_id = "list_sources",
    responses((status = 200, body = Sources))
)]
pub(super) async fn list(State(plane): State<Arc<PrivatePlane>>) -> Json<Sources> {
    let config = plane.runtime.config();
    let sources = config
        .sources
        .iter()
        .map(|source| Source::of(&plane, source));
    Json(Sources {
        sources: sources.collect(),
    })
}

/// Add a source
///
/// Its write key is made for it.
#[utoipa::path(
    post, path = "/api/v1/sources", tag = "sources", operation_id = "add_source",
    request_body = NewSource,
    responses(
        (status = 201, body = Source),
        (status = 409, body = ErrorBody, description = "the id is taken, the file was changed meanwhile, or is read-only"),
        (status = 422, body = ErrorBody, description = "a setting is wrong"),
    )
)]
pub(super) async fn add(
    State(plane): State<Arc<PrivatePlane>>,
    headers: HeaderMap,
    Body(new): Body<NewSource>,
) -> Result<(StatusCode, Json<Source>), ApiError> {
    let source = edit::shown(&plane, &headers, Edit::AddSource(new), Source::find).await?;
    Ok((StatusCode::CREATED, source))
}

/// Show a source
#[utoipa::path(
    get, path = "/api/v1/sources/{id}", tag = "sources", operation_id = "get_source",
    params(("id" = String, Path, description = "the source's id")),
    responses((status = 200, body = Source), (status = 404, body = ErrorBody))
)]
pub(super) async fn get(
    State(plane): State<Arc<PrivatePlane>>,
    Path(id): Path<String>,
) -> Result<Json<Source>, ApiError> {
    Source::find(&plane, &id).map(Json)
}

/// Change a source
#[utoipa::path(
    patch, path = "/api/v1/sources/{id}", tag = "sources", operation_id = "change_source",
    params(("id" = String, Path, description = "the source's id")),
    request_body = SourceChange,
    responses(
        (status = 200, body = Source),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "the file was changed meanwhile, or is read-only"),
        (status = 422, body = ErrorBody, description = "a setting is wrong"),
    )
)]
pub(super) async fn change(
    State(plane): State<Arc<PrivatePlane>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Body(Members(change)): Body<Members>,
) -> Result<Json<Source>, ApiError> {
    let change = SourceChange::read(change)?;
    let edit = Edit::ChangeSource { id, change };
    edit::shown(&plane, &headers, edit, Source::find).await
}

/// Remove a source
///
/// Its write key is refused from then on. What it has sent already is delivered.
#[utoipa::path(
    delete, path = "/api/v1/sources/{id}", tag = "sources", operation_id = "remove_source",
    params(("id" = String, Path, description = "the source's id")),
    responses(
        (status = 204, description = "it is gone"),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "the file was changed meanwhile, or is read-only"),
    )
)]
pub(super) async fn remove(
    State(plane): State<Arc<PrivatePlane>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    edit::apply(&plane, &headers, Edit::RemoveSource(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a source a new write key
///
/// The old one is refused from then on.
#[utoipa::path(
    post, path = "/api/v1/sources/{id}/rotate-key", tag = "sources", operation_id = "rotate_write_key",
    params(("id" = String, Path, description = "the source's id")),
    responses(
        (status = 200, body = Source),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "the file was changed meanwhile, or is read-only"),
    )
)]
pub(super) async fn rotate(
    State(plane): State<Arc<PrivatePlane>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Source>, ApiError> {
    edit::shown(&plane, &headers, Edit::NewWriteKey(id), Source::find).await
}
