//! What is told of a field's value: the same from the command line and from the API.

use std::collections::HashMap;

use kenwell::profile::{DataType, FieldEvent, FieldOrigin, Layout, OriginState, ProfileWithClocks};
use kenwell_journal::Error;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

use super::event_lookup::{EventLookup, FoundEvent, MAX_EVENTS, MAX_RECORDS_BEFORE, value_of};
use super::journal_records::JournalRecords;
use crate::config::Config;
use crate::time;

/// Said of a destination that keeps no times.
const NOT_BY_TIME: &str = "it writes events in the order of arrival, and keeps no times. With order = \"event_time\" each \
     field that is written from then on tells when its event happened, when it was received, from which source, and where \
     in the journal it is";

/// Said of one whose profiles cannot have any.
const DOCUMENTS: &str = "its profiles are JSON documents, which keep no times";

/// Why a destination keeps no times, if it keeps none.
pub(crate) fn why_no_times(layout: &Layout) -> Option<&'static str> {
    match layout.data_type {
        DataType::Json => Some(DOCUMENTS),
        DataType::Hash => (!layout.rules.is_by_time()).then_some(NOT_BY_TIME),
    }
}

/// How many bytes of events one answer holds. What would be more is left out.
const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;

/// Where the fields of a user's profile come from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProfileReport {
    /// The user.
    pub(crate) user_id: String,
    /// The destination's id.
    pub(crate) destination: String,
    /// The key of the hash.
    pub(crate) key: String,
    /// Its fields, and those that were removed, sorted by name; or the one that was asked for.
    pub(crate) fields: Vec<FieldReport>,
}

/// Where the value of one field comes from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldReport {
    /// Its name.
    pub(crate) field: String,
    /// Its value; null when it is not there.
    pub(crate) value: Option<String>,
    /// What is known of it.
    pub(crate) state: FieldState,
    /// When the event happened that set or removed it.
    pub(crate) event_time: Option<String>,
    /// When that was received.
    pub(crate) received_at: Option<String>,
    /// Id of the source that sent it.
    pub(crate) source: Option<String>,
    /// Its offset in the journal of the Kenwell that received it.
    pub(crate) offset: Option<u64>,
    /// What else there is to know, in sentences.
    pub(crate) notes: Vec<String>,
    /// The event as it was sent, while the journal has it.
    #[schema(value_type = Option<serde_json::Value>)]
    pub(crate) event: Option<Box<RawValue>>,
    /// What the field was before that event; only when one field is asked for, and as far as the journal tells.
    pub(crate) replaced: Option<ReplacedValue>,
}

/// What is known of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FieldState {
    /// The event set it.
    Set,
    /// The event removed it.
    Removed,
    /// The event set it, but it is not there.
    Missing,
    /// It is there, and no event is known.
    Unknown,
}

/// What a field was before.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplacedValue {
    /// Its value; null when it had been removed.
    pub(crate) value: Option<String>,
    /// When the event happened that had set or removed it.
    pub(crate) event_time: String,
    /// When that was received.
    pub(crate) received_at: String,
    /// Id of the source that sent it.
    pub(crate) source: String,
    /// Its offset.
    pub(crate) offset: u64,
}

impl ProfileReport {
    /// Where the fields of a user's profile come from, or one of them. Without a field the events of the newest 32 of
    /// those that count are looked up. Empty when nothing is known.
    ///
    /// # Errors
    /// Those of the journal.
    pub(crate) async fn of(
        stored: &ProfileWithClocks,
        user_id: &str,
        field: Option<&str>,
        layout: &Layout,
        config: &Config,
        records: &JournalRecords,
    ) -> Result<Self, Error> {
        let key = layout.key(user_id);
        let origins = match field {
            None => stored.origins(),
            Some(field) => stored.origin_of(field.as_bytes()).into_iter().collect(),
        };
        let mut lookup = EventLookup::new(records, config, layout);
        let events = find_events(&origins, &mut lookup).await?;
        let mut fields = Vec::with_capacity(origins.len());
        let mut bytes = 0;
        for origin in &origins {
            let mut report = FieldReport::new(origin);
            if let Some(event) = event_of(origin) {
                let found = events.get(&event);
                report.add_event(origin, found, &mut bytes);
                let is_here = matches!(found, Some(FoundEvent::Here(..)));
                if field.is_some() && is_here {
                    let replaced = lookup.replaced(&key, origin.name, event.stamp).await?;
                    report.add_replaced(replaced.map(ReplacedValue::from));
                }
            }
            fields.push(report);
        }
        Ok(Self {
            user_id: user_id.to_owned(),
            destination: layout.destination_id.clone(),
            key: text(&key),
            fields,
        })
    }
}

