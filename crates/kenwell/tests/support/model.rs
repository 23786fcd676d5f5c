//! The rules again, written to be obvious: a tree, recursion, and a copy for every step.
//!
//! Each deliberate difference from RudderStack is a switch, so that the model can play both sides.

use std::collections::{BTreeMap, BTreeSet};

use kenwell_json::{Kind, Reader, Text};

/// A hash as text, or the reason why nothing is written.
pub type Outcome = Result<(String, BTreeMap<String, String>), String>;

/// What we do differently. A set of these names describes a behaviour between RudderStack's (none)
/// and ours (all).
pub const DIFFERENCES: [&str; 6] = [
    // Integers keep their digits; RudderStack rounds them to doubles.
    "exact_integers",
    // Of repeated keys the last wins; at RudderStack's gateway the first.
    "last_key_wins",
    // Names that collide are resolved in document order; at RudderStack's in sorted order.
    "document_order",
    // A lone surrogate is one U+FFFD; RudderStack's gateway swallows the escape that follows.
    "whole_surrogates",
    // A user id that is a boolean, array or object is ignored; RudderStack writes its text.
    "user_id_is_text",
    // `__proto__` is an ordinary key; RudderStack refuses the request.
    "proto_is_a_key",
];

#[derive(Clone, Debug)]
pub struct Rules {
    pub ours: BTreeSet<&'static str>,
    /// Key order in JSON text, and of colliding names where `document_order` is off.
    pub recorded_order: RecordedOrder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordedOrder {
    /// Behind RudderStack's gateway: array indices first, then by bytes.
    Sorted,
    /// Behind its transformer alone: array indices first, then as inserted; the last key wins.
    Inserted,
}

impl Rules {
    pub fn ours() -> Self {
        Self {
            ours: DIFFERENCES.into(),
            recorded_order: RecordedOrder::Sorted,
        }
    }

    pub fn has(&self, difference: &str) -> bool {
        self.ours.contains(difference)
    }
}

#[derive(Clone, Debug)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Reads an event into a tree.
pub fn parse(event: &[u8], rules: &Rules) -> Json {
    let mut reader = Reader::new(event);
    let value = value(&mut reader, rules);
    reader.end().unwrap();
    value
}

fn value(reader: &mut Reader<'_>, rules: &Rules) -> Json {
    match reader.kind().unwrap() {
        Kind::Object => {
            let mut members = Vec::new();
            reader.enter_object().unwrap();
            while let Some(key) = reader.next_key().unwrap() {
                members.push((string(key, rules), value(reader, rules)));
            }
            Json::Object(members)
        }
        Kind::Array => {
            let mut elements = Vec::new();
            reader.enter_array().unwrap();
            while reader.next_element().unwrap() {
                elements.push(value(reader, rules));
            }
            Json::List(elements)
        }
        Kind::String => Json::Text(string(reader.string().unwrap(), rules)),
        Kind::Number => {
            let raw = reader.number().unwrap().raw();
            Json::Number(String::from_utf8(raw.to_vec()).unwrap())
        }
        kind => {
            reader.literal().unwrap();
            match kind {
                Kind::True => Json::Bool(true),
                Kind::False => Json::Bool(false),
                _ => Json::Null,
            }
        }
    }
}

fn string(text: Text<'_>, rules: &Rules) -> String {
    if rules.has("whole_surrogates") || text.is_plain() {
        return text.decode().into_owned();
    }
    // A lone surrogate takes the `\uXXXX` right behind it with it, unless that makes a pair.
    let raw = std::str::from_utf8(text.raw()).unwrap();
    let unit = |at: usize| {
        let escape = raw.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(escape, 16).ok()
    };
    let mut kept = String::new();
    let mut at = 0;
    while at < raw.len() {
        let after = at + 6;
        match unit(at) {
            Some(high)
                if (0xd800..0xdc00).contains(&high)
                    && unit(after).is_some_and(|low| (0xdc00..0xe000).contains(&low)) =>
            {
                kept.push_str(&raw[at..after + 6]);
                at = after + 6;
            }
            Some(lone) if (0xd800..0xe000).contains(&lone) => {
                kept.push('\u{fffd}');
                at = if unit(after).is_some() {
                    after + 6
                } else {
                    after
                };
            }
            _ if raw[at..].starts_with('\\') => {
                kept.push_str(&raw[at..at + 2]);
                at += 2;
            }
            _ => {
                let character = raw[at..].chars().next().unwrap();
                kept.push(character);
                at += character.len_utf8();
            }
        }
    }
    let quoted = format!("\"{kept}\"");
    Reader::new(quoted.as_bytes())
        .string()
        .unwrap()
        .decode()
        .into_owned()
}

/// An object's members without repeated keys.
fn members<'a>(object: &'a [(String, Json)], rules: &Rules) -> Vec<(&'a str, &'a Json)> {
    let mut kept: Vec<(&str, &Json)> = Vec::new();
    for (key, value) in object {
        let earlier = kept.iter().position(|(other, _)| other == key);
        match earlier {
            None => kept.push((key, value)),
            Some(at) if rules.has("last_key_wins") => {
                kept.remove(at);
                kept.push((key, value));
            }
            Some(at) if rules.recorded_order == RecordedOrder::Inserted => kept[at].1 = value,
            Some(_) => {}
        }
    }
    kept
}

