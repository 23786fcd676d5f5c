//! The rules for documents again, written to be obvious: trees, recursion, and a copy for every step.
//!
//! As in `support/model.rs` each deliberate difference from RudderStack is a switch.

use serde_json::{Map, Value, json};

use crate::support::model::{Json, Rules, get, parse, place, stringify, to_string};

/// What we do differently with documents, besides what `support/model.rs` knows.
pub const DIFFERENCES: [&str; 9] = [
    // Numbers and empty texts between dots of a model's name are names; RudderStack makes arrays of them, which
    // lose what another model has put there.
    "segments_are_names",
    // A model's name may have any character; RudderStack writes nothing for some, and says that it did.
    "every_model_name_works",
    // A document that is null is replaced; RudderStack refuses every event for it.
    "null_document_is_replaced",
    // An event without any traits writes nothing; RudderStack writes null over the model.
    "missing_traits_keep_the_model",
    "exact_integers",
    "last_key_wins",
    "whole_surrogates",
    "user_id_is_text",
    "proto_is_a_key",
];

/// A key and the document that is there then, or why nothing is written.
pub type Outcome = Result<(String, Value), String>;

/// What becomes of the document that exists when an event arrives.
pub fn update(
    existing: Option<&Value>,
    event: &[u8],
    prefix: &str,
    ids: [&str; 2],
    rules: &Rules,
) -> Outcome {
    let event = &parse(event, rules);
    let place = place(event, prefix, ids, rules)?;
    let context = get(Some(event), "context", rules);
    let traits = [
        get(Some(event), "traits", rules),
        get(context, "traits", rules),
    ];
    let says_something = |value: &&Json| {
        !matches!(value, Json::Null) && !matches!(value, Json::Text(t) if t.is_empty())
    };
    let chosen = traits.into_iter().flatten().find(says_something);
    let value: Value = chosen.map_or(Value::Null, |chosen| {
        serde_json::from_str(&stringify(chosen, rules)).unwrap()
    });
    let patch = match place.model {
        Some(_)
            if traits.iter().all(Option::is_none) && rules.has("missing_traits_keep_the_model") =>
        {
            return Err("nothing to merge".to_owned());
        }
        Some(model) => in_model(&path(model, rules), value, rules),
        None => value,
    };
    Ok((place.key, patched(existing, patch, rules)?))
}

fn path(model: &Json, rules: &Rules) -> String {
    match model {
        Json::List(_) | Json::Object(_) => stringify(model, rules),
        model => to_string(model, false, rules),
    }
}

/// A document with a patch.
pub fn patched(existing: Option<&Value>, patch: Value, rules: &Rules) -> Result<Value, String> {
    let patch = match patch {
        Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::Null),
        patch => patch,
    };
    let replaces_null = rules.has("null_document_is_replaced");
    match (existing, &patch) {
        (Some(Value::Null), _) if !replaces_null => Err("null document".to_owned()),
        (_, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            Err("nothing to merge".to_owned())
        }
        (_, Value::Array(_)) => Ok(pruned(patch)),
        (Some(existing @ Value::Object(_)), _) => Ok(merged(existing.clone(), patch)),
        _ => Ok(patch),
    }
}

fn merged(target: Value, patch: Value) -> Value {
    match (target, patch) {
        (_, Value::Null) => Value::Null,
        (Value::Object(mut target), Value::Object(patch)) => {
            for (key, value) in patch {
                let value = match target.remove(&key) {
                    None | Some(Value::Null) => value,
                    Some(before) => merged(before, value),
                };
                target.insert(key, value);
            }
            Value::Object(target)
        }
        (Value::Object(_), patch) => patch,
        (_, patch) => pruned(patch),
    }
}

fn pruned(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key, pruned(value))).collect())
        }
        Value::Array(elements) => elements.into_iter().map(pruned).collect(),
        value => value,
    }
}

fn in_model(path: &str, value: Value, rules: &Rules) -> Value {
    let is_lost = path.contains(['|', '#', '*', '?']) || path.starts_with('@');
    if is_lost && !rules.has("every_model_name_works") {
        return json!({});
    }
    let names = names(path);
    let mut value = value;
    for (index, (name, is_forced)) in names.iter().enumerate().rev() {
        let is_number = name.chars().all(|c| c.is_ascii_digit()) || name == "-1";
        let is_place = index > 0 && is_number && !is_forced;
        value = if is_place && !rules.has("segments_are_names") {
            let before = name.parse().unwrap_or(0);
            let mut elements = vec![Value::Null; before];
            elements.push(value);
            Value::Array(elements)
        } else {
            Value::Object(Map::from_iter([(name.clone(), value)]))
        };
    }
    value
}

/// The names between dots, and whether a colon stood before each.
fn names(path: &str) -> Vec<(String, bool)> {
    let mut names = vec![(String::new(), false)];
    let mut characters = path.chars();
    while let Some(character) = characters.next() {
        let last = names.last_mut().unwrap();
        match character {
            '.' => names.push((String::new(), false)),
            ':' if last == &(String::new(), false) && !characters.as_str().is_empty() => {
                last.1 = true;
            }
            '\\' => last.0.push(characters.next().unwrap_or('\\')),
            character => last.0.push(character),
        }
    }
    names
}

/// Whether two documents say the same: integers exactly, other numbers as doubles, whose last bit RedisJSON does not
/// read exactly.
pub fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => {
            let is_integer = |number: &serde_json::Number| !number.is_f64();
            let is_near = |a: f64, b: f64| (a - b).abs() <= 4.0 * f64::EPSILON * b.abs();
            let doubles = a.as_f64().zip(b.as_f64());
            let both = is_integer(a) && is_integer(b);
            a == b || (!both && doubles.is_some_and(|(a, b)| is_near(a, b)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let has = |(key, value): (&String, &Value)| {
                b.get(key).is_some_and(|other| is_same(value, other))
            };
            a.len() == b.len() && a.iter().all(has)
        }
        _ => one == other,
    }
}
