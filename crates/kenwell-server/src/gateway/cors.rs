//! CORS: every origin, with credentials, any header, on every answer including errors.
//!
//! An answer without these headers reaches no page: the browser SDKs then count a stored event as
//! lost and send it again up to ten times. The list of allowed headers is an echo, because retries
//! carry headers that first attempts do not.

use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};

use super::answer::Answer;

const PREFLIGHT_VARY: &str =
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
const MAX_AGE_SECONDS: &str = "900";

/// The answer to a preflight request, on any path; `None` when `request` is none.
pub(super) fn preflight<B>(request: &Request<B>) -> Option<(Answer, HeaderMap)> {
    let asked = request
        .headers()
        .get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    if request.method() != Method::OPTIONS {
        return None;
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::VARY, HeaderValue::from_static(PREFLIGHT_VARY));
    let allowed = [&b"GET"[..], b"POST", b"HEAD"].contains(&asked.as_bytes());
    if let Some(origin) = request.headers().get(header::ORIGIN).filter(|_| allowed) {
        allow(origin, &mut headers);
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, asked.clone());
        headers.insert(
            header::ACCESS_CONTROL_MAX_AGE,
            HeaderValue::from_static(MAX_AGE_SECONDS),
        );
        if let Some(names) = request
            .headers()
            .get(header::ACCESS_CONTROL_REQUEST_HEADERS)
            .filter(|names| !names.is_empty())
        {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
    }
    Some((Answer::empty(StatusCode::NO_CONTENT), headers))
}

/// The headers of every other answer.
pub(super) fn headers(request: &HeaderMap) -> HeaderMap {
    headers_for(request.get(header::ORIGIN))
}

/// The headers of every other answer to this origin.
pub(super) fn headers_for(origin: Option<&HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        allow(origin, &mut headers);
    }
    headers
}

fn allow(origin: &HeaderValue, headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        HeaderValue::from_static("true"),
    );
}
