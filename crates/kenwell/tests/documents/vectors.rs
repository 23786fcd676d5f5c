//! The recorded behaviour of RudderStack's JSON mode, against a real RedisJSON. What we do differently on purpose is
//! listed, one by one, in `differences.json`.

use std::collections::{BTreeMap, BTreeSet};

use kenwell::connection::Connection;
use kenwell::profile::{self, DataType, Flattener, Layout, Prefix};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::model::{self, DIFFERENCES, Outcome, is_same};
use super::redis::{self, Client};
use crate::support::model::{RecordedOrder, Rules};
use crate::support::recorded::{compare_with_list, lines};
use crate::support::server::Server;

/// Vectors without any difference.
const MET: usize = 102;
const MERGES_MET: usize = 384;
/// A setting that is no boolean, which no configuration file of ours can express.
const SETTING_NOT_A_BOOLEAN: usize = 3;
/// Recorded without workspace and destination, which a layout always has.
const NO_METADATA: usize = 1;
/// Refused for the event's `type`, which the gateway decides about.
const WRONG_TYPE: usize = 4;

/// What is under test: the way of an event into a document.
struct Subject {
    _server: Server,
    connection: Connection,
    client: Client,
    flattener: Flattener,
}

/// An event, and what there is before it.
struct Case<'a> {
    existing: Option<&'a str>,
    event: &'a [u8],
    prefix: &'a str,
    ids: [&'a str; 2],
}

impl Subject {
    fn start() -> Self {
        let server = redis::start(&[]);
        Self {
            connection: server.connection(),
            client: Client::of(&server),
            _server: server,
            flattener: Flattener::default(),
        }
    }

    async fn outcome(&mut self, case: &Case<'_>) -> Outcome {
        let layout = Layout {
            prefix: Prefix::parse(case.prefix),
            workspace_id: case.ids[0].to_owned(),
            destination_id: case.ids[1].to_owned(),
            data_type: DataType::Json,
            ..Layout::default()
        };
        let update = match self.flattener.update(case.event, &layout) {
            Ok(update) => update,
            Err(reason) => {
                return Err(match reason.as_str() {
                    "no_traits" | "not_a_document" => "nothing to merge".to_owned(),
                    reason => reason.to_owned(),
                });
            }
        };
        let key = String::from_utf8(update.key().to_vec()).unwrap();
        self.client.ask(&[b"FLUSHALL"]);
        if let Some(existing) = case.existing {
            self.client.set(&key, existing);
        }
        let written = profile::apply(&self.connection, &[update]).await;
        assert!(written[0].is_ok(), "{written:?}");
        let document = self.client.document(&key).unwrap();
        Ok((key, document))
    }
}

fn recorded_error(error: &str) -> Option<&'static str> {
    let reasons = [
        ("Invalid JSON Patch", "nothing to merge"),
        ("Invalid JSON Document", "null document"),
        ("Blank userId", "blank_user_id"),
        ("NonIdentifiableRequest", "blank_user_id"),
        ("unsupported value", "number_out_of_range"),
        (
            "Cannot convert object to primitive value",
            "user_id_not_text",
        ),
        ("body rejected", "__proto__ rejected"),
    ];
    let found = reasons.iter().find(|(words, _)| error.contains(words));
    found.map(|(_, reason)| *reason)
}

fn is_same_outcome(one: &Outcome, other: &Outcome) -> bool {
    match (one, other) {
        (Ok((a, one)), Ok((b, other))) => a == b && is_same(one, other),
        (Err(one), Err(other)) => one == other,
        _ => false,
    }
}

fn shown(outcome: &Outcome) -> Value {
    match outcome {
        Ok((key, document)) => json!({ "key": key, "document": document }),
        Err(reason) => json!({ "ignored": reason }),
    }
}

fn rules(ours: impl IntoIterator<Item = &'static str>) -> Rules {
    Rules {
        ours: ours.into_iter().collect(),
        recorded_order: RecordedOrder::Sorted,
    }
}

/// What a case is answered with, and the fewest differences that explain it; `None` when it is as recorded.
fn explained(case: &Case<'_>, ours: &Outcome, recorded: &Outcome) -> Option<Value> {
    let existing: Option<Value> = case
        .existing
        .map(|json| serde_json::from_str(json).unwrap());
    let behave =
        |rules: &Rules| model::update(existing.as_ref(), case.event, case.prefix, case.ids, rules);
    let event = String::from_utf8_lossy(case.event);
    let of_us = behave(&rules(DIFFERENCES));
    assert!(
        is_same_outcome(&of_us, ours),
        "{event}: {ours:?}, but the model says {of_us:?}"
    );
    if is_same_outcome(ours, recorded) {
        return None;
    }
    let of_them = behave(&rules([]));
    assert!(
        is_same_outcome(&of_them, recorded),
        "{event}: recorded is {recorded:?}, but the model says {of_them:?}"
    );
    let mut needed: BTreeSet<_> = DIFFERENCES.into();
    for difference in DIFFERENCES {
        needed.remove(difference);
        if !is_same_outcome(&behave(&rules(needed.iter().copied())), ours) {
            needed.insert(difference);
        }
    }
    Some(json!({ "differences": needed, "outcome": shown(ours) }))
}

