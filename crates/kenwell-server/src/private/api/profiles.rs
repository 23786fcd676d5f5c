//! `/api/v1/profiles`: what Redis holds of one user.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use kenwell::Error;
use kenwell::profile;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::state_entries::{self, StateEntry, StateQuery};
use super::uninterrupted::uninterrupted;
use super::user_id::{UserQuery, user_id};
use super::{destinations, nested::nested, position, stored_profile, text};
use crate::private::PrivatePlane;
use crate::private::error::{ApiError, ErrorBody};
use crate::private::extract::{Path, Query};
use crate::runtime::DestinationView;

/// What Redis holds of one user.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Profile {
    /// The user.
    user_id: String,
    /// The destination's id.
    destination: String,
    /// The key of the hash or document.
    key: String,
    /// How long Redis will keep it; null when nothing makes it expire.
    ttl_seconds: Option<u64>,
    /// The hash's fields, sorted by name; empty when there is no hash.
    fields: Vec<(String, String)>,
    /// How long Redis will keep those fields that go before the hash does; empty unless `field_ttl` is set.
    field_ttl_seconds: BTreeMap<String, u64>,
    /// The same with dots in names made objects.
    #[schema(value_type = Object)]
    nested: Map<String, Value>,
    /// The user's document, where the destination's profiles are JSON documents; null where there is none.
    #[schema(value_type = Option<Value>)]
    document: Option<Box<RawValue>>,
    /// The user's state entries that exist.
    state: Vec<StateEntry>,
}

/// Whether there was anything to delete.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Deleted {
    deleted: bool,
}

/// Look a user up
#[utoipa::path(
    get, path = "/api/v1/profiles/{destination}/{user_id}", tag = "profiles", operation_id = "get_profile",
    params(
        ("destination" = String, Path, description = "the destination's id"),
        ("user_id" = String, Path, description = "the user's id, percent-encoded"),
        StateQuery,
        ("Kenwell-Position" = Option<String>, Header,
            description = "the header of an answer of the gateway: this is not answered before its events have their outcome at the destination"),
        ("Prefer" = Option<String>, Header,
            description = "`wait=SECONDS`: how long to wait for that, at most 60; 5 when it is missing"),
    ),
    responses(
        (status = 200, body = Profile),
        (status = 400, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "no such destination, or nothing is stored for this user"),
        (status = 409, body = ErrorBody, description = "the position was not applied in time (`not_applied`), or is of another journal (`other_journal`)"),
        (status = 502, body = ErrorBody, description = "Redis did not answer"),
        (status = 503, body = ErrorBody, description = "too many requests wait for a position already"),
    )
)]
pub(super) async fn get(
    State(plane): State<Arc<PrivatePlane>>,
    Path((destination, named)): Path<(String, String)>,
    Query(mut wanted): Query<StateQuery>,
    headers: HeaderMap,
) -> Result<(HeaderMap, Json<Profile>), ApiError> {
    let user_id = user_id(named, wanted.user_id.take())?;
    let running = destinations::find(&plane, &destination)?;
    let applied = position::wait(&plane, &running, &headers).await?;
    let (connection, layout) = (&running.connection, &running.layout);
    let redis = |error| ApiError::redis(&error);
    let stored = stored_profile::read(connection, layout, &user_id)
        .await
        .map_err(redis)?;
    let key = text::of(&layout.key(&user_id));
    let state = state_entries::find(&running, &wanted, &user_id).await?;
    if stored.is_none() && state.is_empty() {
        let message = format!(
            "there is no profile at {key} in the Redis of \"{destination}\", and no state entry of this user"
        );
        return Err(ApiError::not_found("no_profile", message));
    }
    // The user whom Kenwell logs in as may have no right to ask.
    let ttl = match profile::expires_in(connection, layout, &user_id).await {
        Err(Error::Refused { .. }) => None,
        ttl => ttl.map_err(redis)?,
    };
    let stored = stored.unwrap_or_default();
    let field_ttl_seconds = field_ttls(&running, &user_id, &stored.fields).await;
    let field_ttl_seconds = field_ttl_seconds.map_err(redis)?;
    let profile = Profile {
        user_id,
        destination,
        key,
        ttl_seconds: ttl.map(|ttl| ttl.as_secs()),
        nested: nested(&stored.fields),
        fields: stored.fields,
        field_ttl_seconds,
        document: stored.document,
        state,
    };
    Ok((applied, Json(profile)))
}

/// How long those fields stay that go before their profile, in seconds, where there can be some.
async fn field_ttls(
    running: &DestinationView,
    user_id: &str,
    stored: &[(String, String)],
) -> Result<BTreeMap<String, u64>, Error> {
    if running.settings.expiry().field_ttls.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (connection, layout) = (&running.connection, &running.layout);
    let names: Vec<_> = stored.iter().map(|(name, _)| name).collect();
    let times = match profile::fields_expire_in(connection, layout, user_id, &names).await {
        // No right to ask, or a server that does not know it.
        Err(Error::Refused { .. }) => return Ok(BTreeMap::new()),
        times => times?,
    };
    let times = names.into_iter().zip(times);
    let times = times.filter_map(|(name, time)| Some((name.clone(), time?.as_secs())));
    Ok(times.collect())
}

/// Delete a profile
///
/// The hash or document goes; events that come later, or are still on their way, make a new one.
#[utoipa::path(
    delete, path = "/api/v1/profiles/{destination}/{user_id}", tag = "profiles", operation_id = "delete_profile",
    params(
        ("destination" = String, Path, description = "the destination's id"),
        ("user_id" = String, Path, description = "the user's id, percent-encoded"),
        UserQuery,
    ),
    responses(
        (status = 200, body = Deleted),
        (status = 400, body = ErrorBody, description = "path and query name two users"),
        (status = 404, body = ErrorBody),
        (status = 502, body = ErrorBody, description = "Redis did not answer"),
    )
)]
pub(super) async fn delete(
    State(plane): State<Arc<PrivatePlane>>,
    Path((destination, named)): Path<(String, String)>,
    Query(UserQuery { user_id: asked }): Query<UserQuery>,
) -> Result<Json<Deleted>, ApiError> {
    let user_id = user_id(named, asked)?;
    let running = destinations::find(&plane, &destination)?;
    uninterrupted("the deletion", async move {
        let deleted = profile::delete(&running.connection, &running.layout, &user_id).await;
        let deleted = deleted.map_err(|error| ApiError::redis(&error))?;
        tracing::info!(
            destination.id = destination,
            deleted,
            "a profile was deleted on request"
        );
        Ok(Json(Deleted { deleted }))
    })
    .await
}
