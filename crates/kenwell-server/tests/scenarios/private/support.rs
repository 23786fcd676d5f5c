//! A browser that is signed in, and what it says.

use serde_json::Value;

use crate::support::{Reply, Server, raw};

/// Requests with a session's cookie and, when it has one, its token.
pub(super) struct Browser {
    private: String,
    pub(super) cookie: String,
    pub(super) token: String,
}

impl Browser {
    /// Signs in at the API.
    pub(super) fn sign_in(server: &Server) -> Self {
        let key = format!("{{\"key\":\"{}\"}}", crate::support::ADMIN_KEY);
        let reply = send(&server.private, "POST", "/api/v1/session", JSON, &key);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let cookie = reply.header("set-cookie").unwrap();
        Self {
            private: server.private.clone(),
            cookie: cookie.split(';').next().unwrap().to_owned(),
            token: json(&reply)["csrf_token"].as_str().unwrap().to_owned(),
        }
    }

    /// A request with cookie and token.
    pub(super) fn ask(&self, method: &str, path: &str, body: &str) -> Reply {
        let token = format!("X-Kenwell-CSRF: {}\r\n", self.token);
        self.ask_with(method, path, &token, body)
    }

    /// A request with the cookie, and these headers instead of the token.
    pub(super) fn ask_with(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        let headers = format!("{JSON}Cookie: {}\r\n{headers}", self.cookie);
        send(&self.private, method, path, &headers, body)
    }
}

pub(super) const JSON: &str = "Content-Type: application/json\r\n";

/// A request with these headers, each ending in CRLF; `Host` is there already.
pub(super) fn send(address: &str, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    );
    raw(address, request.as_bytes())
}

pub(super) fn json(reply: &Reply) -> Value {
    let text = reply.text();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The code of an error.
pub(super) fn code(reply: &Reply) -> String {
    json(reply)["error"]["code"].as_str().unwrap().to_owned()
}

/// The answer's JSON, which must be a success.
pub(super) fn ok(reply: &Reply) -> Value {
    assert!((200..300).contains(&reply.status), "{}", reply.text());
    json(reply)
}
