//! `/api/v1/destinations`: where profiles go.

use std::cmp::Ordering;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::edit;
use super::listing::{Direction, Search, by_name, part};
use super::schema::ShownSettings;
use crate::config;
use crate::object::Members;
use crate::private::PrivatePlane;
use crate::private::destination_status::DestinationStatus;
use crate::private::error::{ApiError, ErrorBody};
use crate::private::extract::{Json as Body, Path, Query};
use crate::runtime::{DestinationChange, DestinationView, Edit, NewDestination, Revision};

/// Where profiles go.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the name on the wire")]
pub(super) struct Destinations {
    /// In the order that was asked for.
    destinations: Vec<Destination>,
    /// How many match the search, on all pages.
    total: usize,
    /// How many of all wait for their Redis, get back what it lost, or lack something; those that are not configured
    /// included.
    waiting: usize,
    /// Those that are not configured any more and have events waiting.
    retired: Vec<DestinationStatus>,
}

/// Which destinations are shown.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DestinationsQuery {
    /// A text in name, id or address, in any case.
    search: Option<String>,
    /// `file` (the order there, which it is without), `name`, `state`, `address`, `queued` or `lag`.
    #[param(inline)]
    sort: Option<DestinationSort>,
    /// `ascending`, which it is without, or `descending`.
    #[param(inline)]
    direction: Option<Direction>,
    /// How many are left out before the first one.
    offset: Option<usize>,
    /// How many at most, from 1 to 1,000; all without.
    limit: Option<usize>,
}

/// By what destinations are sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum DestinationSort {
    #[default]
    File,
    Name,
    State,
    Address,
    Queued,
    Lag,
}

/// A destination and how it is doing, before it is known whether it is shown.
type Candidate<'a> = (&'a DestinationView, DestinationStatus);

impl DestinationSort {
    fn compare(self, (one, now): &Candidate<'_>, (other, then): &Candidate<'_>) -> Ordering {
        match self {
            Self::File => Ordering::Equal,
            Self::Name => by_name(&one.settings.name, &other.settings.name),
            Self::State => now.state.cmp(then.state),
            Self::Address => one
                .settings
                .connection
                .address
                .cmp(&other.settings.connection.address),
            Self::Queued => now.queued.cmp(&then.queued),
            Self::Lag => {
                let lag = |status: &DestinationStatus| status.lag_seconds.unwrap_or_default();
                lag(now).total_cmp(&lag(then))
            }
        }
    }
}

/// A Redis that profiles are written to. Its secrets are never shown, only whether there are any.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Destination {
    #[serde(flatten)]
    settings: ShownSettings,
    /// Changes when one of its settings does. Send it as `If-Match` with a change that must not overwrite another's.
    revision: String,
    /// Where the password is written: `file` (kenwell.toml), `environment` or `secret_file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    password_from: Option<config::Origin>,
    /// Ids of the sources that feed it.
    sources: Vec<String>,
    /// How it is doing.
    status: DestinationStatus,
}

impl Destination {
    fn of(plane: &PrivatePlane, running: &DestinationView) -> Self {
        Self::with(plane, running, plane.status(running))
    }

    fn with(plane: &PrivatePlane, running: &DestinationView, status: DestinationStatus) -> Self {
        let settings = &running.settings;
        let config = plane.runtime.config();
        let feeds = config
            .sources
            .iter()
            .filter(|source| source.destinations.contains(&settings.id));
        Self {
            settings: ShownSettings::of(settings),
            revision: Revision::of_destination(settings).to_string(),
            password_from: settings.password_from,
            sources: feeds.map(|source| source.id.clone()).collect(),
            status,
        }
    }

    fn find(plane: &PrivatePlane, id: &str) -> Result<Self, ApiError> {
        Ok(Self::of(plane, &find(plane, id)?))
    }
}

/// The destination with this id.
pub(super) fn find(plane: &PrivatePlane, id: &str) -> Result<DestinationView, ApiError> {
    let all = plane.runtime.destinations();
    let found = all.iter().find(|running| running.id() == id);
    found.cloned().ok_or_else(|| ApiError::no_destination(id))
}

/// List the destinations
#[utoipa::path(
    get, path = "/api/v1/destinations", tag = "destinations", operation_id = "list_destinations",
    params(DestinationsQuery),
    responses(
        (status = 200, body = Destinations),
        (status = 400, body = ErrorBody, description = "what is asked for is not there"),
    )
)]
pub(super) async fn list(
    State(plane): State<Arc<PrivatePlane>>,
    Query(query): Query<DestinationsQuery>,
) -> Result<Json<Destinations>, ApiError> {
    let all = plane.runtime.destinations();
    let retired = plane.retired();
    let mut found: Vec<Candidate<'_>> = all
        .iter()
        .map(|running| (running, plane.status(running)))
        .collect();
    let statuses = found.iter().map(|(_, status)| status).chain(&retired);
    let waiting = statuses.filter(|status| status.takes_less()).count();
    let search = Search::new(query.search);
    found.retain(|(running, _)| {
        let settings = &running.settings;
        search.finds(&[&settings.name, &settings.id, &settings.connection.address])
    });
    let (sort, direction) = (
        query.sort.unwrap_or_default(),
        query.direction.unwrap_or_default(),
    );
    found.sort_by(|one, other| direction.of(sort.compare(one, other)));
    let total = found.len();
    let shown = part(found, query.offset, query.limit)?;
    let shown = shown
        .into_iter()
        .map(|(running, status)| Destination::with(&plane, running, status));
    Ok(Json(Destinations {
        destinations: shown.collect(),
        total,
        waiting,
        retired,
    }))
}

