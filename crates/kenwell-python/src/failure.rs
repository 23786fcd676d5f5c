//! Errors on their way to Python, which makes its exceptions of them.

use kenwell::Error as RedisError;
use kenwell::state::{Error, ValuePlace};
use pyo3::prelude::*;

/// Why a call failed. `kenwell/_errors.py` has an exception for each code.
#[pyclass(frozen, get_all, module = "kenwell._native")]
pub(crate) struct Failure {
    /// The code that programs match on.
    code: &'static str,
    message: String,
    retryable: bool,
    /// Redis' own code, such as `WRONGTYPE`.
    redis_code: Option<String>,
    /// The key it is about, made presentable.
    key: Option<String>,
    /// The id of the entry.
    entry: Option<String>,
}

impl Failure {
    pub(crate) fn of(error: &Error) -> Self {
        let place = place(error);
        Self {
            code: code(error),
            message: error.to_string(),
            // A setting has to be changed in the program, and what it has closed stays closed.
            retryable: error.is_retryable()
                && !matches!(code(error), "KENWELL_SETTINGS" | "KENWELL_CLOSED"),
            redis_code: error.redis().and_then(redis_code),
            key: place.map(|place| place.key().to_owned()),
            entry: place.and_then(ValuePlace::entry).map(str::to_owned),
        }
    }

    /// A connection or a store that was used before a fork.
    pub(crate) fn forked() -> Self {
        Self::new(
            "KENWELL_FORKED",
            "this connection was used before the process forked, and its sockets belong to the parent; make connections and stores in the child",
        )
    }

    /// A connection or a store that was used after its end.
    pub(crate) fn closed() -> Self {
        Self::new("KENWELL_CLOSED", "the store or its connection was closed")
    }

    /// Settings that Python should have refused.
    pub(crate) fn malformed(what: &str) -> Self {
        // What is wrong is not repeated: a value may be a password.
        Self::new(
            "KENWELL_SETTINGS",
            &format!("{what}: a value is not of its form"),
        )
    }

    /// Something that must not happen.
    pub(crate) fn defect(message: &str) -> Self {
        Self::new("KENWELL_NATIVE", message)
    }

    fn new(code: &'static str, message: &str) -> Self {
        Self {
            code,
            message: message.to_owned(),
            retryable: false,
            redis_code: None,
            key: None,
            entry: None,
        }
    }

    pub(crate) fn give(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, self)?.into_any())
    }
}

fn place(error: &Error) -> Option<&ValuePlace> {
    match error {
        Error::Value { place, .. }
        | Error::Profile { place, .. }
        | Error::Ttl { place, .. }
        | Error::SeveralSlots { place }
        | Error::Hook { place, .. }
        | Error::Undecodable { place, .. }
        | Error::Unreadable { place }
        | Error::Seal { place, .. }
        | Error::TooLarge { place, .. } => Some(place),
        _ => None,
    }
}

fn redis_code(error: &RedisError) -> Option<String> {
    error.reply().map(|reply| reply.code().to_owned())
}

fn code(error: &Error) -> &'static str {
    match error {
        Error::Uncertain { .. } | Error::Overtaken { .. } | Error::Unsettled => "KENWELL_UNCERTAIN",
        Error::Conflict => "KENWELL_CONFLICT",
        Error::Undecodable { .. } | Error::Unreadable { .. } => "KENWELL_CORRUPT_VALUE",
        Error::TooLarge { .. } => "KENWELL_TOO_LARGE",
        error => error.redis().map_or("KENWELL_SETTINGS", code_of_source),
    }
}

fn code_of_source(error: &RedisError) -> &'static str {
    match error {
        RedisError::Settings { .. }
        | RedisError::OtherKind { .. }
        | RedisError::UnknownMaster { .. } => "KENWELL_SETTINGS",
        RedisError::Tls { .. } => "KENWELL_TLS",
        RedisError::Timeout { .. } | RedisError::Silent { .. } => "KENWELL_TIMEOUT",
        RedisError::Closed { .. } => "KENWELL_CLOSED",
        error if error.reply().is_some() => "KENWELL_REFUSED",
        _ => "KENWELL_CONNECTION",
    }
}
