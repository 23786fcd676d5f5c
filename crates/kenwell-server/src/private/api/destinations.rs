//! `/api/v1/destinations`: where profiles go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use kenwell::connection::DEFAULT_TIMEOUT;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{DestinationStatus, edit};
use crate::config;
use crate::private::PrivatePlane;
use crate::private::error::{ApiError, ErrorBody};
use crate::private::extract::{Json as Body, Path, Query};
use crate::runtime::{Change, DestinationChange, DestinationView, Edit, NewDestination};

/// Where profiles go.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Destinations {
    destinations: Vec<Destination>,
    /// Those that are not configured any more and have events waiting.
    retired: Vec<DestinationStatus>,
}

/// A Redis that profiles are written to. Its secrets are never shown, only whether there are any.
#[derive(Debug, Serialize, ToSchema)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the settings as they are on the wire"
)]
pub(super) struct Destination {
    /// Its id.
    id: String,
    /// For people.
    name: String,
    /// Whether it gets events.
    enabled: bool,
    /// Whether its events wait in the journal by wish.
    paused: bool,
    /// Whether a Redis that came back with less gets by itself what it lost.
    heal: bool,
    /// Always `redis`.
    r#type: &'static str,
    /// `host:port`; several with commas for a cluster or Sentinels.
    address: String,
    /// The ACL user; null is Redis' default user. When it is given as `env:NAME` or `file:PATH`, that.
    username: Option<String>,
    /// Whether a password is set.
    has_password: bool,
    /// Where it is written: `file` (kenwell.toml), `environment` or `secret_file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    password_from: Option<config::Origin>,
    /// The database's number.
    database: i64,
    /// What stands before the keys.
    prefix: String,
    /// Whether it is a Redis Cluster.
    cluster_mode: bool,
    /// The master's name, when the addresses are Sentinels.
    sentinel_master: Option<String>,
    /// The ACL user at the Sentinels.
    sentinel_username: Option<String>,
    /// Whether a password for the Sentinels is set.
    has_sentinel_password: bool,
    /// Where servers that a cluster or Sentinels name are from here.
    address_map: BTreeMap<String, String>,
    /// Whether it speaks TLS.
    secure: bool,
    /// Whether it accepts any certificate.
    skip_verify: bool,
    /// The authorities that are trusted instead of the system's, in PEM.
    ca_certificate: Option<String>,
    /// The certificate that we show, in PEM.
    client_certificate: Option<String>,
    /// Whether its private key is set.
    has_client_key: bool,
    /// The name that the server's certificate must carry.
    server_name: Option<String>,
    /// How long opening a connection may take; null for 5s.
    connect_timeout: Option<String>,
    /// How long Redis may be silent; null for 5s.
    response_timeout: Option<String>,
    /// Ids of the sources that feed it.
    sources: Vec<String>,
    /// How it is doing.
    status: DestinationStatus,
}

/// The settings of a destination, by the names of docs/configuration.md. In a change, what is missing
/// stays and null removes.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes what `runtime::DestinationChange` is on the wire"
)]
pub(super) struct DestinationSettings {
    name: Option<String>,
    enabled: Option<bool>,
    paused: Option<bool>,
    heal: Option<bool>,
    #[schema(example = "redis.internal:6379")]
    address: Option<String>,
    username: Option<String>,
    /// Also `env:NAME` or `file:PATH`, as far as `private.allowed_references` in the file has it. What is
    /// stored stays when it is missing here, but not when the change decides who gets it.
    #[schema(format = Password)]
    password: Option<String>,
    database: Option<u32>,
    prefix: Option<String>,
    cluster_mode: Option<bool>,
    sentinel_master: Option<String>,
    sentinel_username: Option<String>,
    #[schema(format = Password)]
    sentinel_password: Option<String>,
    /// Where servers that a cluster or Sentinels name are from here: `host:port` to `host:port`, or host to
    /// host.
    address_map: Option<BTreeMap<String, String>>,
    secure: Option<bool>,
    skip_verify: Option<bool>,
    /// PEM text, or a path on the server that `private.allowed_references` has.
    ca_certificate: Option<String>,
    client_certificate: Option<String>,
    #[schema(format = Password)]
    client_key: Option<String>,
    server_name: Option<String>,
    #[schema(example = "5s")]
    connect_timeout: Option<String>,
    #[schema(example = "5s")]
    response_timeout: Option<String>,
    /// Ids of the sources that feed it.
    sources: Option<Vec<String>>,
}

/// A destination to be added: its settings, of which name and address are needed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Addition` reads")]
pub(super) struct DestinationToAdd {
    /// `[a-z0-9-]`, at most 64; made from the name when it is missing.
    id: Option<String>,
    #[serde(flatten)]
    settings: DestinationSettings,
}

/// An id and settings, from one flat object in which nothing unknown may stand.
#[derive(Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub(super) struct Addition {
    pub(super) id: Option<String>,
    pub(super) settings: DestinationChange,
}

impl TryFrom<Map<String, Value>> for Addition {
    type Error = serde_json::Error;