/// Add a destination
///
/// It begins with the events accepted from now on.
#[utoipa::path(
    post, path = "/api/v1/destinations", tag = "destinations", operation_id = "add_destination",
    request_body = NewDestination,
    responses(
        (status = 201, body = Destination),
        (status = 409, body = ErrorBody, description = "the id is taken, the file was changed meanwhile, or is read-only"),
        (status = 422, body = ErrorBody, description = "a setting is wrong"),
    )
)]
pub(super) async fn add(
    State(plane): State<Arc<PrivatePlane>>,
    headers: HeaderMap,
    Body(Members(new)): Body<Members>,
) -> Result<(StatusCode, Json<Destination>), ApiError> {
    let edit = Edit::AddDestination(NewDestination::read(new)?);
    let destination = edit::shown(&plane, &headers, edit, Destination::find).await?;
    Ok((StatusCode::CREATED, destination))
}

/// Show a destination
#[utoipa::path(
    get, path = "/api/v1/destinations/{id}", tag = "destinations", operation_id = "get_destination",
    params(("id" = String, Path, description = "the destination's id")),
    responses((status = 200, body = Destination), (status = 404, body = ErrorBody))
)]
pub(super) async fn get(
    State(plane): State<Arc<PrivatePlane>>,
    Path(id): Path<String>,
) -> Result<Json<Destination>, ApiError> {
    Destination::find(&plane, &id).map(Json)
}

/// Change a destination
///
/// Delivery goes on with the new settings, at the edge of a batch. A password that is missing here stays; when
/// the change decides who gets it (address, kind, user, TLS), it must be given again.
#[utoipa::path(
    patch, path = "/api/v1/destinations/{id}", tag = "destinations", operation_id = "change_destination",
    params(("id" = String, Path, description = "the destination's id")),
    request_body = DestinationChange,
    responses(
        (status = 200, body = Destination),
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
) -> Result<Json<Destination>, ApiError> {
    changed(&plane, &headers, id, change).await
}

/// What a removal gives up.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Forget {
    /// How many waiting events are given up: at least as many as wait.
    forget: Option<u64>,
}

/// Remove a destination
///
/// No source feeds it any more; its dead letters stay. It gets a few seconds to deliver what waits for it.
/// With events waiting that it cannot deliver it is not removed, and the answer says how many they are, unless
/// `forget` gives up as many. Also for a destination that is not configured, of which only those are left.
#[utoipa::path(
    delete, path = "/api/v1/destinations/{id}", tag = "destinations", operation_id = "remove_destination",
    params(("id" = String, Path, description = "the destination's id"), Forget),
    responses(
        (status = 204, description = "it is gone"),
        (status = 400, body = ErrorBody, description = "`forget` is no number"),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "`events_waiting`: more events wait than are given up; or the file was changed meanwhile, is read-only, or not in force"),
    )
)]
pub(super) async fn remove(
    State(plane): State<Arc<PrivatePlane>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(Forget { forget }): Query<Forget>,
) -> Result<StatusCode, ApiError> {
    let give_up = forget.unwrap_or(0);
    edit::apply(&plane, &headers, Edit::RemoveDestination { id, give_up }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pause a destination
///
/// Delivery stops at the edge of a batch. What is accepted meanwhile waits in the journal.
#[utoipa::path(
    post, path = "/api/v1/destinations/{id}/pause", tag = "destinations", operation_id = "pause_destination",
    params(("id" = String, Path, description = "the destination's id")),
    responses((status = 200, body = Destination), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody))
)]
pub(super) async fn pause(
    State(plane): State<Arc<PrivatePlane>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Destination>, ApiError> {
    changed(&plane, &headers, id, paused(true.into())).await
}

/// Let a destination go on
#[utoipa::path(
    post, path = "/api/v1/destinations/{id}/resume", tag = "destinations", operation_id = "resume_destination",
    params(("id" = String, Path, description = "the destination's id")),
    responses((status = 200, body = Destination), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody))
)]
pub(super) async fn resume(
    State(plane): State<Arc<PrivatePlane>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Destination>, ApiError> {
    changed(&plane, &headers, id, paused(Value::Null)).await
}

fn paused(paused: Value) -> Map<String, Value> {
    Map::from_iter([("paused".to_owned(), paused)])
}

async fn changed(
    plane: &PrivatePlane,
    headers: &HeaderMap,
    id: String,
    change: Map<String, Value>,
) -> Result<Json<Destination>, ApiError> {
    let change = DestinationChange::read(change)?;
    let edit = Edit::ChangeDestination { id, change };
    edit::shown(plane, headers, edit, Destination::find).await
}
