//! By which names browsers may call us, and from which pages: against DNS rebinding and forged requests.

use std::net::IpAddr;

use http::{HeaderMap, Uri, header};

/// The name and port that the request is for: `Host`, or the authority of an absolute target.
fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let host = headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok());
    uri.authority().map(http::uri::Authority::as_str).or(host)
}

/// Whether the request is for an IP address, a loopback name or one of `hosts`. A page of a foreign
/// name that was made to resolve to us (DNS rebinding) gives itself away here.
pub(super) fn is_ours(uri: &Uri, headers: &HeaderMap, hosts: &[String]) -> bool {
    let Some(name) = called_by(uri, headers) else {
        return false;
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let name = name.trim_end_matches('.');
    let loopback =
        name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost");
    loopback
        || bare.parse::<IpAddr>().is_ok()
        || hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
}

/// The name by which the request calls us, without port.
pub(super) fn called_by<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    authority(uri, headers).and_then(name)
}

/// Whether the page that sent the request is one of ours, as far as the browser tells: its `Origin`
/// has the name and port of `Host`, and its `Sec-Fetch-Site` says so too.
///
/// The scheme is not compared: TLS may end at a proxy in front of us.
pub(super) fn is_same_origin(uri: &Uri, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    if text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return false;
    }
    match text("origin") {
        None => true,
        // What a page without referrers sends; the browser's own word stands in for it.
        Some("null") => text("sec-fetch-site").is_some(),
        Some(origin) => {
            let sender = origin.split_once("://").map(|(_, rest)| rest);
            sender.is_some() && sender == authority(uri, headers)
        }
    }
}

/// The name without the port; brackets of an IPv6 address stay.
fn name(authority: &str) -> Option<&str> {
    let (_, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    if host.starts_with('[') {
        let end = host.find(']')?;
        return host.get(..=end);
    }
    let (name, _port) = host.split_once(':').unwrap_or((host, ""));
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| {
                let name = HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            })
            .collect()
    }

    #[test]
    fn only_our_own_names_are_answered() {
        let hosts = ["kenwell.internal".to_owned()];
        let uri = Uri::from_static("/");
        let ours = |host| is_ours(&uri, &headers(&[("host", host)]), &hosts);
        for host in [
            "localhost",
            "LOCALHOST:8081",
            "localhost.",
            "kenwell.localhost:1",
            "127.0.0.1:8081",
            "[::1]:8081",
            "192.0.2.1",
            "Kenwell.Internal:443",
        ] {
            assert!(ours(host), "{host}");
        }
        for host in [
            "",
            "evil.example:8081",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "kenwell.internal.evil.example",
            "[::1",
            ":8081",
        ] {
            assert!(!ours(host), "{host}");
        }
        assert!(!is_ours(&uri, &HeaderMap::new(), &hosts));
    }

    #[test]
    fn only_our_own_pages_may_send() {
        let uri = Uri::from_static("/login");
        let same = |pairs: &[(&'static str, &'static str)]| {
            let mut all = headers(pairs);
            all.insert("host", HeaderValue::from_static("localhost:8081"));
            is_same_origin(&uri, &all)
        };
        assert!(same(&[]));
        assert!(same(&[("origin", "http://localhost:8081")]));
        assert!(same(&[("origin", "https://localhost:8081")]));
        assert!(same(&[
            ("origin", "null"),
            ("sec-fetch-site", "same-origin")
        ]));
        for wrong in [
            "http://localhost",
            "http://localhost:8080",
            "https://evil.example",
            "null",
            "",
        ] {
            assert!(!same(&[("origin", wrong)]), "{wrong}");
        }
        assert!(!same(&[("sec-fetch-site", "cross-site")]));
        assert!(!same(&[("sec-fetch-site", "same-site")]));
        assert!(!same(&[
            ("origin", "null"),
            ("sec-fetch-site", "cross-site")
        ]));
    }
}
