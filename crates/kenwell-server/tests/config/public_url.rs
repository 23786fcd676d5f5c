//! The address that the gateway tells clients.

use super::{ROUTE, load};

fn public_url(value: &str) -> Result<Option<String>, String> {
    let text = format!("[gateway]\npublic_url = {value}\n{ROUTE}");
    let loaded = load(&text, &[]).map_err(|problems| problems.to_string())?;
    Ok(loaded.config.gateway.public_url)
}

#[test]
fn a_public_url_is_scheme_host_and_path() {
    for (given, kept) in [
        ("https://events.example.com", "https://events.example.com"),
        ("https://events.example.com/", "https://events.example.com"),
        (
            "HTTPS://events.example.com:8443/kenwell/",
            "https://events.example.com:8443/kenwell",
        ),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ] {
        let kept = Ok(Some(kept.to_owned()));
        assert_eq!(public_url(&format!("\"{given}\"")), kept, "{given}");
    }
}

#[test]
fn anything_else_is_explained() {
    for (given, words) in [
        ("events.example.com", "begins with http"),
        ("ftp://events.example.com", "begins with http"),
        ("https://", "is not a URL"),
        ("https://events example.com", "is not a URL"),
        ("https://events.example.com/v1/", "in front of /v1"),
        ("https://events.example.com?a=b", "in front of /v1"),
        ("https://user:SECRET@events.example.com", "in front of /v1"),
    ] {
        let said = public_url(&format!("\"{given}\"")).unwrap_err();
        assert!(said.contains("gateway.public_url"), "{given}: {said}");
        assert!(
            said.contains(words) && said.contains("fix: "),
            "{given}: {said}"
        );
        assert!(!said.contains("SECRET"), "{said}");
    }
    let said = public_url("443").unwrap_err();
    assert!(said.contains("expected a URL, found"), "{said}");
}
