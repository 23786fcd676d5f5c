//! Every path of the private plane, and what stands before all of them.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use http::StatusCode;

use super::deeds::{self, Operations};
use super::error::ApiError;
use super::timeout::{self, QUICK};
use super::{PrivatePlane, api, assets, guard, headers, sign_in, sign_in_link};

/// The most bytes of a request's body: room for a few certificates.
const MAX_BODY_BYTES: usize = 512 * 1024;

/// All paths. Whatever comes in goes past the guard, also to paths that are none.
pub(super) fn router(plane: Arc<PrivatePlane>) -> Router {
    let (api, description) = api::described().split_for_parts();
    let operations = Arc::new(Operations::of(description));
    let deeds = (plane.audit_log.clone(), operations);
    let pages = Router::new()
        .route("/", get(assets::index))
        .route("/console/{file}", get(assets::file))
        .route("/login", get(sign_in::again).post(sign_in::login))
        .route(sign_in_link::PATH, get(sign_in_link::open))
        .route_layer(from_fn_with_state(QUICK, timeout::end));
    api.merge(pages)
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn_with_state(deeds, deeds::note))
        .layer(from_fn_with_state(Arc::clone(&plane), guard::admit))
        .layer(from_fn(headers::add))
        .with_state(plane)
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
