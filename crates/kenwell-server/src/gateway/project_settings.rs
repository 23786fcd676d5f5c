//! `/v1/projects/KEY/settings`: what Segment's mobile, JVM and browser SDKs load before they send.
//!
//! An SDK that gets anything but 200 falls back to Segment's own host, whatever host its program chose, and
//! sends the users' events there. So every request gets an answer that leads here, also with an
//! unknown key: whether a key may send is said when it sends.

use http::{HeaderMap, HeaderValue, header, uri::Authority};
use serde_json::json;

use super::answer::{Answer, JSON};

/// How clients reach the gateway, as far as the configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicEndpoint {
    /// `gateway.public_url`: scheme, host and path, without a slash at the end.
    pub(super) public_url: Option<String>,
    /// Whether the listener speaks TLS itself.
    pub(super) tls: bool,
}

/// The settings for `write_key`.
pub(super) fn answer(write_key: &str, headers: &HeaderMap, public: &PublicEndpoint) -> Answer {
    let (protocol, api_host) = target(headers, public);
    let mut segment = json!({ "apiKey": write_key, "protocol": protocol });
    if let (Some(host), Some(segment)) = (api_host, segment.as_object_mut()) {
        segment.insert("apiHost".into(), host.into());
    }
    let page = json!({
        "integrations": { "Segment.io": segment },
        // Objects all of them: an SDK that finds null or text here takes nothing of the whole.
        "plan": {},
        "edgeFunction": {},
        "middlewareSettings": {},
        "enabledMiddleware": {},
        // Otherwise the SDKs report about themselves to Segment.
        "metrics": { "sampleRate": 0 },
    });
    // It depends on headers, so that no cache may give it to anybody else.
    Answer::ok(JSON, page.to_string())
        .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

/// Where events are to be sent: protocol, and host with the path in front of `/b`.
///
/// Only the browser SDK asks for the protocol; the others always use TLS. Without a host, SDKs stay with the one that
/// their program chose.
fn target(headers: &HeaderMap, public: &PublicEndpoint) -> (&'static str, Option<String>) {
    let url = public.public_url.as_deref();
    if let Some((scheme, host)) = url.and_then(|url| url.split_once("://")) {
        let protocol = if scheme == "http" { "http" } else { "https" };
        return (protocol, Some(format!("{host}/v1")));
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // Proxies append to these, so that the first one is what the client said.
    let forwarded = |name| {
        text(name)
            .and_then(|list| list.split(',').next())
            .map(str::trim)
    };
    let host = forwarded("x-forwarded-host").or_else(|| text("host"));
    let api_host = host
        .filter(|host| {
            host.parse::<Authority>()
                .is_ok_and(|host| !host.as_str().contains('@'))
        })
        .map(|host| format!("{host}/v1"));
    // Where no proxy says: a page that came by TLS may call nothing else.
    let page = text("origin").or_else(|| text("referer"));
    let secure = forwarded("x-forwarded-proto").map_or_else(
        || public.tls || page.is_some_and(|page| page.starts_with("https:")),
        |proto| proto.eq_ignore_ascii_case("https"),
    );
    (if secure { "https" } else { "http" }, api_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(public_url: Option<&str>, tls: bool) -> PublicEndpoint {
        PublicEndpoint {
            public_url: public_url.map(Into::into),
            tls,
        }
    }

    /// Protocol and host for a request with these headers.
    fn told(
        lines: &[(&'static str, &str)],
        public: &PublicEndpoint,
    ) -> (&'static str, Option<String>) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.insert(*name, value.parse().unwrap());
        }
        target(&headers, public)
    }

    #[test]
    fn it_leads_to_where_the_client_came_from() {
        let plain = endpoint(None, false);
        for (lines, protocol, host) in [
            (
                &[("host", "127.0.0.1:8080")][..],
                "http",
                "127.0.0.1:8080/v1",
            ),
            (&[("host", "[::1]:8080")], "http", "[::1]:8080/v1"),
            (
                &[
                    ("host", "kenwell:80"),
                    ("x-forwarded-host", "e.example, b.example"),
                ],
                "http",
                "e.example/v1",
            ),
            (
                &[("host", "e.example"), ("x-forwarded-proto", "https, http")],
                "https",
                "e.example/v1",
            ),
            (
                &[("host", "e.example"), ("origin", "https://shop.example")],
                "https",
                "e.example/v1",
            ),
            (
                &[("host", "e.example"), ("referer", "https://e.example/cart")],
                "https",
                "e.example/v1",
            ),
        ] {
            assert_eq!(
                told(lines, &plain),
                (protocol, Some(host.into())),
                "{lines:?}"
            );
        }
        let tls = told(&[("host", "e.example")], &endpoint(None, true));
        assert_eq!(tls.0, "https");
    }

    #[test]
    fn what_is_configured_wins() {
        let lines = [
            ("host", "x"),
            ("x-forwarded-host", "y"),
            ("x-forwarded-proto", "http"),
        ];
        let configured = endpoint(Some("https://e.example/kenwell"), false);
        let told = told(&lines, &configured);
        assert_eq!(told, ("https", Some("e.example/kenwell/v1".into())));
    }

    #[test]
    fn what_is_no_host_is_not_repeated() {
        let plain = endpoint(None, false);
        for host in ["", "a b", "u:p@e.example", "e.example/path", "e.example\"x"] {
            assert_eq!(told(&[("host", host)], &plain).1, None, "{host}");
        }
        assert_eq!(told(&[], &plain).1, None);
    }
}
