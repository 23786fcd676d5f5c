//! Replays the recorded behaviour of RudderStack's Redis destination through the pure part of the
//! crate. What we do differently on purpose is listed, one by one, in `differences.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::support::model::{self, DIFFERENCES, Outcome, RecordedOrder, Rules};
use crate::support::recorded::{compare_with_list, lines};
use crate::support::server::Server;
use kenwell::profile::{
    self, Flattener, Fold, Ignored, Layout, Order, Prefix, ProfileUpdate, Receipt,
};
use kenwell_json::Reader;
use serde_json::{Value, json};

/// The value is a JSON document: `documents/vectors.rs` has these.
const JSON_MODE: usize = 128;
/// Refused for the event's `type`, which the gateway decides about and this crate does not look at.
const WRONG_TYPE: usize = 24;
/// A configured prefix that is not a string, which no configuration file of ours can express.
const PREFIX_NOT_A_STRING: usize = 7;
/// Vectors and sequences without any difference.
const MET: usize = 601;
const SEQUENCES_MET: usize = 28;
/// Recorded without workspace and destination, which a layout always has.
const NO_METADATA: usize = 1;

fn layout(case: &Value) -> Layout {
    let id = |name: &str| {
        case["meta"][name]
            .as_str()
            .unwrap_or("undefined")
            .to_owned()
    };
    Layout {
        prefix: Prefix::parse(case["config"]["prefix"].as_str().unwrap_or_default()),
        workspace_id: id("workspaceId"),
        destination_id: id("destinationId"),
        ..Layout::default()
    }
}

/// The same, in the order of events.
fn by_time(layout: &Layout) -> Layout {
    let order = Order::ByEventTime {
        clock_tolerance: Duration::from_mins(5),
    };
    let rules = profile::Rules {
        order,
        ..profile::Rules::default()
    };
    Layout {
        rules,
        ..layout.clone()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn hash(update: &ProfileUpdate) -> BTreeMap<String, String> {
    let fields: BTreeMap<_, _> = update
        .fields()
        .map(|(name, value)| (text(name), text(value)))
        .collect();
    assert_eq!(fields.len(), update.fields().len(), "a name occurs twice");
    fields
}

fn outcome(result: &Result<ProfileUpdate, Ignored>) -> Outcome {
    match result {
        Ok(update) => Ok((text(update.key()), hash(update))),
        Err(reason) => Err(reason.as_str().to_owned()),
    }
}

/// What was recorded, with the recorded errors translated into our reasons.
fn recorded(expected: &Value) -> Outcome {
    let string = |value: &Value| value.as_str().unwrap().to_owned();
    if let Some(error) = expected["error"].as_str() {
        return Err(reason(error).to_owned());
    }
    let fields = match expected["cmd"].as_str().unwrap() {
        "HMSET" => expected["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| (string(&field[0]), string(&field[1])))
            .collect(),
        "HSET" => BTreeMap::from([(string(&expected["field"]), string(&expected["value"]))]),
        other => panic!("unknown command {other}"),
    };
    Ok((string(&expected["key"]), fields))
}

fn reason(error: &str) -> &'static str {
    let reasons = [
        ("context or context.traits or traits is empty", "no_traits"),
        ("wrong number of arguments for 'hmset'", "no_traits"),
        ("Blank userId", "blank_user_id"),
        ("NonIdentifiableRequest", "blank_user_id"),
        ("unsupported value", "number_out_of_range"),
        ("prefix.trim is not a function", "prefix_not_text"),
        (
            "Cannot convert object to primitive value",
            "user_id_not_text",
        ),
        ("body rejected", "__proto__ rejected"),
    ];
    let found = reasons.iter().find(|(words, _)| error.contains(words));
    found.unwrap_or_else(|| panic!("no reason for {error}")).1
}

fn is_about_type(expected: &Value) -> bool {
    let error = expected["error"].as_str().unwrap_or_default();
    [
        "Only Identify calls",
        "Message type not supported",
        "Invalid message type",
    ]
    .iter()
    .any(|words| error.contains(words))
}

/// An outcome as `differences.json` writes it.
fn shown(outcome: &Outcome) -> Value {
    match outcome {
        Ok((key, fields)) => json!({ "key": key, "fields": fields }),
        Err(reason) => json!({ "ignored": reason }),
    }
}

/// Why a vector is not replayed, if it is not.
fn out_of_scope(case: &Value, expected: &Value) -> Option<&'static str> {
    let config = &case["config"];
    let json_mode = !matches!(config["useJSONModule"], Value::Null | Value::Bool(false));
    let error = expected["error"].as_str().unwrap_or_default();
    if json_mode && config["useJSONModule"] != 0 && config["useJSONModule"] != "" {
        Some("JSON mode")
    } else if is_about_type(expected) {
        Some("type")
    } else if !matches!(config["prefix"], Value::Null | Value::String(_)) {
        Some("prefix")
    } else if error.contains("Cannot destructure") {
        Some("metadata")
    } else {
        None
    }
}

/// The fewest differences that lead from what was recorded to what we do.
fn explained(behave: impl Fn(&Rules) -> Value, recorded: &Rules) -> BTreeSet<&'static str> {
    let mut rules = Rules {
        ours: DIFFERENCES.into(),
        recorded_order: recorded.recorded_order,
    };
    let ours = behave(&rules);
    for difference in DIFFERENCES {
        rules.ours.remove(difference);
        if recorded.ours.contains(difference) || behave(&rules) != ours {
            rules.ours.insert(difference);
        }
    }
    rules.ours.difference(&recorded.ours).copied().collect()
}

