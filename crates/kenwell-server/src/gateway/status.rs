//! Health, version, robots and the pixel: answers that need no source.

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use super::answer::{Answer, JSON, TEXT};

/// A transparent GIF of one pixel.
const PIXEL: &[u8] = &[
    0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0x01, 0x00, 0x01, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x21, 0xf9, 0x04, 0x01, 0x00, 0x00, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x01, 0x00, 0x00, 0x02, 0x02, 0x44, 0x01, 0x00, 0x3b,
];

/// The fields of RudderStack's health page; `accepting` is whether the journal takes events.
pub(super) fn health(accepting: bool, started: &str) -> Answer {
    if !accepting {
        return Answer::error(StatusCode::SERVICE_UNAVAILABLE, "Cannot connect to db");
    }
    let page = json!({
        "appType": "EMBEDDED",
        "server": "UP",
        "db": "UP",
        "acceptingEvents": "TRUE",
        "routingEvents": "TRUE",
        "mode": "NORMAL",
        "backendConfigMode": "JSON",
        "lastSync": started,
        "lastRegulationSync": "",
    });
    Answer::ok(JSON, page.to_string())
}

/// The fields of RudderStack's version page.
pub(super) fn version() -> Answer {
    let page = json!({
        "Version": env!("CARGO_PKG_VERSION"),
        "Commit": option_env!("KENWELL_COMMIT").unwrap_or(""),
        "BuildDate": option_env!("KENWELL_BUILD_DATE").unwrap_or(""),
        "BuiltBy": "kenwell",
        "Features": {},
    });
    Answer::ok(JSON, page.to_string())
}

/// Nothing here is for crawlers. The spaces before the newlines are RudderStack's.
pub(super) fn robots() -> Answer {
    Answer::ok(TEXT, "User-agent: * \nDisallow: / \n")
}

/// The pixel: the same image whatever was asked, so that no page shows a broken one.
pub(super) fn pixel() -> Answer {
    Answer::ok("image/gif", Bytes::from_static(PIXEL))
}

/// Segment's SDKs report errors of their own; they are not read here.
pub(super) fn reported() -> Answer {
    Answer::ok(JSON, r#"{"success":true}"#)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};

    #[test]
    fn the_pixel_is_the_contracts() {
        let expected = "R0lGODlhAQABAIAAAAAAAAAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==";
        assert_eq!(BASE64_STANDARD.encode(super::PIXEL), expected);
    }
}
