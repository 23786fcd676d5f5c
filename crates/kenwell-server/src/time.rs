//! Times as the API writes them: RFC 3339 in UTC, with milliseconds.

use jiff::Timestamp;

/// Such as `2026-01-31T12:00:00.250Z`.
pub(crate) fn text(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// Milliseconds since 1970 in the same form.
pub(crate) fn text_of_milliseconds(milliseconds: u64) -> String {
    let time = i64::try_from(milliseconds)
        .ok()
        .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok());
    text(time.unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_always_there() {
        assert_eq!(text(Timestamp::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
        assert_eq!(text_of_milliseconds(1_250), "1970-01-01T00:00:01.250Z");
        assert!(text_of_milliseconds(u64::MAX).starts_with("9999-"));
    }
}