fn in_order<'a>(object: &'a [(String, Json)], rules: &Rules) -> Vec<(&'a str, &'a Json)> {
    let mut members = members(object, rules);
    if rules.recorded_order == RecordedOrder::Sorted {
        members.sort_by_key(|(key, _)| *key);
    }
    let index = |key: &str| {
        let index: u32 = key.parse().ok().filter(|&index| index < u32::MAX)?;
        (index.to_string() == key).then_some(index)
    };
    members.sort_by_key(|(key, _)| index(key).map_or(u64::MAX, u64::from));
    members
}

pub fn get<'a>(value: Option<&'a Json>, key: &str, rules: &Rules) -> Option<&'a Json> {
    let Some(Json::Object(object)) = value else {
        return None;
    };
    members(object, rules)
        .into_iter()
        .find_map(|(name, value)| (name == key).then_some(value))
}

fn number(text: &str, zero: &str, rules: &Rules) -> String {
    let double: f64 = text.parse().unwrap();
    if double == 0.0 && double.is_sign_negative() {
        zero.to_owned()
    } else if rules.has("exact_integers") && !text.contains(['.', 'e', 'E']) {
        text.to_owned()
    } else {
        ryu_js::Buffer::new().format(double).to_owned()
    }
}

pub fn stringify(value: &Json, rules: &Rules) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(truth) => truth.to_string(),
        Json::Number(text) => number(text, "0", rules),
        Json::Text(text) => serde_json::to_string(text).unwrap(),
        Json::List(elements) => {
            let texts: Vec<_> = elements
                .iter()
                .map(|element| stringify(element, rules))
                .collect();
            format!("[{}]", texts.join(","))
        }
        Json::Object(object) => {
            let member = |(key, value): (&str, &Json)| {
                format!(
                    "{}:{}",
                    serde_json::to_string(key).unwrap(),
                    stringify(value, rules)
                )
            };
            let texts: Vec<_> = in_order(object, rules).into_iter().map(member).collect();
            format!("{{{}}}", texts.join(","))
        }
    }
}

fn flatten(
    path: &str,
    object: &[(String, Json)],
    rules: &Rules,
    fields: &mut BTreeMap<String, Option<String>>,
) {
    let members = if rules.has("document_order") {
        members(object, rules)
    } else {
        in_order(object, rules)
    };
    for (key, value) in members {
        let name = if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        };
        let text = match value {
            Json::Object(inner) if !inner.is_empty() => {
                flatten(&name, inner, rules, fields);
                continue;
            }
            Json::Object(_) | Json::Null => None,
            Json::Bool(truth) => Some(truth.to_string()),
            Json::Number(text) => Some(number(text, "-0", rules)),
            Json::Text(text) => Some(text.clone()),
            Json::List(_) => Some(stringify(value, rules)),
        };
        fields.insert(name, text);
    }
}

/// JavaScript's `String(value)`; lodash writes null inside arrays as `null`, and `-0` as `-0`.
pub fn to_string(value: &Json, lodash: bool, rules: &Rules) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(truth) => truth.to_string(),
        Json::Number(text) => number(text, if lodash { "-0" } else { "0" }, rules),
        Json::Text(text) => text.clone(),
        Json::Object(_) => "[object Object]".to_owned(),
        Json::List(elements) => {
            let text = |element: &Json| match element {
                Json::Null if !lodash => String::new(),
                element => to_string(element, lodash, rules),
            };
            elements.iter().map(text).collect::<Vec<_>>().join(",")
        }
    }
}

fn truthy(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => false,
        Json::Number(text) => text.parse::<f64>().unwrap() != 0.0,
        Json::Text(text) => !text.is_empty(),
        _ => true,
    }
}