#[test]
fn every_vector_is_met_or_a_listed_difference() {
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found = BTreeMap::new();
    let mut flattener = Flattener::default();
    let mut met = 0;
    for case in lines("visible.jsonl") {
        let id = case["id"].as_str().unwrap().to_owned();
        let expected = match &case["e2e"] {
            Value::Object(_) => &case["e2e"],
            _ => &case["redis"],
        };
        if let Some(why) = out_of_scope(&case, expected) {
            *skipped.entry(why).or_default() += 1;
            continue;
        }
        let event = case["event"].as_str().unwrap().as_bytes();
        let layout = layout(&case);
        let ours = outcome(&flattener.update(event, &layout));
        let timed = outcome(&flattener.update(event, &by_time(&layout)));
        assert_eq!(timed, ours, "{id}: another hash in the order of events");
        let recorded = recorded(expected);
        let prefix = case["config"]["prefix"].as_str().unwrap_or_default();
        let ids = [layout.workspace_id.as_str(), layout.destination_id.as_str()];
        let behave = |rules: &Rules| shown(&model::update(event, prefix, ids, rules));
        if ours == recorded {
            let template = prefix.contains("{{");
            assert!(
                template || behave(&Rules::ours()) == shown(&ours),
                "{id}: the model errs"
            );
            met += 1;
            continue;
        }
        // The model shows that the listed differences, and nothing else, lead from what was
        // recorded to what we do.
        let theirs = Rules {
            ours: BTreeSet::new(),
            recorded_order: RecordedOrder::Sorted,
        };
        assert_eq!(
            behave(&theirs),
            shown(&recorded),
            "{id}: the model misses what was recorded"
        );
        assert_eq!(
            behave(&Rules::ours()),
            shown(&ours),
            "{id}: the model says otherwise"
        );
        let differences = explained(behave, &theirs);
        found.insert(
            id,
            json!({ "differences": differences, "outcome": shown(&ours) }),
        );
    }
    compare_with_list("vectors", &found);
    let expected = [
        ("JSON mode", JSON_MODE),
        ("type", WRONG_TYPE),
        ("prefix", PREFIX_NOT_A_STRING),
        ("metadata", NO_METADATA),
    ];
    assert_eq!(skipped, expected.into());
    assert_eq!(met, MET);
}

/// The text of a field, made comparable. Sequences were recorded at the step before the one that
/// sorts the keys of objects and replaces lone surrogates: JSON texts have their keys in document
/// order there, and `\ud800` as it came. Ours have neither, so both are brought into our form.
fn comparable_text(text: &str) -> String {
    let mut reader = Reader::new(text.as_bytes());
    let is_json = text.starts_with(['[', '{']) && reader.skip().is_ok() && reader.end().is_ok();
    let rules = Rules::ours();
    if is_json {
        model::stringify(&model::parse(text.as_bytes(), &rules), &rules)
    } else {
        text.to_owned()
    }
}

type Hashes = BTreeMap<String, BTreeMap<String, String>>;

fn comparable(hashes: &Hashes) -> BTreeMap<&str, BTreeMap<&str, String>> {
    hashes
        .iter()
        .map(|(key, fields)| {
            let fields = fields
                .iter()
                .map(|(name, value)| (name.as_str(), comparable_text(value)));
            (key.as_str(), fields.collect())
        })
        .collect()
}

fn final_hashes(case: &Value) -> Hashes {
    let fields = |fields: &Value| {
        let pair = |field: &Value| {
            let [name, value] =
                [&field[0], &field[1]].map(|text| text.as_str().unwrap().to_owned());
            (name, value)
        };
        fields.as_array().unwrap().iter().map(pair).collect()
    };
    let hashes = case["final"].as_object().unwrap().iter();
    hashes
        .map(|(key, value)| (key.clone(), fields(value)))
        .collect()
}

/// The events of a sequence that are identify calls, and whether each was written when recorded.
fn identifies(case: &Value) -> Vec<(&[u8], bool)> {
    let events = case["events"].as_array().unwrap().iter();
    events
        .zip(case["steps"].as_array().unwrap())
        .map(|(event, step)| (event.as_str().unwrap().as_bytes(), step.as_str().unwrap()))
        .filter(|(_, step)| !step.contains("Only Identify calls"))
        .map(|(event, step)| (event, !step.starts_with("transformer:400")))
        .collect()
}

