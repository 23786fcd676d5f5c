//! Signing in: the page, its form, and the same for programs that speak JSON.

use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::auth::{RetryAfter, SignInError};
use super::error::ApiError;
use super::extract::PeerAddress;
use super::headers::CONTENT_SECURITY_POLICY;
use super::{PrivatePlane, assets};

/// Where the page has its message.
const MESSAGE: &str = "{{message}}";

/// The page's policy: the usual one, and the page's own style and script by their hashes.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let policy =
        ["style", "script"]
            .iter()
            .fold(CONTENT_SECURITY_POLICY.to_owned(), |policy, &element| {
                let usual = format!("{element}-src 'self'");
                let own = format!("{usual} 'sha256-{}'", own_hash(element));
                policy.replace(&usual, &own)
            });
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(CONTENT_SECURITY_POLICY))
});

/// The hash of what the page's only element of this name holds, as a policy has it.
fn own_hash(element: &str) -> String {
    let inside = assets::SIGN_IN
        .split_once(&format!("<{element}>"))
        .and_then(|(_, rest)| rest.split_once(&format!("</{element}>")))
        .map_or("", |(inside, _)| inside);
    BASE64_STANDARD.encode(Sha256::digest(inside.as_bytes()))
}

/// The sign-in page, with a message of ours.
pub(super) fn page(status: StatusCode, message: Option<&str>) -> Response {
    let html = assets::SIGN_IN.replace(MESSAGE, &escaped(message.unwrap_or_default()));
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, html);
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    // Without a referrer the form would be sent with `Origin: null`, and could not be told from that of a foreign page.
    let referrer = HeaderValue::from_static("same-origin");
    headers.insert(header::REFERRER_POLICY, referrer);
    response
}

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Credentials {
    key: String,
}

/// `POST /login`: the page's form.
pub(super) async fn login(
    State(plane): State<Arc<PrivatePlane>>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    form: Result<Form<Credentials>, FormRejection>,
) -> Response {
    let Ok(Form(Credentials { key })) = form else {
        return page(
            StatusCode::BAD_REQUEST,
            Some("Paste the admin key into the field."),
        );
    };
    match plane.access.sign_in(&key, peer.ip()) {
        Ok(signed_in) => {
            let mut response = Redirect::to("/").into_response();
            response
                .headers_mut()
                .insert(header::SET_COOKIE, signed_in.cookie);
            response
        }
        Err(SignInError::WrongKey) => page(
            StatusCode::UNAUTHORIZED,
            Some("This is not the admin key. `kenwell admin-key reset` makes a new one."),
        ),
        Err(SignInError::TooManyTries(RetryAfter(seconds))) => {
            let message = format!("Too many tries. Wait {seconds} seconds and try again.");
            let mut response = page(StatusCode::TOO_MANY_REQUESTS, Some(&message));
            let seconds = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
            response
        }
        Err(SignInError::NoRandomness) => page(
            StatusCode::INTERNAL_SERVER_ERROR,
            Some("The server cannot open a session; its log says why."),
        ),
    }
}

/// `GET /login`: the form's address, which stands in a browser after a wrong key and is opened again with its tabs.
pub(super) async fn again() -> Redirect {
    Redirect::to("/")
}

impl From<SignInError> for ApiError {
    fn from(denied: SignInError) -> Self {
        match denied {
            SignInError::WrongKey => Self::unauthorized(),
            SignInError::TooManyTries(wait) => wait.into(),
            SignInError::NoRandomness => {
                Self::internal("the server cannot open a session; its log says why")
            }
        }
    }
}

impl From<RetryAfter> for ApiError {
    fn from(RetryAfter(seconds): RetryAfter) -> Self {
        let message = format!("too many tries with a wrong admin key: wait {seconds} seconds");
        let status = StatusCode::TOO_MANY_REQUESTS;
        Self::new(status, "too_many_attempts", message).after(seconds)
    }
}

/// Text as HTML text.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_one_that_its_policy_allows() {
        let page = assets::SIGN_IN;
        for element in ["style", "script"] {
            assert_eq!(page.matches(&format!("<{element}")).count(), 1);
            assert_eq!(page.matches(&format!("<{element}>")).count(), 1);
        }
        assert!(page.contains(MESSAGE) && page.contains("name=\"key\""));
        assert!(!page.contains("style="));
        assert_eq!(POLICY.to_str().unwrap().matches("'sha256-").count(), 2);
    }

    #[test]
    fn messages_are_text() {
        assert_eq!(escaped("<b a=\"'&"), "&lt;b a=&quot;&#39;&amp;");
    }
}
