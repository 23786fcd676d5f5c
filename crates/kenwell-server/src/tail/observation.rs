//! What is told about an event before anybody knows whether somebody wants to see it.

use kenwell::profile::ProfileUpdate;
use kenwell_json::{Kind, Reader, Skipped};

use super::{Outcome, short};

/// The most bytes of a type, a user id or a reason that are shown or compared.
const MAX_WORD_BYTES: usize = 512;

/// One event at one moment of its way. Borrowed: nothing is copied unless somebody looks for it.
#[derive(Clone, Copy)]
pub struct Observation<'a> {
    /// Id of the source that sent it.
    pub source: &'a str,
    /// What happened.
    pub outcome: Outcome,
    /// The event's bytes.
    pub event: &'a [u8],
    /// Why, where that is not the usual.
    pub reason: Option<&'a str>,
    /// Id of the destination where it happened; none for what happens at the gateway.
    pub destination: Option<&'a str>,
    /// What was written for it, together with other events of the same user and batch.
    pub update: Option<&'a ProfileUpdate>,
}

/// The few members of an event that people look for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// `type`.
    pub(super) kind: Option<String>,
    /// `userId`.
    pub(super) user_id: Option<String>,
    /// `anonymousId`.
    pub(super) anonymous_id: Option<String>,
    /// `messageId`, by which a sender knows it again.
    pub(super) message_id: Option<String>,
}

impl Head {
    /// What can be read of the event, and what its way says about it: all but what the gateway ignores
    /// are identifies, also those that do not say so themselves.
    pub(super) fn of(observation: &Observation<'_>) -> Self {
        let mut head = Self::read(observation.event);
        let passed = observation.destination.is_some() || observation.outcome != Outcome::Ignored;
        if passed && head.kind.is_none() {
            head.kind = Some("identify".to_owned());
        }
        head
    }

    /// What can be read of it; of duplicate keys the last counts.
    pub(super) fn read(event: &[u8]) -> Self {
        let mut head = Self::default();
        let mut reader = Reader::new(event);
        if !matches!(reader.kind(), Ok(Kind::Object)) || reader.enter_object().is_err() {
            return head;
        }
        while let Ok(Some(key)) = reader.next_key() {
            let Ok(value) = reader.skip() else { break };
            if key.eq_str("type") {
                head.kind = word(&value);
            } else if key.eq_str("userId") {
                head.user_id = word(&value);
            } else if key.eq_str("anonymousId") {
                head.anonymous_id = word(&value);
            } else if key.eq_str("messageId") {
                head.message_id = word(&value);
            }
        }
        head
    }

    /// Whom it is about.
    pub(super) fn user(&self) -> Option<&str> {
        self.user_id.as_deref().or(self.anonymous_id.as_deref())
    }
}

/// Whom an event is about: `userId`, else `anonymousId`.
pub fn user_id_of(event: &[u8]) -> Option<String> {
    Head::read(event).user().map(str::to_owned)
}

/// A string's value, or another value as it is written; nothing for null and what is empty.
fn word(value: &Skipped<'_>) -> Option<String> {
    let text = match value.kind {
        Kind::Null => return None,
        Kind::String => Reader::new(value.raw).string().ok()?.decode(),
        _ => String::from_utf8_lossy(value.raw),
    };
    let text = short::text(text.as_bytes(), MAX_WORD_BYTES);
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_read_from_any_event() {
        let head =
            Head::read(br#"{"type":"identify","userId":7,"anonymousId":"a","messageId":"m"}"#);
        assert_eq!(
            (head.kind.as_deref(), head.user()),
            (Some("identify"), Some("7"))
        );
        assert_eq!(head.message_id.as_deref(), Some("m"));
        let lone = Head::read(br#"{"userId":"\ud83c","x":1e400}"#);
        assert_eq!(lone.user(), Some("\u{fffd}"));
        assert_eq!(
            Head::read(br#"{"userId":"","anonymousId":"a"}"#).user(),
            Some("a")
        );
        assert_eq!(Head::read(b"[1]"), Head::default());
        assert_eq!(Head::read(b""), Head::default());
    }

    #[test]
    fn what_passed_the_gateway_is_an_identify() {
        let kind = |event: &[u8], outcome, destination| {
            let observation = Observation {
                source: "web",
                outcome,
                event,
                reason: None,
                destination,
                update: None,
            };
            Head::of(&observation).kind.unwrap_or_default()
        };
        assert_eq!(kind(b"{}", Outcome::Accepted, None), "identify");
        assert_eq!(kind(b"{}", Outcome::Ignored, Some("p")), "identify");
        assert_eq!(kind(b"{}", Outcome::Ignored, None), "");
        assert_eq!(
            kind(br#"{"type":"Identify"}"#, Outcome::Written, Some("p")),
            "Identify"
        );
    }
}
