//! Query parameters and parts of paths, percent-decoded.

/// The first value of the parameter `name` in a URL's query, unless it is empty.
pub(super) fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    form_urlencoded::parse(query?.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .filter(|value| !value.is_empty())
}

/// A part of a path, percent-decoded.
pub(super) fn decoded(part: &str) -> String {
    // In a path a plus sign is just that.
    let query = format!("part={}", part.replace('+', "%2B").replace('&', "%26"));
    parameter(Some(&query), "part").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_and_takes_the_first() {
        assert_eq!(
            parameter(Some("a=1&writeKey=W%4B&writeKey=x"), "writeKey"),
            Some("WK".into())
        );
        assert_eq!(parameter(Some("writeKey="), "writeKey"), None);
        assert_eq!(parameter(Some("writekey=x"), "writeKey"), None);
        assert_eq!(parameter(None, "writeKey"), None);
    }
}