#[tokio::test]
async fn every_document_vector_is_met_or_a_listed_difference() {
    let mut subject = Subject::start();
    let (mut met, mut wrong_type, mut not_a_boolean, mut no_metadata) = (0, 0, 0, 0);
    let mut found = BTreeMap::new();
    for vector in lines("visible.jsonl") {
        let setting = &vector["config"]["useJSONModule"];
        if matches!(setting, Value::Null | Value::Bool(false)) || setting == 0 || setting == "" {
            continue;
        }
        let expected = match &vector["e2e"] {
            Value::Object(_) => &vector["e2e"],
            _ => &vector["redis"],
        };
        let id = vector["id"].as_str().unwrap();
        if setting != true {
            not_a_boolean += 1;
            continue;
        }
        let recorded: Outcome = match expected["error"].as_str() {
            Some(error) if error.contains("Cannot destructure") => {
                no_metadata += 1;
                continue;
            }
            Some(error) => {
                let Some(reason) = recorded_error(error) else {
                    assert!(id.starts_with("type/"), "{id}: {error}");
                    wrong_type += 1;
                    continue;
                };
                Err(reason.to_owned())
            }
            None => Ok((
                expected["key"].as_str().unwrap().to_owned(),
                serde_json::from_str(expected["set_on_new_key"].as_str().unwrap()).unwrap(),
            )),
        };
        let meta = |name: &str| vector["meta"][name].as_str().unwrap_or("undefined");
        let case = Case {
            existing: None,
            event: vector["event"].as_str().unwrap().as_bytes(),
            prefix: vector["config"]["prefix"].as_str().unwrap_or_default(),
            ids: [meta("workspaceId"), meta("destinationId")],
        };
        let ours = subject.outcome(&case).await;
        match explained(&case, &ours, &recorded) {
            None => met += 1,
            Some(difference) => {
                found.insert(id.to_owned(), difference);
            }
        }
    }
    compare_with_list("documents", &found);
    assert_eq!(
        (met, wrong_type, not_a_boolean, no_metadata),
        (MET, WRONG_TYPE, SETTING_NOT_A_BOOLEAN, NO_METADATA)
    );
}

/// The event that RudderStack makes such a merge of.
fn event_of(payload: &str) -> (String, &'static str) {
    type Members = BTreeMap<String, Box<RawValue>>;
    let payload: Members = serde_json::from_str(payload).unwrap();
    let message: Members = serde_json::from_str(payload["message"].get()).unwrap();
    let traits = message.get("value").map_or(String::new(), |value| {
        format!(r#","traits":{}"#, value.get())
    });
    let model = message.get("path").filter(|path| path.get() != r#""""#);
    let Some(model) = model else {
        return (format!(r#"{{"userId":"u1"{traits}}}"#), "user:u1");
    };
    let sources = format!(
        r#"{{"profiles_entity":"e","profiles_id_type":"i","profiles_model":{}}}"#,
        model.get()
    );
    let event = format!(r#"{{"userId":"u1","context":{{"sources":{sources}}}{traits}}}"#);
    (event, "w:d:e:i:u1")
}

#[tokio::test]
async fn every_merge_is_as_recorded_or_a_listed_difference() {
    let mut subject = Subject::start();
    let mut met = 0;
    let mut found = BTreeMap::new();
    for vector in lines("json_merge_visible.jsonl") {
        let (event, key) = event_of(vector["payload"].as_str().unwrap());
        let expect = &vector["expect"];
        let recorded: Outcome = match expect["error"].as_str() {
            Some(error) => Err(recorded_error(error).unwrap().to_owned()),
            None => Ok((
                key.to_owned(),
                serde_json::from_str(expect["set"].as_str().unwrap()).unwrap(),
            )),
        };
        let existing = vector["existing"].as_str().unwrap();
        let case = Case {
            existing: (!existing.is_empty()).then_some(existing),
            event: event.as_bytes(),
            prefix: "",
            ids: ["w", "d"],
        };
        let ours = subject.outcome(&case).await;
        match explained(&case, &ours, &recorded) {
            None => met += 1,
            Some(difference) => {
                found.insert(vector["id"].as_str().unwrap().to_owned(), difference);
            }
        }
    }
    compare_with_list("merges", &found);
    assert_eq!(met, MERGES_MET);
}
