//! Events and texts cut to a size of which many can wait in memory.

use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

/// The most bytes of an event that are shown; of a larger one only its size is.
pub const MAX_EVENT_BYTES: usize = 16 * 1024;

/// The event itself when it is JSON in the strict sense and not too large; else
/// `{"$truncated": <bytes>}`, or `{"$text": "…"}` for what only a lenient reader can read.
pub fn bounded_event(bytes: &[u8], limit: usize) -> Box<RawValue> {
    if bytes.len() > limit {
        return raw(&json!({ "$truncated": bytes.len() }));
    }
    // On one line, because a tail sends lines.
    match serde_json::from_slice::<Box<RawValue>>(bytes) {
        Ok(event) if !event.get().contains(['\n', '\r']) => event,
        Ok(event) => one_line(event.get()),
        Err(_) => raw(&json!({ "$text": String::from_utf8_lossy(bytes) })),
    }
}

/// In strict JSON line breaks occur between tokens only.
fn one_line(event: &str) -> Box<RawValue> {
    let line = event.replace(['\n', '\r'], " ");
    RawValue::from_string(line).unwrap_or_default()
}

fn raw(value: &serde_json::Value) -> Box<RawValue> {
    to_raw_value(value).unwrap_or_default()
}

/// At most about so many bytes of text, with an ellipsis when some are missing.
pub(super) fn truncated_text(bytes: &[u8], limit: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.len() <= limit {
        return text.into_owned();
    }
    let end = text.floor_char_boundary(limit);
    format!("{}…", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_shown_as_it_was_sent() {
        assert_eq!(
            bounded_event(br#"{"a": 1.0}"#, MAX_EVENT_BYTES).get(),
            r#"{"a": 1.0}"#
        );
        assert_eq!(
            bounded_event(b"{\"a\":\r\n1}", MAX_EVENT_BYTES).get(),
            "{\"a\":  1}"
        );
    }

    #[test]
    fn what_does_not_fit_or_is_not_json_is_described() {
        let large = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_EVENT_BYTES));
        let described = format!("{{\"$truncated\":{}}}", large.len());
        assert_eq!(
            bounded_event(large.as_bytes(), MAX_EVENT_BYTES).get(),
            described
        );
        assert_eq!(
            bounded_event(b"{\"a\":NaN}", MAX_EVENT_BYTES).get(),
            r#"{"$text":"{\"a\":NaN}"}"#
        );
        assert!(
            bounded_event(b"{\"a\":\"\xff\"}", MAX_EVENT_BYTES)
                .get()
                .contains("$text")
        );
    }

    #[test]
    fn long_texts_end_in_an_ellipsis() {
        assert_eq!(truncated_text("äää".as_bytes(), 5), "ää…");
        assert_eq!(truncated_text("äää".as_bytes(), 6), "äää");
    }
}