/// Looks up the newest events that the fields name, each once.
async fn find_events<'a>(
    origins: &[FieldOrigin<'a>],
    lookup: &mut EventLookup<'_>,
) -> Result<HashMap<FieldEvent<'a>, FoundEvent>, Error> {
    let mut events: Vec<_> = origins.iter().filter_map(event_of).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.stamp));
    events.dedup();
    let (mut found, mut bytes) = (HashMap::new(), 0);
    for event in events.into_iter().take(MAX_EVENTS) {
        if bytes > MAX_EVENT_BYTES {
            break;
        }
        let its = lookup.find(&event).await?;
        if let FoundEvent::Here(event, _) = &its {
            bytes += event.len();
        }
        found.insert(event, its);
    }
    Ok(found)
}

fn event_of<'a>(origin: &FieldOrigin<'a>) -> Option<FieldEvent<'a>> {
    match origin.state {
        OriginState::Set(event) | OriginState::Removed(event) | OriginState::Missing(event) => {
            Some(event)
        }
        OriginState::Unknown => None,
    }
}

impl FieldReport {
    fn new(origin: &FieldOrigin<'_>) -> Self {
        let event = event_of(origin);
        let (state, note) = match origin.state {
            OriginState::Set(_) => (FieldState::Set, None),
            OriginState::Removed(_) => (FieldState::Removed, None),
            OriginState::Missing(_) => (
                FieldState::Missing,
                Some("it has expired, or somebody else has deleted it"),
            ),
            OriginState::Unknown => (
                FieldState::Unknown,
                Some("set before order = event_time, or by somebody else"),
            ),
        };
        Self {
            field: text(origin.name),
            value: origin.value.map(text),
            state,
            event_time: event.map(|it| time::text_of_milliseconds(it.stamp.event_ms)),
            received_at: event.map(|it| time::text_of_milliseconds(it.stamp.received_ms)),
            source: event.map(|it| it.source.to_owned()),
            offset: event.map(|it| it.stamp.offset),
            notes: note.into_iter().map(str::to_owned).collect(),
            event: None,
            replaced: None,
        }
    }

    /// Adds the event; `bytes` counts those of all events in the answer.
    fn add_event(
        &mut self,
        origin: &FieldOrigin<'_>,
        found: Option<&FoundEvent>,
        bytes: &mut usize,
    ) {
        let note = match found {
            None => Some("its event was not looked up: ask for this field alone"),
            Some(FoundEvent::Deleted) => {
                Some("the journal does not have its event any more (journal.retain)")
            }
            Some(FoundEvent::Damaged) => Some("its event is lost to damage of the journal"),
            Some(FoundEvent::OtherJournal) => Some(
                "its event is not in this journal: it came through another Kenwell, or data_dir is another one now",
            ),
            Some(FoundEvent::Here(event, update)) => {
                *bytes += event.len();
                let written = update
                    .as_ref()
                    .and_then(|update| value_of(update, origin.name));
                if *bytes > MAX_EVENT_BYTES {
                    Some("its event is left out, the answer is large: ask for this field alone")
                } else {
                    self.event = Some(raw(event));
                    let is_other = self.state == FieldState::Set && written != origin.value;
                    is_other.then_some(
                        "the value is not what this event says: somebody else has written it since, \
                         or the destination's settings were others",
                    )
                }
            }
        };
        self.notes.extend(note.map(str::to_owned));
    }

    fn add_replaced(&mut self, replaced: Option<ReplacedValue>) {
        if replaced.is_none() {
            self.notes.push(format!(
                "nothing that it replaced is among the {MAX_RECORDS_BEFORE} records before it"
            ));
        }
        self.replaced = replaced;
    }
}

impl From<super::event_lookup::Replaced> for ReplacedValue {
    fn from(replaced: super::event_lookup::Replaced) -> Self {
        Self {
            value: replaced.value.as_deref().map(text),
            event_time: time::text_of_milliseconds(replaced.stamp.event_ms),
            received_at: time::text_of_milliseconds(replaced.stamp.received_ms),
            source: replaced.source,
            offset: replaced.stamp.offset,
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// JSON as it stands, but on one line; as a text what is none.
fn raw(json: &[u8]) -> Box<RawValue> {
    let text = text(json);
    // Within texts JSON has no line ends.
    RawValue::from_string(text.replace(['\n', '\r'], " "))
        .or_else(|_| to_raw_value(&text))
        .unwrap_or_default()
}