    fn try_from(mut object: Map<String, Value>) -> Result<Self, Self::Error> {
        let id = object.remove("id").unwrap_or_default();
        Ok(Self {
            id: Option::deserialize(id)?,
            settings: DestinationChange::deserialize(Value::Object(object))?,
        })
    }
}

impl Destination {
    fn of(plane: &PrivatePlane, running: &DestinationView) -> Self {
        let settings = &running.settings;
        let connection = &settings.connection;
        let config = plane.runtime.config();
        let feeds = config
            .sources
            .iter()
            .filter(|source| source.destinations.contains(&settings.id));
        Self {
            id: settings.id.clone(),
            name: settings.name.clone(),
            enabled: settings.enabled,
            paused: settings.paused,
            heal: settings.heal,
            r#type: "redis",
            address: connection.address.clone(),
            username: shown_username(settings),
            has_password: connection.password.is_some(),
            password_from: settings.password_from,
            database: connection.database,
            prefix: settings.prefix.clone(),
            cluster_mode: connection.cluster_mode,
            sentinel_master: connection.sentinel_master.clone(),
            sentinel_username: connection.sentinel_username.clone(),
            has_sentinel_password: connection.sentinel_password.is_some(),
            address_map: connection.address_map.clone(),
            secure: connection.secure,
            skip_verify: connection.skip_verify,
            ca_certificate: connection.ca_certificate.clone(),
            client_certificate: connection.client_certificate.clone(),
            has_client_key: connection.client_key.is_some(),
            server_name: connection.server_name.clone(),
            connect_timeout: timeout(connection.connect_timeout),
            response_timeout: timeout(connection.command_timeout),
            sources: feeds.map(|source| source.id.clone()).collect(),
            status: plane.status(running),
        }
    }
}

/// The name, or what refers to it: what a variable or file holds is not for everybody with the key.
fn shown_username(settings: &config::Destination) -> Option<String> {
    let reference = settings.username_reference.clone();
    reference.or_else(|| settings.connection.username.clone())
}

/// As the file has it; `None` for the default.
fn timeout(limit: Duration) -> Option<String> {
    let milliseconds = limit.as_millis();
    let text = if milliseconds.is_multiple_of(1_000) {
        format!("{}s", limit.as_secs())
    } else {
        format!("{milliseconds}ms")
    };
    (limit != DEFAULT_TIMEOUT).then_some(text)
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
    responses((status = 200, body = Destinations))
)]
pub(super) async fn list(State(plane): State<Arc<PrivatePlane>>) -> Json<Destinations> {
    let all = plane.runtime.destinations();
    let destinations = all.iter().map(|running| Destination::of(&plane, running));
    Json(Destinations {
        destinations: destinations.collect(),
        retired: plane.retired(),
    })
}

/// Add a destination
///
/// It begins with the events accepted from now on.
#[utoipa::path(
    post, path = "/api/v1/destinations", tag = "destinations", operation_id = "add_destination",
    request_body = DestinationToAdd,
    responses(
        (status = 201, body = Destination),
        (status = 409, body = ErrorBody, description = "the id is taken, the file was changed meanwhile, or is read-only"),
        (status = 422, body = ErrorBody, description = "a setting is wrong"),
    )
)]
pub(super) async fn add(
    State(plane): State<Arc<PrivatePlane>>,
    headers: HeaderMap,
    Body(Addition { id, settings }): Body<Addition>,
) -> Result<(StatusCode, Json<Destination>), ApiError> {
    let new = NewDestination { id, settings };
    let applied = edit::apply(&plane, &headers, Edit::AddDestination(Box::new(new))).await?;
    let running = find(&plane, &edit::id(applied))?;
    Ok((StatusCode::CREATED, Json(Destination::of(&plane, &running))))
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
    let running = find(&plane, &id)?;
    Ok(Json(Destination::of(&plane, &running)))
}

/// Change a destination
///
/// Delivery goes on with the new settings, at the edge of a batch. A password that is missing here stays; when
/// the change decides who gets it (address, kind, user, TLS), it must be given again.
#[utoipa::path(
    patch, path = "/api/v1/destinations/{id}", tag = "destinations", operation_id = "change_destination",
    params(("id" = String, Path, description = "the destination's id")),
    request_body = DestinationSettings,
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
    Body(change): Body<DestinationChange>,
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
    changed(&plane, &headers, id, paused(Change::To(true))).await
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
    changed(&plane, &headers, id, paused(Change::Remove)).await
}

fn paused(paused: Change<bool>) -> DestinationChange {
    DestinationChange {
        paused,
        ..DestinationChange::default()
    }
}

async fn changed(
    plane: &PrivatePlane,
    headers: &HeaderMap,
    id: String,
    change: DestinationChange,
) -> Result<Json<Destination>, ApiError> {
    let edit = Edit::ChangeDestination {
        id: id.clone(),
        change: Box::new(change),
    };
    edit::apply(plane, headers, edit).await?;
    let running = find(plane, &id)?;
    Ok(Json(Destination::of(plane, &running)))
}
