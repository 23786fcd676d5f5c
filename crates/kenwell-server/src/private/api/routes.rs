//! Every path that the API's description names, by how long it may take.

use std::sync::{Arc, LazyLock};

use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    audit, configuration, dead_letters, destinations, doctor, events, fields, history, openapi,
    overview, preview, profile_why, profiles, replay, session, sources, test_event,
};
use crate::private::error::ApiError;
use crate::private::timeout::{self, QUICK, SLOW, WAITING};
use crate::private::{PrivatePlane, metrics, ready};

/// The API's description as JSON, made once.
static DESCRIPTION: LazyLock<Result<String, serde_json::Error>> =
    LazyLock::new(|| described().split_for_parts().1.to_json());

/// The paths of the API, of metrics and of readiness, each with its description.
pub(in crate::private) fn described() -> OpenApiRouter<Arc<PrivatePlane>> {
    // What only looks, or changes a setting.
    let quick = OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(session::get, session::open, session::close))
        .routes(routes!(overview::get))
        .routes(routes!(history::get))
        .routes(routes!(configuration::get))
        .routes(routes!(audit::list))
        .routes(routes!(sources::list, sources::add))
        .routes(routes!(sources::get, sources::change, sources::remove))
        .routes(routes!(sources::rotate))
        .routes(routes!(preview::source))
        .routes(routes!(preview::destination))
        .routes(routes!(preview::new_destination))
        .routes(routes!(test_event::send))
        .routes(routes!(fields::list))
        .routes(routes!(destinations::list, destinations::add))
        .routes(routes!(
            destinations::get,
            destinations::change,
            destinations::remove
        ))
        .routes(routes!(destinations::pause))
        .routes(routes!(destinations::resume))
        .routes(routes!(ready::ready))
        .routes(routes!(metrics::scrape))
        .routes(routes!(description))
        .route_layer(from_fn_with_state(QUICK, timeout::end));
    // What may wait until events are applied.
    let waiting = OpenApiRouter::new()
        .routes(routes!(profiles::get, profiles::delete))
        .routes(routes!(profile_why::why))
        .route_layer(from_fn_with_state(WAITING, timeout::end));
    // What goes the whole way to a Redis, or through all dead letters or the journal.
    let slow = OpenApiRouter::new()
        .routes(routes!(replay::replay))
        .routes(routes!(doctor::test_settings))
        .routes(routes!(doctor::test))
        .routes(routes!(dead_letters::list))
        .routes(routes!(dead_letters::retry))
        .routes(routes!(dead_letters::discard))
        .route_layer(from_fn_with_state(SLOW, timeout::end));
    // What ends when the reader goes.
    let streams = OpenApiRouter::new().routes(routes!(events::watch));
    quick.merge(waiting).merge(slow).merge(streams)
}

/// The API's description
///
/// This document.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "operations", operation_id = "get_description",
    responses((status = 200, content_type = "application/json", body = Object))
)]
async fn description() -> Response {
    match &*DESCRIPTION {
        Ok(json) => {
            let kind = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, kind)], json.as_str()).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the API's description cannot be written");
            ApiError::internal("the description cannot be written; the log says why")
                .into_response()
        }
    }
}
