//! The console's files, built into the binary.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

use super::error::ApiError;

/// The sign-in page.
pub(super) const SIGN_IN: &str = include_str!("../../console/sign-in.html");

/// The console's files: name and content.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(Asset {
            name: $name,
            bytes: include_bytes!(concat!("../../console/", $name)),
        }),*]
    };
}

/// Everything that pages load.
const FILES: &[Asset] = &files![
    "api.js",
    "api_reference.js",
    "audit.js",
    "base.css",
    "changes.js",
    "chart.js",
    "configuration.js",
    "connection.js",
    "controls.js",
    "dead_letters.js",
    "destination.js",
    "destinations.js",
    "dialog.js",
    "diff.js",
    "dom.js",
    "event_row.js",
    "fields.js",
    "findings.js",
    "first_event.js",
    "flow.js",
    "form.js",
    "fresh.js",
    "forms.css",
    "icon.svg",
    "index.html",
    "layout.css",
    "listing.js",
    "live.js",
    "main.js",
    "notice.js",
    "numbers.js",
    "overview.js",
    "pages.css",
    "personal.js",
    "poll.js",
    "profiles.js",
    "removal.js",
    "repetition.js",
    "router.js",
    "snippets.js",
    "source.js",
    "sources.js",
    "status.js",
    "table.js",
    "tables.css",
    "tail.js",
    "test_event.js",
    "theme.js",
    "time.js",
    "unsaved.js",
    "wizard.js",
];

/// One file.
#[derive(Debug, Clone, Copy)]
struct Asset {
    name: &'static str,
    bytes: &'static [u8],
}

/// `GET /`: the console.
pub(super) async fn index(headers: HeaderMap) -> Response {
    respond("index.html", &headers)
}

/// `GET /console/<file>`.
pub(super) async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    respond(&name, &headers)
}

fn respond(name: &str, headers: &HeaderMap) -> Response {
    match FILES.iter().find(|asset| asset.name == name) {
        Some(asset) => asset.respond(headers),
        None => ApiError::not_found("no_file", "the console has no such file").into_response(),
    }
}

impl Asset {
    fn respond(&self, headers: &HeaderMap) -> Response {
        let tag = self.tag();
        let fresh = headers
            .get(header::IF_NONE_MATCH)
            .and_then(|tags| tags.to_str().ok())
            .is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag));
        let mut response = if fresh {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let kind = HeaderValue::from_static(self.content_type());
            ([(header::CONTENT_TYPE, kind)], self.bytes).into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.insert(header::ETAG, tag);
        }
        response
    }

    fn content_type(&self) -> &'static str {
        match self.name.rsplit_once('.').map_or("", |(_, kind)| kind) {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => "application/octet-stream",
        }
    }

    fn tag(&self) -> String {
        let digest = Sha256::digest(self.bytes);
        let short = BASE64_URL_SAFE_NO_PAD.encode(digest);
        format!("\"{short}\"")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_of_the_console_is_built_in_with_a_type() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/console");
        let there: BTreeSet<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "sign-in.html")
            .collect();
        let listed: BTreeSet<String> = FILES.iter().map(|asset| asset.name.to_owned()).collect();
        assert_eq!(listed, there);
        for asset in FILES {
            assert_ne!(
                asset.content_type(),
                "application/octet-stream",
                "{}",
                asset.name
            );
        }
    }
}
