//! `/api/v1/…/preview`: what a change would make of the file, without making it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::object::Members;
use crate::private::PrivatePlane;
use crate::private::error::{ApiError, ErrorBody};
use crate::private::extract::{Json as Body, Path};
use crate::runtime::{ChangedTables, DestinationChange, Edit, NewDestination, SourceChange};

/// The tables of the file that would change, as text. Secrets are hidden; of one that would change it says so.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FileChange {
    /// As they are.
    before: String,
    /// As they would be.
    after: String,
}

impl From<ChangedTables> for FileChange {
    fn from(ChangedTables { before, after }: ChangedTables) -> Self {
        Self { before, after }
    }
}

/// Preview a change of a source
///
/// What `PATCH` with the same body would write. Nothing is changed.
#[utoipa::path(
    post, path = "/api/v1/sources/{id}/preview", tag = "sources", operation_id = "preview_source",
    params(("id" = String, Path, description = "the source's id")),
    request_body = SourceChange,
    responses(
        (status = 200, body = FileChange),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "a setting is wrong"),
    )
)]
pub(super) async fn source(
    State(plane): State<Arc<PrivatePlane>>,
    Path(id): Path<String>,
    Body(Members(change)): Body<Members>,
) -> Result<Json<FileChange>, ApiError> {
    let change = SourceChange::read(change)?;
    tables(&plane, Edit::ChangeSource { id, change })
}

/// Preview a change of a destination
///
/// What `PATCH` with the same body would write. Nothing is changed.
#[utoipa::path(
    post, path = "/api/v1/destinations/{id}/preview", tag = "destinations", operation_id = "preview_destination",
    params(("id" = String, Path, description = "the destination's id")),
    request_body = DestinationChange,
    responses(
        (status = 200, body = FileChange),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "a setting is wrong"),
    )
)]
pub(super) async fn destination(
    State(plane): State<Arc<PrivatePlane>>,
    Path(id): Path<String>,
    Body(Members(change)): Body<Members>,
) -> Result<Json<FileChange>, ApiError> {
    let change = DestinationChange::read(change)?;
    tables(&plane, Edit::ChangeDestination { id, change })
}

/// Preview a new destination
///
/// What `POST /api/v1/destinations` with the same body would write. Nothing is changed.
#[utoipa::path(
    post, path = "/api/v1/destinations/preview", tag = "destinations", operation_id = "preview_new_destination",
    request_body = NewDestination,
    responses(
        (status = 200, body = FileChange),
        (status = 404, body = ErrorBody, description = "there is no such source"),
        (status = 409, body = ErrorBody, description = "the id is taken"),
        (status = 422, body = ErrorBody, description = "a setting is wrong"),
    )
)]
pub(super) async fn new_destination(
    State(plane): State<Arc<PrivatePlane>>,
    Body(Members(new)): Body<Members>,
) -> Result<Json<FileChange>, ApiError> {
    tables(&plane, Edit::AddDestination(NewDestination::read(new)?))
}

fn tables(plane: &PrivatePlane, edit: Edit) -> Result<Json<FileChange>, ApiError> {
    Ok(Json(plane.runtime.changed_tables(edit)?.into()))
}
