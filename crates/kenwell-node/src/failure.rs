//! Errors as JavaScript sees them: JSON with the `code` that programs match on.

use kenwell::Error;
use serde::Serialize;

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
}

/// The error as JSON text.
pub(crate) fn describe(error: &Error) -> String {
    let failure = Failure {
        code: code(error),
        message: error.to_string(),
        retryable: error.is_retryable(),
        redis_code: match error {
            Error::Refused { reply, .. } => Some(reply.code()),
            _ => None,
        },
        system_code: match error {
            Error::Connect { source, .. } => system_code(source.kind()),
            _ => None,
        },
    };
    // Nothing in it can fail to become JSON.
    serde_json::to_string(&failure).unwrap_or_default()
}

/// `lib/error.js` documents them.
fn code(error: &Error) -> &'static str {
    match error {
        Error::Settings { .. } | Error::OtherKind { .. } | Error::UnknownMaster { .. } => {
            "KENWELL_SETTINGS"
        }
        Error::Tls { .. } => "KENWELL_TLS",
        Error::Timeout { .. } => "KENWELL_TIMEOUT",
        Error::Refused { .. } => "KENWELL_REFUSED",
        _ => "KENWELL_CONNECTION",
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
