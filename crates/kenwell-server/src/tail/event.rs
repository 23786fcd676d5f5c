//! What became of one event, for people.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::observation::{Head, Observation};
use super::{command, short};

/// The most bytes of a reason.
const MAX_REASON_BYTES: usize = 1_024;

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
    /// Whom it is about: `userId`, else `anonymousId`.
    pub user_id: Option<String>,
    /// What happened.
    pub outcome: Outcome,
    /// Why, where that is not the usual.
    pub reason: Option<String>,
    /// Id of the destination; null for what happens at the gateway.
    pub destination: Option<String>,
    /// The event as it was sent; `{"$truncated": <bytes>}` for one over 16 KiB, `{"$text": "…"}` for one
    /// that strict JSON cannot express.
    #[schema(value_type = serde_json::Value)]
    pub event: Box<RawValue>,
    /// The words of the Redis command that wrote it, at most about 16 KiB; "…" stands for what is left out.
    pub command: Option<Vec<String>>,
}

impl TailEvent {
    pub(super) fn new(seq: u64, observation: &Observation<'_>, head: &Head) -> Self {
        Self {
            seq,
            at: format!("{:.3}", Timestamp::now()),
            source: observation.source.to_owned(),
            kind: head.kind.clone().unwrap_or_default(),
            user_id: head.user().map(str::to_owned),
            outcome: observation.outcome,
            reason: observation
                .reason
                .map(|reason| short::text(reason.as_bytes(), MAX_REASON_BYTES)),
            destination: observation.destination.map(str::to_owned),
            event: short::bounded_event(observation.event, short::MAX_EVENT_BYTES),
            command: observation.update.map(command::hset),
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
        let seen = TailEvent::new(7, &observation, &Head::read(event));
        let value = serde_json::to_value(&seen).unwrap();
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
