//! The JSON Schema of `kenwell.toml`, for editors.

use serde_json::{Map, Value as Json, json};

use super::keys::{Key, Kind, LISTS, SECTIONS, TOP};

/// The schema of the whole file (draft 7, which editors of TOML know). It knows names, types and bounds; what must fit
/// together, only [`Config::load`](super::Config::load) tells.
pub(crate) fn schema() -> Json {
    let sections = SECTIONS.iter().map(|(name, keys)| (name, table(keys)));
    let lists = LISTS.iter().map(|(name, keys)| {
        let list = json!({ "type": "array", "items": table(keys) });
        (name, list)
    });
    let tables = sections.chain(lists);
    let mut properties = properties(TOP);
    properties.extend(tables.map(|(name, schema)| ((*name).to_owned(), schema)));
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "kenwell.toml",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn table(keys: &[Key]) -> Json {
    // What a variable may give need not be in the file.
    let required = keys.iter().filter(|key| key.required && !key.variable);
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties(keys),
        "required": required.map(|key| key.name).collect::<Vec<_>>(),
    })
}

fn properties(keys: &[Key]) -> Map<String, Json> {
    let keys = keys.iter();
    keys.map(|key| (key.name.to_owned(), property(key)))
        .collect()
}

fn property(key: &Key) -> Json {
    let mut schema = json!({ "description": key.plain_sentence() });
    if let (Some(schema), Json::Object(of_kind)) = (schema.as_object_mut(), of_kind(key.kind)) {
        schema.extend(of_kind);
        let default = key.default.and_then(json_of);
        schema.extend(default.map(|default| ("default".to_owned(), default)));
    }
    schema
}

fn of_kind(kind: Kind) -> Json {
    let text = json!({ "type": "string" });
    match kind {
        Kind::Id => json!({ "type": "string", "pattern": "^[a-z0-9-]{1,64}$" }),
        Kind::HttpUrl => json!({ "type": "string", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://" }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Number(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Kind::Size(least) => json!({ "anyOf": [text, { "type": "integer", "minimum": least }] }),
        Kind::Duration(..) => json!({ "anyOf": [text, { "type": "integer", "minimum": 0 }] }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Addresses => json!({ "anyOf": [text, { "type": "array", "items": text }] }),
        Kind::List => json!({ "type": "array", "items": text }),
        Kind::Map => json!({ "type": "object", "additionalProperties": text }),
        Kind::Text
        | Kind::Name
        | Kind::Secret
        | Kind::RedisUrl
        | Kind::Certificate
        | Kind::PrivateKey
        | Kind::Listen
        | Kind::Path => text,
    }
}

/// A value as it is written in the file.
fn json_of(toml: &str) -> Option<Json> {
    let table: toml::Table = format!("value = {toml}").parse().ok()?;
    serde_json::to_value(table.get("value")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a schema accepts a value, as far as the words of this schema go.
    fn accepts(schema: &Json, value: &Json) -> bool {
        let is_type = match schema["type"].as_str() {
            None => true,
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some(other) => panic!("{other}"),
        };
        let each = |words: &Json, test: &dyn Fn(&Json) -> bool| {
            words.as_array().is_none_or(|words| words.iter().any(test))
        };
        let number = value.as_i64().unwrap_or_default();
        let properties = value.as_object().into_iter().flatten();
        let mut items = value.as_array().into_iter().flatten();
        let required = schema["required"].as_array().into_iter().flatten();
        is_type
            && each(&schema["anyOf"], &|one| accepts(one, value))
            && each(&schema["enum"], &|one| one == value)
            && schema["minimum"]
                .as_i64()
                .is_none_or(|least| number >= least)
            && schema["maximum"].as_i64().is_none_or(|most| number <= most)
            && required
                .filter_map(Json::as_str)
                .all(|name| value.get(name).is_some())
            && items.all(|item| accepts(&schema["items"], item))
            && properties.into_iter().all(|(name, value)| {
                match (&schema["properties"][name], &schema["additionalProperties"]) {
                    (Json::Null, Json::Bool(more)) => *more,
                    (Json::Null, others) => accepts(others, value),
                    (known, _) => accepts(known, value),
                }
            })
    }

    fn accepted(toml: &str) -> bool {
        let file: toml::Table = toml.parse().unwrap();
        accepts(&schema(), &serde_json::to_value(file).unwrap())
    }

    #[test]
    fn the_examples_of_the_documentation_fit() {
        for guide in [
            include_str!("../../../../docs/configuration.md"),
            include_str!("../../../../docs/redis.md"),
        ] {
            let examples = guide.split("```toml\n").skip(1);
            for example in examples.filter_map(|rest| rest.split("```").next()) {
                assert!(accepted(example), "{example}");
            }
        }
    }

    #[test]
    fn what_is_unknown_missing_or_of_another_type_does_not_fit() {
        for wrong in [
            "data-dir = \"x\"",
            "data_dir = 1",
            "[gateway]\nlisten = 8080",
            "[gateway]\nport = 80",
            "[gateway]\nmax_connections = 0",
            "[delivery]\nlanes = 65",
            "[journal]\ndurability = \"sync\"",
            "[journal]\nmax_bytes = true",
            "[sources]\nid = \"web\"",
            "[[sources]]\nwrite_key = \"k\"",
            "[[sources]]\nid = \"web\"\ndestinations = [1]",
            "[[destinations]]\nid = \"d\"\nadress = \"h:1\"",
            "[[destinations]]\nid = \"d\"\naddress = 6379",
            "[[destinations]]\nid = \"d\"\naddress_map = { h = 1 }",
        ] {
            assert!(!accepted(wrong), "{wrong}");
        }
        assert!(accepted(
            "[[destinations]]\nid = \"d\"\naddress = [\"a:1\"]"
        ));
    }
}