fn has_proto(value: &Json) -> bool {
    match value {
        Json::List(elements) => elements.iter().any(has_proto),
        Json::Object(object) => object
            .iter()
            .any(|(key, value)| key == "__proto__" || has_proto(value)),
        _ => false,
    }
}

fn overflows(value: &Json) -> bool {
    match value {
        Json::Number(text) => text.parse::<f64>().unwrap().is_infinite(),
        Json::List(elements) => elements.iter().any(overflows),
        Json::Object(object) => object.iter().any(|(_, value)| overflows(value)),
        _ => false,
    }
}

fn integrations_off(event: &Json, rules: &Rules) -> bool {
    let Some(integrations) = get(Some(event), "integrations", rules) else {
        return false;
    };
    if !matches!(integrations, Json::Object(_)) {
        return true;
    }
    let all = match get(Some(integrations), "All", rules) {
        None => true,
        Some(Json::Bool(all)) => *all,
        Some(_) => return true,
    };
    match get(Some(integrations), "Redis", rules) {
        Some(Json::Bool(redis)) => !redis,
        Some(Json::Object(_)) => false,
        _ => !all,
    }
}

/// Where an event writes to.
pub struct Place<'a> {
    pub key: String,
    /// The model of a "Profiles" event.
    pub model: Option<&'a Json>,
}

/// Where an event writes to with a fixed prefix, or why it writes nothing, whatever its traits are.
pub fn place<'a>(
    event: &'a Json,
    prefix: &str,
    ids: [&str; 2],
    rules: &Rules,
) -> Result<Place<'a>, String> {
    if overflows(event) {
        return Err("number_out_of_range".to_owned());
    }
    if integrations_off(event, rules) {
        return Err("integrations_off".to_owned());
    }
    if !rules.has("proto_is_a_key") && has_proto(event) {
        return Err("__proto__ rejected".to_owned());
    }
    let user_id = match get(Some(event), "userId", rules) {
        None | Some(Json::Null) => return Err("blank_user_id".to_owned()),
        Some(Json::Bool(_) | Json::List(_) | Json::Object(_)) if rules.has("user_id_is_text") => {
            return Err("user_id_not_text".to_owned());
        }
        Some(user_id) => user_id,
    };
    let text = to_string(user_id, true, rules);
    let space = |character: char| {
        (character.is_whitespace() && character != '\u{85}') || character == '\u{feff}'
    };
    if text.trim_matches(space).is_empty() {
        return Err("blank_user_id".to_owned());
    }
    if get(Some(user_id), "toString", rules).is_some() {
        return Err("user_id_not_text".to_owned());
    }
    let sources = get(get(Some(event), "context", rules), "sources", rules);
    let source = |name| get(sources, name, rules).filter(|value| truthy(value));
    if let (Some(entity), Some(id_type), Some(model)) = (
        source("profiles_entity"),
        source("profiles_id_type"),
        source("profiles_model"),
    ) {
        let parts = [entity, id_type, user_id].map(|part| to_string(part, false, rules));
        let key = [ids.map(str::to_owned).to_vec(), parts.to_vec()].concat();
        return Ok(Place {
            key: key.join(":"),
            model: Some(model),
        });
    }
    let prefix = prefix.trim_matches(space);
    let key = if prefix.is_empty() {
        format!("user:{text}")
    } else {
        format!("{prefix}:user:{text}")
    };
    Ok(Place { key, model: None })
}

/// What an event writes with a fixed prefix.
pub fn update(event: &[u8], prefix: &str, ids: [&str; 2], rules: &Rules) -> Outcome {
    let event = &parse(event, rules);
    let place = place(event, prefix, ids, rules)?;
    let traits = get(Some(event), "traits", rules);
    if let Some(model) = place.model {
        let traits = traits.ok_or("no_traits")?;
        let field = (to_string(model, false, rules), stringify(traits, rules));
        return Ok((place.key, BTreeMap::from([field])));
    }
    let mut fields = BTreeMap::new();
    let context = get(Some(event), "context", rules);
    for object in [get(context, "traits", rules), traits] {
        if let Some(Json::Object(object)) = object {
            flatten("", object, rules, &mut fields);
        }
    }
    let written: BTreeMap<_, _> = fields
        .into_iter()
        .filter_map(|(name, text)| Some((name, text?)))
        .collect();
    if written.is_empty() {
        return Err("no_traits".to_owned());
    }
    Ok((place.key, written))
}
