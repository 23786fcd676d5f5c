//! Every path of the private plane, and what stands before all of them.

use std::sync::{Arc, LazyLock};

use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use http::{HeaderValue, StatusCode, header};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ApiError;
use super::timeout::{self, QUICK, SLOW};
use super::{PrivatePlane, api, assets, guard, headers, metrics, ready, sign_in};

/// The most bytes of a request's body: room for a few certificates.
const MAX_BODY_BYTES: usize = 512 * 1024;

/// The API's description as JSON, made once.
static DESCRIPTION: LazyLock<Result<String, serde_json::Error>> =
    LazyLock::new(|| described().split_for_parts().1.to_json());

/// The paths of the API, each with its description.
fn described() -> OpenApiRouter<Arc<PrivatePlane>> {
    let limit = |limit| middleware::from_fn_with_state(limit, timeout::end);
    let quick = OpenApiRouter::with_openapi(api::frame())
        .merge(api::quick())
        .routes(routes!(ready::ready))
        .routes(routes!(metrics::scrape))
        .routes(routes!(description))
        .route_layer(limit(QUICK));
    quick
        .merge(api::slow().route_layer(limit(SLOW)))
        .merge(api::streams())
}

/// All paths. Whatever comes in goes past the guard, also to paths that are none.
pub(super) fn router(plane: Arc<PrivatePlane>) -> Router {
    let (api, _): (Router<Arc<PrivatePlane>>, OpenApi) = described().split_for_parts();
    let pages = Router::new()
        .route("/", get(assets::index))
        .route("/console/{file}", get(assets::file))
        .route("/login", post(sign_in::login))
        .route_layer(middleware::from_fn_with_state(QUICK, timeout::end));
    api.merge(pages)
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&plane),
            guard::admit,
        ))
        .layer(middleware::from_fn(headers::add))
        .with_state(plane)
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

async fn nothing_here() -> ApiError {
    ApiError::not_found(
        "no_path",
        "there is nothing at this path; see /api/v1/openapi.json",
    )
}

async fn wrong_method() -> ApiError {
    let message = "this path does not take this method; see /api/v1/openapi.json";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", message)
}
