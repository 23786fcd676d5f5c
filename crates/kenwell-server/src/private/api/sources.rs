//! `/api/v1/sources`: who may send.

use std::cmp::Ordering;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::edit;
use super::listing::{Direction, Search, by_name, part};
use crate::config;
use crate::object::Members;
use crate::private::PrivatePlane;
use crate::private::error::{ApiError, ErrorBody};
use crate::private::extract::{Json as Body, Path, Query};
use crate::runtime::{Edit, NewSource, Revision, SourceChange};
use crate::time;

/// Who may send.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Sources {
    /// In the order that was asked for.
    sources: Vec<Source>,
    /// How many match the search, on all pages.
    total: usize,
}

/// Which sources are shown.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SourcesQuery {
    /// A text in name or id, in any case.
    search: Option<String>,
    /// `file` (the order there, which it is without), `name`, `state`, `accepted` or `last_seen`.
    #[param(inline)]
    sort: Option<SourceSort>,
    /// `ascending`, which it is without, or `descending`.
    #[param(inline)]
    direction: Option<Direction>,
    /// How many are left out before the first one.
    offset: Option<usize>,
    /// How many at most, from 1 to 1,000; all without.
    limit: Option<usize>,
}

/// By what sources are sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SourceSort {
    #[default]
    File,
    Name,
    State,
    Accepted,
    LastSeen,
}

impl SourceSort {
    fn compare(self, one: &Source, other: &Source) -> Ordering {
        match self {
            Self::File => Ordering::Equal,
            Self::Name => by_name(&one.name, &other.name),
            Self::State => other.enabled.cmp(&one.enabled),
            Self::Accepted => one.accepted.cmp(&other.accepted),
            Self::LastSeen => one.last_seen_at.cmp(&other.last_seen_at),
        }
    }
}

/// Somebody who sends events.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Source {
    /// Its id.
    id: String,
    /// Changes when one of its settings does. Send it as `If-Match` with a change that must not overwrite another's.
    revision: String,
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
            revision: Revision::of_source(source).to_string(),
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
    params(SourcesQuery),
    responses(
        (status = 200, body = Sources),
        (status = 400, body = ErrorBody, description = "what is asked for is not there"),
    )
)]
pub(super) async fn list(
    State(plane): State<Arc<PrivatePlane>>,
    Query(query): Query<SourcesQuery>,
) -> Result<Json<Sources>, ApiError> {
    let config = plane.runtime.config();
    let search = Search::new(query.search);
    let found = config.sources.iter();
    let found = found.filter(|source| search.finds(&[&source.name, &source.id]));
    let mut sources: Vec<_> = found.map(|source| Source::of(&plane, source)).collect();
    let (sort, direction) = (
        query.sort.unwrap_or_default(),
        query.direction.unwrap_or_default(),
    );
    sources.sort_by(|one, other| direction.of(sort.compare(one, other)));
    Ok(Json(Sources {
        total: sources.len(),
        sources: part(sources, query.offset, query.limit)?,
    }))
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
