//! Errors as JavaScript sees them: JSON with the `code` that programs match on.

use kenwell::state::Error;
use kenwell::{Error as RedisError, Reply};
use serde::Serialize;

use crate::frame::Malformed;

/// What `lib/native.js` turns into a `KenwellError`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure<'a> {
    code: &'static str,
    message: String,
    retryable: bool,
    /// Redis' own code, such as `WRONGTYPE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    redis_code: Option<&'a str>,
    /// The operating system's code, such as `ECONNREFUSED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    system_code: Option<&'static str>,
    /// Which of the call's values it is about. JavaScript knows its entry and its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
}

/// The error as JSON text.
pub(crate) fn describe(error: &Error) -> String {
    let source = error.redis();
    let failure = Failure {
        code: code(error),
        message: match error {
            Error::Value { source, .. } => source.to_string(),
            error => error.to_string(),
        },
        retryable: error.is_retryable(),
        redis_code: source.and_then(RedisError::reply).map(Reply::code),
        system_code: match source {
            Some(RedisError::Connect { source, .. }) => system_code(source.kind()),
            _ => None,
        },
        index: match error {
            Error::Value { place, .. } | Error::Ttl { place, .. } => Some(place.index()),
            _ => None,
        },
    };
    // Nothing in it can fail to become JSON.
    serde_json::to_string(&failure).unwrap_or_default()
}

/// A batch that could not be read, as JSON text: a defect of this package.
pub(crate) fn broken(malformed: &Malformed) -> String {
    serde_json::json!({ "code": "KENWELL_NATIVE", "message": malformed.to_string() }).to_string()
}

/// `lib/error.js` documents them.
fn code(error: &Error) -> &'static str {
    if matches!(
        error,
        Error::Uncertain { .. } | Error::Overtaken { .. } | Error::Unsettled
    ) {
        return "KENWELL_UNCERTAIN";
    }
    match error.redis() {
        Some(RedisError::Tls { .. }) => "KENWELL_TLS",
        Some(RedisError::Timeout { .. }) => "KENWELL_TIMEOUT",
        Some(source) if source.reply().is_some() => "KENWELL_REFUSED",
        Some(
            RedisError::Settings { .. }
            | RedisError::OtherKind { .. }
            | RedisError::UnknownMaster { .. },
        )
        | None => "KENWELL_SETTINGS",
        Some(_) => "KENWELL_CONNECTION",
    }
}

fn system_code(kind: std::io::ErrorKind) -> Option<&'static str> {
    use std::io::ErrorKind;
    match kind {
        ErrorKind::ConnectionRefused => Some("ECONNREFUSED"),
        ErrorKind::ConnectionReset => Some("ECONNRESET"),
        ErrorKind::HostUnreachable => Some("EHOSTUNREACH"),
        ErrorKind::NetworkUnreachable => Some("ENETUNREACH"),
        ErrorKind::NotFound => Some("ENOENT"),
        ErrorKind::PermissionDenied => Some("EACCES"),
        _ => None,
    }
}
