//! The write key of a request, in the Authorization header or in the query.
//!
//! Segment's senders may name it in the body alone, with no header, or with `Authorization: Bearer` and a
//! token of Segment's that means nothing here. The body is asked only when the header has no key: the
//! source that the header names is known before anything else is read, and stays the source.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, header};

use super::{query, refusal::Refusal};

/// The write key of HTTP Basic: the user name. The password is ignored, SDKs leave it empty.
pub(super) fn key_in_header(headers: &HeaderMap) -> Result<String, Refusal> {
    let value = headers.get(header::AUTHORIZATION);
    let value = value.and_then(|value| value.to_str().ok());
    value.and_then(key_in_value).ok_or(Refusal::NoKeyInHeader)
}

/// The same from the header's value.
pub(super) fn key_in_value(value: &str) -> Option<String> {
    basic_user(value).filter(|user| !user.is_empty())
}

/// The write key of a beacon: the query parameter `writeKey` and nothing else.
pub(super) fn key_in_query(query: Option<&str>) -> Result<String, Refusal> {
    query::parameter(query, "writeKey").ok_or(Refusal::NoKeyInQuery)
}

fn basic_user(value: &str) -> Option<String> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let mut user = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    // The password follows.
    user.truncate(user.find(':')?);
    Some(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        key_in_header(&headers).ok()
    }

    #[test]
    fn the_user_name_is_the_key() {
        assert_eq!(user("Basic V0s6"), Some("WK".into()));
        assert_eq!(user("bASIC V0s6cGFzczp3b3Jk"), Some("WK".into()));
    }

    #[test]
    fn anything_else_counts_as_missing() {
        // No colon, empty user, no base64, other scheme, nothing.
        for value in [
            "Basic V0s=",
            "Basic OnB3",
            "Basic %%%",
            "Bearer V0s6",
            "Basic",
            "",
        ] {
            assert_eq!(user(value), None, "{value}");
        }
        assert_eq!(
            key_in_header(&HeaderMap::new()),
            Err(Refusal::NoKeyInHeader)
        );
    }
}
