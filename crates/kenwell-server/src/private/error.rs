//! What a request to the private plane is answered when it fails: a status, a stable code, and a sentence with the cure.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::{Place, Problem};
use crate::gateway::NotAccepted;

/// The body of every error.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    error: ErrorText,
}

/// What went wrong.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct ErrorText {
    /// Stable name for programs.
    #[schema(example = "invalid_setting")]
    code: &'static str,
    /// A sentence for people, with the cure.
    message: String,
    /// The setting that is wrong, by its key in kenwell.toml or its name in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    setting: Option<String>,
    /// How many events wait, when that is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<u64>,
    /// Everything that is wrong, when it is more than one thing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    problems: Vec<ProblemText>,
}

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ProblemText {
    /// The key's full path, such as `destinations.profiles.address`; empty for the whole file.
    pub(crate) setting: String,
    /// The line in the file, from 1, when the file is where it stands.
    pub(crate) line: Option<u64>,
    /// What is wrong and what to write instead.
    pub(crate) message: String,
}

impl From<&Problem> for ProblemText {
    /// A problem as the API tells it. It names settings, never the value of a secret.
    fn from(problem: &Problem) -> Self {
        let line = match &problem.place {
            Place::Line(_, line, _) => u64::try_from(*line).ok(),
            Place::File(_) | Place::Variable(_) => None,
        };
        Self {
            setting: problem.key.clone(),
            line,
            message: format!("{}; {}", problem.what, problem.fix),
        }
    }
}

/// An answer that is an error.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    status: StatusCode,
    body: Box<ErrorBody>,
    retry_after: Option<u64>,
}

impl ApiError {
    /// An error with this status, code and sentence.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let error = ErrorText {
            code,
            message: message.into(),
            setting: None,
            events: None,
            problems: Vec::new(),
        };
        Self {
            status,
            body: Box::new(ErrorBody { error }),
            retry_after: None,
        }
    }

    /// 400: the request itself is wrong.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// 401: neither key nor session.
    pub(crate) fn unauthorized() -> Self {
        let message = "sign in, or send the admin key as `Authorization: Bearer <key>`; \
                       `kenwell admin-key reset` makes a new one";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// 404.
    pub(crate) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 404: no destination has this id.
    pub(crate) fn no_destination(id: &str) -> Self {
        let message =
            format!("there is no destination \"{id}\"; GET /api/v1/destinations lists them");
        Self::not_found("no_destination", message)
    }

    /// 404: no source has this id.
    pub(crate) fn no_source(id: &str) -> Self {
        let message = format!("there is no source \"{id}\"; GET /api/v1/sources lists them");
        Self::not_found("no_source", message)
    }

    /// 502: Redis did not do it.
    pub(crate) fn redis(error: &impl std::error::Error) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "redis_error", error.to_string())
    }

    /// 500: something of ours broke; the log has the details.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    /// 503: later, in so many seconds.
    pub(crate) fn busy(message: impl Into<String>, seconds: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message).after(seconds)
    }

    /// Names the setting that is wrong.
    #[must_use]
    pub(crate) fn about(mut self, setting: impl Into<String>) -> Self {
        self.body.error.setting = Some(setting.into());
        self
    }

    /// Says how many events wait.
    #[must_use]
    pub(crate) fn with_events(mut self, events: u64) -> Self {
        self.body.error.events = Some(events);
        self
    }

    /// Adds everything that is wrong.
    #[must_use]
    pub(crate) fn with_problems(mut self, problems: Vec<ProblemText>) -> Self {
        self.body.error.problems = problems;
        self
    }

    /// Says when to try again.
    #[must_use]
    pub(crate) fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

impl From<NotAccepted> for ApiError {
    /// A test event that the gateway did not accept: what a sender is told, in the form of the API.
    fn from(NotAccepted { status, words }: NotAccepted) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::new(StatusCode::CONFLICT, "source_disabled", words),
            StatusCode::SERVICE_UNAVAILABLE => Self::busy(words, 1),
            StatusCode::TOO_MANY_REQUESTS => Self::new(status, "rate_limited", words).after(1),
            StatusCode::UNAUTHORIZED => Self::not_found("no_source", words),
            _ => Self::bad_request(words),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(&*self.body)).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"kenwell\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