/// The hashes that the script leaves when these events, each a second after the one before, come in this order.
async fn written_by_time(
    server: &Server,
    layout: &Layout,
    events: impl Iterator<Item = (usize, &[u8])>,
) -> Hashes {
    let connection = server.connection();
    let mut hashes = Hashes::new();
    for (place, event) in events {
        let place = u64::try_from(place).unwrap();
        let receipt = Receipt {
            source: "web",
            offset: place,
            received_at_ms: 1_700_000_000_000 + 1_000 * place,
            sent_at_ms: None,
        };
        let update = Flattener::default().received(event, layout, &receipt);
        let Ok(update) = update else { continue };
        let results = profile::apply(&connection, std::slice::from_ref(&update)).await;
        results[0].as_ref().unwrap();
        hashes.insert(text(update.key()), BTreeMap::new());
    }
    let client = redis::Client::open(format!("redis://{}", server.address()));
    let mut plain = client.unwrap().get_connection().unwrap();
    for (key, fields) in &mut hashes {
        let pairs = redis::cmd("HGETALL").arg(key).query(&mut plain);
        let pairs: Vec<(Vec<u8>, Vec<u8>)> = pairs.unwrap();
        *fields = pairs
            .iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect();
    }
    let _: () = redis::cmd("FLUSHALL").query(&mut plain).unwrap();
    hashes
}

#[tokio::test]
async fn by_time_every_sequence_ends_as_it_does_by_arrival_in_whatever_order_it_comes() {
    let server = Server::start(&[]);
    let mut met = 0;
    for case in lines("sequences_visible.jsonl") {
        let events: Vec<_> = identifies(&case).iter().map(|(event, _)| *event).collect();
        let mut fold = Fold::default();
        for (item, event) in events.iter().enumerate() {
            if let Ok(update) = Flattener::default().update(event, &layout(&case)) {
                fold.push(item, update);
            }
        }
        let folded = fold.finish();
        let by_arrival: Hashes = folded
            .iter()
            .map(|user| (text(user.update().key()), hash(user.update())))
            .collect();
        let layout = by_time(&layout(&case));
        let in_order = events.iter().copied().enumerate();
        for is_reversed in [false, true] {
            let hashes = if is_reversed {
                written_by_time(&server, &layout, in_order.clone().rev()).await
            } else {
                written_by_time(&server, &layout, in_order.clone()).await
            };
            assert_eq!(hashes, by_arrival, "{} {is_reversed}", case["id"]);
        }
        met += usize::from(comparable(&by_arrival) == comparable(&final_hashes(&case)));
    }
    assert_eq!(met, SEQUENCES_MET);
}

#[test]
fn every_sequence_ends_as_recorded_or_with_a_listed_difference() {
    let mut found = BTreeMap::new();
    let mut met = 0;
    for case in lines("sequences_visible.jsonl") {
        let id = case["id"].as_str().unwrap().to_owned();
        let layout = layout(&case);
        let events = identifies(&case);
        let mut fold = Fold::default();
        for (item, &(event, written)) in events.iter().enumerate() {
            let update = Flattener::default().update(event, &layout);
            assert_eq!(update.is_ok(), written, "{id}: event {item}");
            if let Ok(update) = update {
                fold.push(item, update);
            }
        }
        let folded = fold.finish();
        let ours: Hashes = folded
            .iter()
            .map(|user| (text(user.update().key()), hash(user.update())))
            .collect();
        let recorded = final_hashes(&case);
        if comparable(&ours) == comparable(&recorded) {
            met += 1;
            continue;
        }
        let prefix = case["config"]["prefix"].as_str().unwrap_or_default();
        let ids = [layout.workspace_id.as_str(), layout.destination_id.as_str()];
        let run = |rules: &Rules| {
            let mut hashes = Hashes::new();
            for (event, _) in &events {
                if let Ok((key, fields)) = model::update(event, prefix, ids, rules) {
                    hashes.entry(key).or_default().extend(fields);
                }
            }
            hashes
        };
        let theirs = Rules {
            ours: BTreeSet::from(["whole_surrogates"]),
            recorded_order: RecordedOrder::Inserted,
        };
        assert_eq!(
            comparable(&run(&theirs)),
            comparable(&recorded),
            "{id}: the model misses what was recorded"
        );
        assert_eq!(run(&Rules::ours()), ours, "{id}: the model says otherwise");
        let behave = |rules: &Rules| json!(comparable(&run(rules)));
        let differences = explained(behave, &theirs);
        found.insert(id, json!({ "differences": differences, "outcome": ours }));
    }
    compare_with_list("sequences", &found);
    assert_eq!(met, SEQUENCES_MET);
}
