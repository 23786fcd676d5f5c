//! The guard of all paths: no request passes without the key or a session, and none of a foreign page with one.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};

use super::auth::Caller;
use super::error::ApiError;
use super::extract::PeerAddress;
use super::{PrivatePlane, host, sign_in, sign_in_link};

/// What may be asked for without key and session: readiness, and the sign-in itself.
const WITHOUT_KEY: [(&Method, &str); 5] = [
    (&Method::GET, "/ready"),
    (&Method::HEAD, "/ready"),
    (&Method::POST, "/login"),
    (&Method::GET, sign_in_link::PATH),
    (&Method::POST, "/api/v1/session"),
];
/// The pages that are the sign-in page to who is not signed in.
const PAGES: [&str; 2] = ["/", "/login"];
/// Where browsers repeat their session's token.
pub(super) const CSRF_HEADER: &str = "x-kenwell-csrf";

/// Lets the request through, with its [`Caller`] attached, or refuses it.
pub(super) async fn admit(
    State(plane): State<Arc<PrivatePlane>>,
    mut request: Request,
    next: Next,
) -> Response {
    match inspect(&plane, &request) {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err(refusal) => *refusal,
    }
}

fn inspect(plane: &PrivatePlane, request: &Request) -> Result<Option<Caller>, Box<Response>> {
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    if uri.path() == "/ready" && WITHOUT_KEY.contains(&(method, "/ready")) {
        return Ok(None);
    }
    // Without a peer there is no connection.
    let peer = request.extensions().get::<PeerAddress>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |PeerAddress(peer)| {
        peer.ip()
    });
    let config = plane.runtime.config();
    let metrics_key = config.private.metrics_key.as_ref();
    let caller = plane.access.caller(headers, peer, metrics_key);
    let caller = caller.map_err(|wait| ApiError::from(wait).into_response())?;
    // A program that sends the key itself is no browser that was lured here.
    if matches!(caller, Some(Caller::Program)) {
        return Ok(caller);
    }
    if matches!(caller, Some(Caller::MetricsReader)) {
        return if method.is_safe() && uri.path() == "/metrics" {
            Ok(caller)
        } else {
            Err(metrics_only().into_response().into())
        };
    }
    if !host::is_ours(uri, headers, &plane.hosts) {
        return Err(unknown_host().into_response().into());
    }
    if WITHOUT_KEY.contains(&(method, uri.path())) {
        // The link may be clicked on any page: who knows its token has been shown it.
        if uri.path() == sign_in_link::PATH || host::is_same_origin(uri, headers) {
            return Ok(caller);
        }
        return Err(csrf("the request came from another site's page")
            .into_response()
            .into());
    }
    match &caller {
        None if *method == Method::GET && PAGES.contains(&uri.path()) => {
            Err(sign_in::page(StatusCode::UNAUTHORIZED, None).into())
        }
        None => Err(ApiError::unauthorized().into_response().into()),
        Some(Caller::Browser(session)) if !method.is_safe() => {
            let token = headers
                .get(CSRF_HEADER)
                .and_then(|token| token.to_str().ok());
            if !token.is_some_and(|token| session.has_csrf_token(token)) {
                let why = "the header X-Kenwell-CSRF is missing or wrong: GET /api/v1/session has the token";
                return Err(csrf(why).into_response().into());
            }
            if !host::is_same_origin(uri, headers) {
                return Err(csrf("the request came from another site's page")
                    .into_response()
                    .into());
            }
            Ok(caller)
        }
        Some(_) => Ok(caller),
    }
}

fn csrf(why: &str) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "csrf", why)
}

fn metrics_only() -> ApiError {
    let message = "this is the metrics key, which opens /metrics and nothing else; everything else takes the admin key";
    ApiError::new(StatusCode::FORBIDDEN, "metrics_key", message)
}

fn unknown_host() -> ApiError {
    let message = "this name is not one of ours: use an IP address or localhost, \
                   or add the name to `hosts` under [private] in kenwell.toml";
    ApiError::new(StatusCode::FORBIDDEN, "unknown_host", message)
}
