//! An event in the tail: what became of it, for people to read.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::command;
use super::fields::TailFields;
use super::observation::{EventFields, Observation, Outcome};
use super::truncate::{MAX_EVENT_BYTES, bounded_event, truncated_text};

/// The most bytes of a reason.
const MAX_REASON_BYTES: usize = 1_024;

/// One event at one moment of its way: the data of each message `event`.
// Everything in it is bounded.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TailEvent {
    /// Counts what was shown since the start.
    pub seq: u64,
    /// When it happened.
    pub at: String,
    /// Id of the source that sent it.
    pub source: String,
    /// What the event says it is; empty when it says nothing.
    #[serde(rename = "type")]
    pub kind: String,
    /// The user: `userId`, else `anonymousId`.
    pub user_id: Option<String>,
    /// What happened.
    pub outcome: Outcome,
    /// Why, where that is not obvious.
    pub reason: Option<String>,
    /// Id of the destination; null for what happens at the gateway.
    pub destination: Option<String>,
    /// The event as it was sent; `{"$truncated": <bytes>}` for one over 16 KiB, `{"$text": "…"}` for one
    /// that strict JSON cannot express.
    #[schema(value_type = serde_json::Value)]
    pub event: Box<RawValue>,
    /// The words of the Redis command that wrote it, at most about 16 KiB; "…" stands for what is left out.
    pub command: Option<Vec<String>>,
    /// What became of the fields that it names; null unless it was written, for documents, and when somebody began to look
    /// while it was written.
    pub fields: Option<TailFields>,
}

impl TailEvent {
    pub(super) fn new(seq: u64, observation: &Observation<'_>, fields: &EventFields) -> Self {
        let is_written = observation.outcome == Outcome::Written;
        let written = observation.update.filter(|_| is_written);
        Self {
            seq,
            at: format!("{:.3}", Timestamp::now()),
            source: observation.source.to_owned(),
            kind: fields.kind.clone().unwrap_or_default(),
            user_id: fields.user().map(str::to_owned),
            outcome: observation.outcome,
            reason: observation
                .reason
                .map(|reason| truncated_text(reason.as_bytes(), MAX_REASON_BYTES)),
            destination: observation.destination.map(str::to_owned),
            event: bounded_event(observation.event, MAX_EVENT_BYTES),
            command: observation
                .update
                .map(|update| command::words(update.folded.update())),
            fields: written.and_then(|update| {
                let changes = update.folded.changes_of(update.item);
                changes.map(TailFields::new)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_the_wire_it_is_the_documented_object() {
        let event = br#"{"userId":"<b>"}"#;
        let observation = Observation {
            source: "web",
            outcome: Outcome::DeadLettered,
            event,
            reason: Some("WRONGTYPE"),
            destination: Some("profiles"),
            update: None,
        };
        let event_shown = TailEvent::new(7, &observation, &EventFields::read(event));
        let value = serde_json::to_value(&event_shown).unwrap();
        assert_eq!(
            (&value["seq"], &value["outcome"]),
            (&7.into(), &"dead_lettered".into())
        );
        assert_eq!(
            (&value["user_id"], &value["type"]),
            (&"<b>".into(), &"".into())
        );
        assert_eq!(value["event"]["userId"], "<b>");
        assert!(value["command"].is_null());
    }
}
