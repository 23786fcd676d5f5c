//! What a profile must be in the end, by the rules: events one after the other, in the order of their stamps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kenwell::profile::{
    Flattener, Layout, Nested, NullTraits, Order, ProfileUpdate, Receipt, Rules,
};
use serde_json::{Map, Value, json};

/// When the first event happens.
pub(crate) const START: u64 = 1_700_000_000_000;

/// An event and how it was received.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) user: String,
    pub(crate) happened_ms: u64,
    pub(crate) received_ms: u64,
    pub(crate) offset: u64,
    pub(crate) traits: Map<String, Value>,
}

impl Event {
    fn stamp(&self) -> (u64, u64, u64) {
        (self.happened_ms, self.received_ms, self.offset)
    }

    pub(crate) fn update(&self, layout: &Layout) -> ProfileUpdate {
        let event =
            json!({"userId": self.user, "traits": self.traits, "timestamp": self.happened_ms});
        let receipt = Receipt {
            source: "web",
            offset: self.offset,
            received_at_ms: self.received_ms,
            sent_at_ms: None,
        };
        let event = event.to_string();
        Flattener::default()
            .received(event.as_bytes(), layout, &receipt)
            .unwrap()
    }
}

/// The layout with these rules.
pub(crate) fn layout(order: Order, null_traits: NullTraits, nested: Nested) -> Layout {
    let rules = Rules {
        order,
        null_traits,
        nested,
    };
    Layout {
        rules,
        ..Layout::default()
    }
}

pub(crate) const BY_TIME: Order = Order::ByEventTime {
    clock_tolerance: Duration::from_mins(5),
};

/// The fields of a user in the end.
pub(crate) fn profile(events: &[Event], rules: &Rules) -> BTreeMap<String, String> {
    let mut events: Vec<_> = events.iter().collect();
    events.sort_by_key(|event| event.stamp());
    let mut profile = BTreeMap::new();
    for same in events.chunk_by(|one, other| one.stamp() == other.stamp()) {
        for (name, value) in same.iter().flat_map(|event| &event.traits) {
            remove(&mut profile, "", name, value, rules);
        }
        let mut set = BTreeSet::new();
        for (name, value) in same.iter().flat_map(|event| &event.traits) {
            put(&mut profile, name, value, &mut set);
        }
    }
    profile
}

fn remove(
    profile: &mut BTreeMap<String, String>,
    above: &str,
    name: &str,
    value: &Value,
    rules: &Rules,
) {
    let path = format!("{above}{name}");
    let replaces = above.is_empty() && rules.nested == Nested::Replace && !value.is_null();
    if replaces || (rules.null_traits == NullTraits::Delete && value.is_null()) {
        let below = format!("{path}.");
        profile.retain(|field, _| *field != path && !field.starts_with(&below));
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        remove(profile, &format!("{path}."), name, value, rules);
    }
}

fn put(
    profile: &mut BTreeMap<String, String>,
    path: &str,
    value: &Value,
    set: &mut BTreeSet<String>,
) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (name, value) in members {
                put(profile, &format!("{path}.{name}"), value, set);
            }
        }
        value => {
            let value = value.to_string();
            // Of equal stamps the larger value.
            let is_first = set.insert(path.to_owned());
            if is_first || profile.get(path).is_none_or(|other| *other < value) {
                profile.insert(path.to_owned(), value);
            }
        }
    }
}
