//! `/api/v1/session`: signing in and out, for programs that speak JSON and for the console.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::private::auth::Caller;
use crate::private::error::{ApiError, ErrorBody};
use crate::private::extract::Json;
use crate::private::extract::PeerAddress;
use crate::private::{PrivatePlane, auth};
use crate::time;

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Session {
    /// To be repeated in the header `X-Kenwell-CSRF` of every request that changes something and is
    /// vouched for by the cookie. Null for programs that send the key itself: they need none.
    csrf_token: Option<String>,
    /// When the session ends unless it is used; null for programs.
    expires_at: Option<String>,
    /// Kenwell's version.
    version: &'static str,
}

/// The admin key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    #[schema(format = Password)]
    key: String,
}

impl Session {
    fn of(session: Option<&auth::Session>) -> Self {
        Self {
            csrf_token: session.map(|session| session.csrf.clone()),
            expires_at: session.map(|session| time::text(session.expires_at())),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// Sign in
///
/// Opens a session: its cookie (`HttpOnly`, `SameSite=Strict`) comes with the answer. Needs neither
/// key nor session. At most ten tries a minute.
#[utoipa::path(
    post, path = "/api/v1/session", tag = "session", operation_id = "sign_in", security(()),
    request_body = Credentials,
    responses(
        (status = 200, body = Session),
        (status = 401, body = ErrorBody, description = "not the admin key"),
        (status = 429, body = ErrorBody, description = "too many tries; see Retry-After"),
    )
)]
pub(super) async fn open(
    State(plane): State<Arc<PrivatePlane>>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    Json(Credentials { key }): Json<Credentials>,
) -> Result<Response, ApiError> {
    let signed_in = plane.access.sign_in(&key, peer.ip())?;
    let session = axum::Json(Session::of(Some(&signed_in.session)));
    Ok(([(header::SET_COOKIE, signed_in.cookie)], session).into_response())
}

/// Who am I
#[utoipa::path(
    get, path = "/api/v1/session", tag = "session", operation_id = "get_session",
    responses((status = 200, body = Session))
)]
pub(super) async fn get(Extension(caller): Extension<Caller>) -> axum::Json<Session> {
    axum::Json(match &caller {
        Caller::Program | Caller::MetricsReader => Session::of(None),
        Caller::Browser(session) => Session::of(Some(session)),
    })
}

/// Sign out
#[utoipa::path(
    delete, path = "/api/v1/session", tag = "session", operation_id = "sign_out",
    responses((status = 204, description = "the session has ended"))
)]
pub(super) async fn close(State(plane): State<Arc<PrivatePlane>>, headers: HeaderMap) -> Response {
    let gone = plane.access.sign_out(&headers);
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response()
}
