//! Every reason to refuse a request, with RudderStack's status and words for it.

use http::{HeaderValue, StatusCode, header};
use kenwell_event::Rejection;

use super::answer::{Answer, TEXT};

/// Why a request is refused. One total match gives the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No usable Basic authorization.
    NoKeyInHeader,
    /// A beacon without `writeKey` in its query.
    NoKeyInQuery,
    /// No source has this write key.
    UnknownKey,
    /// The source is switched off.
    SourceDisabled,
    /// What it says about waiting cannot be used.
    BadWait(&'static str),
    /// The body is no acceptable event or batch.
    Rejected(Rejection),
    /// The body, decompressed, is larger than the limit.
    TooLarge,
    /// The body could not be decompressed, or the sender broke off.
    Unreadable,
    /// The body did not arrive in time.
    TooSlow,
    /// The source sends faster than its limit; seconds until there is room again.
    RateLimited(u64),
    /// As many requests are under way as the limits allow.
    Busy,
    /// The journal cannot take the events now.
    NotStored(&'static str),
    /// The head is no HTTP.
    Malformed,
    /// The head is larger than the limit.
    HeadTooLarge,
    /// Nothing lives at this path.
    NoSuchPath,
    /// The path is right, the method is not; the methods that are.
    WrongMethod(&'static str),
}

/// The statuses of answers to events.
pub(super) const STATUSES: [u16; 9] = [200, 202, 400, 401, 404, 408, 413, 429, 503];

/// Seconds after which a sender may try again when we cannot know better: long enough to drain a
/// burst, short enough for the RudderStack Node SDK, which gives up after a few attempts.
const RETRY_AFTER: u64 = 1;

impl Refusal {
    /// Whether the sender may still read the answer, so that the rest of their body is read first. Not when they
    /// broke off, or have used up the time for the body.
    pub(super) fn can_still_be_read(&self) -> bool {
        !matches!(self, Self::TooSlow | Self::Unreadable)
    }

    pub(super) fn answer(&self) -> Answer {
        let error = |status, text: &str| Answer::error(status, text);
        match self {
            Self::NoKeyInHeader => error(
                StatusCode::UNAUTHORIZED,
                "failed to read writekey from header",
            ),
            Self::NoKeyInQuery => error(
                StatusCode::UNAUTHORIZED,
                "failed to read writekey from query params",
            ),
            Self::UnknownKey => error(StatusCode::UNAUTHORIZED, "invalid write key"),
            Self::SourceDisabled => error(StatusCode::NOT_FOUND, "source is disabled"),
            Self::BadWait(why) => error(StatusCode::BAD_REQUEST, why),
            Self::Rejected(rejection) => error(
                StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::BAD_REQUEST),
                &rejection.to_string(),
            ),
            Self::TooLarge => error(
                StatusCode::PAYLOAD_TOO_LARGE,
                "request size exceeds max limit",
            ),
            Self::Unreadable => error(StatusCode::BAD_REQUEST, "failed to read body from request"),
            Self::TooSlow => error(
                StatusCode::REQUEST_TIMEOUT,
                "failed to read body from request",
            )
            .header(header::CONNECTION, HeaderValue::from_static("close")),
            Self::RateLimited(seconds) => later(
                error(StatusCode::TOO_MANY_REQUESTS, "max requests limit reached"),
                *seconds,
            ),
            Self::Busy => later(
                error(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
                RETRY_AFTER,
            ),
            Self::NotStored(why) => later(error(StatusCode::SERVICE_UNAVAILABLE, why), RETRY_AFTER),
            // As Go's server says it, which answers these before RudderStack's gateway is asked.
            Self::Malformed => Answer::with_body(StatusCode::BAD_REQUEST, TEXT, "400 Bad Request"),
            Self::HeadTooLarge => Answer::with_body(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                TEXT,
                "431 Request Header Fields Too Large",
            ),
            Self::NoSuchPath => error(StatusCode::NOT_FOUND, "404 page not found"),
            Self::WrongMethod(allow) => Answer::empty(StatusCode::METHOD_NOT_ALLOWED)
                .header(header::ALLOW, HeaderValue::from_static(allow)),
        }
    }
}

fn later(answer: Answer, seconds: u64) -> Answer {
    answer.header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
}
