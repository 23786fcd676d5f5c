//! An end for requests that take too long.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::error::ApiError;
use crate::applied::MAX_WAIT;

/// For what only looks or changes a setting, its body included.
pub(super) const QUICK: Duration = Duration::from_secs(30);
/// For what may wait until events are applied, and is quick after that.
pub(super) const WAITING: Duration = MAX_WAIT.saturating_add(QUICK);
/// For what goes the whole way to a Redis, or through all dead letters or the journal.
pub(super) const SLOW: Duration = Duration::from_mins(5);

/// Answers 503 when there is no answer after `limit`.
pub(super) async fn end(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    if let Ok(response) = tokio::time::timeout(limit, next.run(request)).await {
        return response;
    }
    let message = format!(
        "there was no answer within {} seconds; a change that was begun is carried out all the same",
        limit.as_secs()
    );
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", message).into_response()
}
