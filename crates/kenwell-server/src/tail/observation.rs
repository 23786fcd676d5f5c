//! What gateway and delivery say of an event before it is known whether somebody wants to see it.

use kenwell::profile::FoldedUpdate;
use kenwell_json::{Kind, Reader, Skipped};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::truncate::truncated_text;

/// The most bytes of a type, a user id or a reason that are shown or compared.
const MAX_WORD_BYTES: usize = 512;

/// What has happened to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is in the journal, on its way to its destinations.
    Accepted,
    /// It is in Redis.
    Written,
    /// There is nothing in it for us, or for this destination.
    Ignored,
    /// Redis refused it for good.
    DeadLettered,
}

/// One event at one moment of its way. Borrowed: nothing is copied unless somebody looks for it.
#[derive(Clone, Copy)]
pub struct Observation<'a> {
    /// Id of the source that sent it.
    pub source: &'a str,
    /// What happened.
    pub outcome: Outcome,
    /// The event's bytes.
    pub event: &'a [u8],
    /// Why, where that is not obvious.
    pub reason: Option<&'a str>,
    /// Id of the destination where it happened; none for what happens at the gateway.
    pub destination: Option<&'a str>,
    /// What was written for it, together with other events of the same user and batch.
    pub update: Option<ItemUpdate<'a>>,
}

/// What was written for an event.
#[derive(Clone, Copy)]
pub struct ItemUpdate<'a> {
    /// All that was written together.
    pub folded: &'a FoldedUpdate,
    /// The event's item of it.
    pub item: usize,
}

/// The fields of an event that people look for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct EventFields {
    /// `type`.
    pub(super) kind: Option<String>,
    /// `userId`.
    pub(super) user_id: Option<String>,
    /// `anonymousId`.
    pub(super) anonymous_id: Option<String>,
    /// `messageId`, by which a sender finds its event.
    pub(super) message_id: Option<String>,
}

impl EventFields {
    /// What can be read of the event. One without a type is an identify, unless the gateway ignored it: nothing
    /// else passes.
    pub(super) fn of(observation: &Observation<'_>) -> Self {
        let mut fields = Self::read(observation.event);
        let passed = observation.destination.is_some() || observation.outcome != Outcome::Ignored;
        if passed && fields.kind.is_none() {
            fields.kind = Some("identify".to_owned());
        }
        fields
    }

    /// What can be read of the event; of duplicate keys the last counts.
    pub(super) fn read(event: &[u8]) -> Self {
        let mut fields = Self::default();
        let mut reader = Reader::new(event);
        if !matches!(reader.kind(), Ok(Kind::Object)) || reader.enter_object().is_err() {
            return fields;
        }
        while let Ok(Some(key)) = reader.next_key() {
            let Ok(value) = reader.skip() else { break };
            if key.eq_str("type") {
                fields.kind = word(&value);
            } else if key.eq_str("userId") {
                fields.user_id = word(&value);
            } else if key.eq_str("anonymousId") {
                fields.anonymous_id = word(&value);
            } else if key.eq_str("messageId") {
                fields.message_id = word(&value);
            }
        }
        fields
    }

    /// The user that it is about.
    pub(super) fn user(&self) -> Option<&str> {
        self.user_id.as_deref().or(self.anonymous_id.as_deref())
    }
}

/// The user that an event is about: `userId`, else `anonymousId`.
pub fn user_id_of(event: &[u8]) -> Option<String> {
    EventFields::read(event).user().map(str::to_owned)
}

/// A string's value, or another value as it stands in the event; nothing for null and empty strings.
fn word(value: &Skipped<'_>) -> Option<String> {
    let text = match value.kind {
        Kind::Null => return None,
        Kind::String => Reader::new(value.raw).string().ok()?.decode(),
        _ => String::from_utf8_lossy(value.raw),
    };
    let text = truncated_text(text.as_bytes(), MAX_WORD_BYTES);
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_read_from_any_event() {
        let fields = EventFields::read(
            br#"{"type":"identify","userId":7,"anonymousId":"a","messageId":"m"}"#,
        );
        assert_eq!(
            (fields.kind.as_deref(), fields.user()),
            (Some("identify"), Some("7"))
        );
        assert_eq!(fields.message_id.as_deref(), Some("m"));
        let lone = EventFields::read(br#"{"userId":"\ud83c","x":1e400}"#);
        assert_eq!(lone.user(), Some("\u{fffd}"));
        assert_eq!(
            EventFields::read(br#"{"userId":"","anonymousId":"a"}"#).user(),
            Some("a")
        );
        assert_eq!(EventFields::read(b"[1]"), EventFields::default());
        assert_eq!(EventFields::read(b""), EventFields::default());
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
            EventFields::of(&observation).kind.unwrap_or_default()
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
