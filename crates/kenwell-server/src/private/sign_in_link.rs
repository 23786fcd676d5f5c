//! `GET /sign-in?token=…`: the link that `kenwell dev` prints. It signs in once.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;

use super::auth::{Caller, RetryAfter, SignInError};
use super::error::ApiError;
use super::extract::{PeerAddress, Query};
use super::{PrivatePlane, deeds, sign_in};

/// Where the link leads.
pub(crate) const PATH: &str = "/sign-in";

/// The way on. A redirection of a link that was clicked on another site's page would carry no `SameSite=Strict`
/// cookie; what this page opens does.
const SIGNED_IN: &str = "<!doctype html>\n\
<html lang=\"en\">\n\
<head><meta charset=\"utf-8\"><title>Signed in · Kenwell</title>\
<meta http-equiv=\"refresh\" content=\"0;url=/#/first-event\"></head>\n\
<body><p><a href=\"/#/first-event\">Open the console</a></p></body>\n\
</html>\n";

/// What stands behind the question mark.
#[derive(Deserialize)]
pub(super) struct LinkQuery {
    token: String,
}

/// Opens a session for whoever has a token that was not used yet.
pub(super) async fn open(
    State(plane): State<Arc<PrivatePlane>>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    caller: Option<Extension<Caller>>,
    method: Method,
    headers: HeaderMap,
    query: Result<Query<LinkQuery>, ApiError>,
) -> Response {
    // Browsers and mail programs look at links before anybody clicks on them: that uses none up.
    if method != Method::GET || is_looked_at_ahead(&headers) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let token = query.map(|Query(LinkQuery { token })| token);
    match plane
        .access
        .sign_in_once(&token.unwrap_or_default(), peer.ip())
    {
        Ok(signed_in) => {
            deeds::note_link(&plane.audit_log, peer.ip());
            ([(header::SET_COOKIE, signed_in.cookie)], Html(SIGNED_IN)).into_response()
        }
        // The link that this browser has signed in with, once more.
        Err(_) if matches!(caller, Some(Extension(Caller::Browser(_)))) => {
            Html(SIGNED_IN).into_response()
        }
        Err(SignInError::TooManyTries(RetryAfter(seconds))) => {
            let message = format!("Too many tries. Wait {seconds} seconds and try again.");
            let mut response = sign_in::page(StatusCode::TOO_MANY_REQUESTS, Some(&message));
            let seconds = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
            response
        }
        Err(SignInError::WrongKey) => sign_in::page(
            StatusCode::UNAUTHORIZED,
            Some(
                "This link was used already, or is older than 10 minutes. Paste the admin key, or start `kenwell dev` again.",
            ),
        ),
        Err(SignInError::NoRandomness) => sign_in::page(
            StatusCode::INTERNAL_SERVER_ERROR,
            Some("The server cannot open a session; its log says why."),
        ),
    }
}

fn is_looked_at_ahead(headers: &HeaderMap) -> bool {
    ["sec-purpose", "purpose", "x-moz"]
        .into_iter()
        .filter_map(|name| headers.get(name)?.to_str().ok())
        .any(|purpose| purpose.contains("prefetch") || purpose.contains("prerender"))
}
