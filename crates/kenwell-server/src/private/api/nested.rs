//! From flattened field names back to the nested object that they came from.

use serde_json::{Map, Value};

/// The deepest nesting that is shown; what is deeper keeps the rest of its dotted name.
const MAX_DEPTH: usize = 32;

/// Dots in names become objects. Where a name is both a value and an object (`plan` and `plan.tier`),
/// the longer one keeps its dots. Values that are JSON arrays are shown as arrays, others as text.
pub(super) fn nested(fields: &[(String, String)]) -> Map<String, Value> {
    let mut top = Map::new();
    for (name, value) in fields {
        insert(&mut top, name, value, MAX_DEPTH);
    }
    top
}

fn insert(object: &mut Map<String, Value>, name: &str, value: &str, depth: usize) {
    if let Some((head, tail)) = name.split_once('.')
        && !head.is_empty()
        && !tail.is_empty()
        && depth > 1
    {
        let inner = object
            .entry(head)
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(inner) = inner {
            return insert(inner, tail, value, depth - 1);
        }
    }
    object.insert(name.to_owned(), shown(value));
}

fn shown(value: &str) -> Value {
    let text = || Value::String(value.to_owned());
    if !value.starts_with('[') {
        return text();
    }
    serde_json::from_str::<Vec<Value>>(value).map_or_else(|_| text(), Value::Array)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(fields: &[(&str, &str)]) -> Value {
        let mut fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        fields.sort();
        Value::Object(nested(&fields))
    }

    #[test]
    fn dots_become_objects() {
        let profile = of(&[
            ("plan.tier", "pro"),
            ("plan.seats", "3"),
            ("tags", "[\"a\",1]"),
        ]);
        let expected = json!({ "plan": { "tier": "pro", "seats": "3" }, "tags": ["a", 1] });
        assert_eq!(profile, expected);
    }

    #[test]
    fn nothing_is_lost_where_names_clash() {
        assert_eq!(
            of(&[("a", "1"), ("a.b", "2")]),
            json!({ "a": "1", "a.b": "2" })
        );
        let odd = [("", "1"), (".", "2"), ("a.", "3"), (".b", "4"), ("[", "[")];
        let expected = json!({ "": "1", ".": "2", "a.": "3", ".b": "4", "[": "[" });
        assert_eq!(of(&odd), expected);
    }

    #[test]
    fn depth_is_bounded() {
        let deep = vec!["x"; 10_000].join(".");
        assert!(of(&[(&deep, "1")]).to_string().len() < 3 * deep.len());
    }
}
