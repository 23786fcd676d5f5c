//! The event-to-hash vectors, through the gateway into a real Redis.
//!
//! Format: `conformance/rudderstack-redis/README.md`. What differs from the peer on purpose stands in
//! `differences.json`, case by case.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Client, Redis, Server, conformance, eventually, metric};

type Fields = BTreeMap<String, String>;
type Store = BTreeMap<String, Fields>;

fn lines(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(conformance(&format!("rudderstack-redis/{file}"))).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn differences(kind: &str) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(conformance("rudderstack-redis/differences.json")).unwrap();
    let mut all: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(&text).unwrap();
    all.remove(kind).unwrap()
}

/// A server with the prefix and ids of a case. Cases with equal settings share one.
struct Peer<'a> {
    redis: &'a Redis,
    server: Server,
    sent: u64,
}

impl<'a> Peer<'a> {
    fn start(redis: &'a Redis, prefix: &str) -> Self {
        let tables = format!(
            "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"dst1\"]\n[[destinations]]\nid = \"dst1\"\n\
             type = \"redis\"\naddress = \"{}\"\nprefix = {}\n",
            redis.address(),
            Value::from(prefix)
        );
        Self {
            redis,
            server: Server::with(&tables),
            sent: 0,
        }
    }

    /// Sends one event as a batch of one, and waits until it has its outcome.
    fn send(&mut self, client: &mut Client, event: &str) -> u16 {
        let status = client
            .post("/v1/batch", format!("{{\"batch\":[{event}]}}").as_bytes())
            .unwrap()
            .status;
        self.sent += 1;
        self.server.settle("dst1");
        status
    }

    /// Everything that is in Redis.
    fn store(&self) -> Store {
        let keys = self.redis.keys().into_iter();
        keys.map(|key| (key.clone(), self.redis.fields(&key)))
            .collect()
    }
}

/// What the peer leaves behind, entering at its gateway; nothing when it drops the event.
fn peers_store(case: &Value) -> Store {
    let e2e = match &case["e2e"] {
        Value::String(_) | Value::Null => &case["redis"],
        own => own,
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    if !e2e["error"].is_null() {
        return Store::new();
    }
    let fields: Fields = match e2e["cmd"].as_str() {
        Some("HMSET") => e2e["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (text(&pair[0]), text(&pair[1])))
            .collect(),
        Some("HSET") => [(text(&e2e["field"]), text(&e2e["value"]))].into(),
        _ => return Store::new(),
    };
    [(text(&e2e["key"]), fields)].into()
}

/// The same for a case that differs on purpose.
fn our_store(outcome: &Value) -> Store {
    match outcome["key"].as_str() {
        Some(key) => [(
            key.to_owned(),
            serde_json::from_value(outcome["fields"].clone()).unwrap(),
        )]
        .into(),
        None => Store::new(),
    }
}

/// Whether the case's settings can be said in `kenwell.toml` at all.
fn is_sayable(case: &Value) -> bool {
    let config = &case["config"];
    let prefix_is_text = matches!(config["prefix"], Value::Null | Value::String(_));
    let is_hash_mode = matches!(config["useJSONModule"], Value::Null | Value::Bool(false));
    let meta = |name: &str| case["meta"][name].as_str();
    let ids = (meta("workspaceId"), meta("destinationId"));
    prefix_is_text && is_hash_mode && ids == (Some("wsp1"), Some("dst1"))
}

fn by_prefix(cases: &[Value]) -> BTreeMap<&str, Vec<&Value>> {
    let mut groups: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for case in cases.iter().filter(|case| is_sayable(case)) {
        groups
            .entry(case["config"]["prefix"].as_str().unwrap_or_default())
            .or_default()
            .push(case);
    }
    groups
}

#[test]
fn every_vector_through_the_gateway() {
    let (cases, differences) = (lines("visible.jsonl"), differences("vectors"));
    let redis = Redis::start();
    let (mut passed, mut failed) = (0, Vec::new());
    for (prefix, group) in by_prefix(&cases) {
        let mut peer = Peer::start(&redis, prefix);
        let mut client = Client::connect(&peer.server.gateway);
        for case in group {
            let _: () = redis.command(&["FLUSHALL"]);
            let id = case["id"].as_str().unwrap();
            peer.send(&mut client, case["event"].as_str().unwrap());
            let expected = differences
                .get(id)
                .map_or_else(|| peers_store(case), |own| our_store(&own["outcome"]));
            let store = peer.store();
            if store == expected {
                passed += 1;
            } else {
                failed.push(format!("{id}: {store:?}\n   expected {expected:?}"));
            }
        }
        let page = peer.server.metrics();
        assert_eq!(
            metric(&page, "kenwell_destination_dead_lettered_total", "dst1"),
            0
        );
    }
    assert!(
        failed.is_empty(),
        "{} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
    assert!(passed > 700, "only {passed} cases ran");
}

#[test]
fn every_sequence_through_the_gateway() {
    let (cases, differences) = (lines("sequences_visible.jsonl"), differences("sequences"));
    let redis = Redis::start();
    let mut passed = 0;
    for (prefix, group) in by_prefix(&cases) {
        let mut peer = Peer::start(&redis, prefix);
        let mut client = Client::connect(&peer.server.gateway);
        for case in group {
            let _: () = redis.command(&["FLUSHALL"]);
            // All at once, so that updates of one user are folded on their way.
            let events: Vec<_> = case["events"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event| event.as_str().unwrap())
                .collect();
            peer.send(&mut client, &events.join(","));
            let id = case["id"].as_str().unwrap();
            let expected: Store = match differences.get(id) {
                Some(own) => serde_json::from_value(own["outcome"].clone()).unwrap(),
                None => pairs(&case["final"]),
            };
            let store = eventually("the store to settle", || Some(peer.store()));
            assert_eq!(sorted(store), sorted(expected), "{id}");
            passed += 1;
        }
    }
    assert_eq!(passed, cases.len());
}

fn pairs(stores: &Value) -> Store {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let fields = |list: &Value| {
        list.as_array()
            .unwrap()
            .iter()
            .map(|pair| (text(&pair[0]), text(&pair[1])))
            .collect()
    };
    stores
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, list)| (key.clone(), fields(list)))
        .collect()
}

/// The sequences were recorded behind the gateway, which sorts the keys of objects inside arrays:
/// such texts are compared as values.
fn sorted(store: Store) -> BTreeMap<String, BTreeMap<String, Value>> {
    let value = |text: String| match serde_json::from_str::<Value>(&without_surrogates(&text)) {
        Ok(value @ (Value::Array(_) | Value::Object(_))) => value,
        _ => Value::String(text),
    };
    let fields = |fields: Fields| {
        fields
            .into_iter()
            .map(|(name, text)| (name, value(text)))
            .collect()
    };
    store
        .into_iter()
        .map(|(key, list)| (key, fields(list)))
        .collect()
}

/// Behind the gateway a lone surrogate is still an escape, which `JSON.stringify` writes for nothing
/// else from `\ud800` on; at the gateway it is U+FFFD.
fn without_surrogates(text: &str) -> String {
    let mut parts = text.split("\\ud");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |whole, part| whole + "\u{fffd}" + &part[3..])
}
