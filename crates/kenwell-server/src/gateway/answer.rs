//! An answer before it is HTTP: status, words, and the few headers that matter.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

/// `text/plain`, as Go writes it and SDKs expect it.
pub(super) const TEXT: &str = "text/plain; charset=utf-8";
/// `application/json`, as Go writes it.
pub(super) const JSON: &str = "application/json; charset=utf-8";

/// An HTTP answer with a short body.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// An answer without a body.
    pub(super) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// 200 with `body`.
    pub(super) fn ok(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::with_body(StatusCode::OK, content_type, body)
    }

    /// Any status with `body`.
    pub(super) fn with_body(
        status: StatusCode,
        content_type: &'static str,
        body: impl Into<Bytes>,
    ) -> Self {
        Self::empty(status).body(content_type, body)
    }

    /// An error in words: the text and a newline, not to be sniffed.
    pub(super) fn error(status: StatusCode, text: &str) -> Self {
        Self::with_body(status, TEXT, format!("{text}\n")).header(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        )
    }

    /// The same answer with another body.
    pub(super) fn body(self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let answer = Self {
            body: body.into(),
            ..self
        };
        answer.header(header::CONTENT_TYPE, HeaderValue::from_static(content_type))
    }

    /// Adds a header.
    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The status, for the metrics.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// The body as one line of text.
    pub(super) fn words(&self) -> String {
        String::from_utf8_lossy(&self.body).trim_end().to_owned()
    }

    /// The HTTP response, with `extra` headers laid over its own.
    pub(super) fn into_response(self, extra: HeaderMap) -> Response<Full<Bytes>> {
        self.into_whole_response(extra).map(Full::new)
    }

    /// The same with its body in one piece.
    pub(super) fn into_whole_response(self, extra: HeaderMap) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response.headers_mut().extend(extra);
        response
    }
}
