//! What changes of one table of the file, key by key.

use std::fmt;

use serde_json::{Map, Value as Json};
use toml_edit::{Array, InlineTable, TableLike, Value};

use super::list::{set, set_list};
use crate::config::{Key, Kind, nearest};

/// The keys of a table that change: each with its new value, or with `None` when its line goes and its default
/// holds. In the table's order. Keys that are not in it stay as they are written.
#[derive(Clone, Default)]
pub struct KeyChanges {
    changes: Vec<(&'static Key, Option<Value>)>,
}

/// A setting that cannot be changed in this way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct WrongChange {
    /// Its name, as it was given.
    pub setting: String,
    /// What is wrong, and the fix. The value is not in it, since it may be a secret.
    pub what: String,
}

impl KeyChanges {
    /// Reads changes of `table` from a JSON object: what is missing stays, `null` removes.
    ///
    /// # Errors
    /// A setting that is not in the table, may be changed in the file only, or has a value of another type.
    pub fn read(table: &'static [Key], mut object: Map<String, Json>) -> Result<Self, WrongChange> {
        let mut changes = Vec::new();
        for key in table.iter().filter(|key| key.editable) {
            if let Some(json) = object.remove(key.name) {
                changes.push((key, value(key, json)?));
            }
        }
        match object.into_iter().next() {
            None => Ok(Self { changes }),
            Some((setting, _)) => Err(unknown(table, setting)),
        }
    }

    /// The keys that change, with their new values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static Key, Option<&Value>)> {
        let changes = self.changes.iter();
        changes.map(|(key, value)| (*key, value.as_ref()))
    }

    /// Whether a key changes.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.iter().any(|(changed, _)| changed.name == key.name)
    }

    /// The text that a key gets, if it gets one.
    pub fn text(&self, key: &Key) -> Option<&str> {
        let (_, value) = self.iter().find(|(changed, _)| changed.name == key.name)?;
        value.and_then(Value::as_str)
    }

    /// Changes only the keys for which `wanted` holds.
    pub(super) fn retain(&mut self, mut wanted: impl FnMut(&Key, Option<&str>) -> bool) {
        let text =
            |value: &Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
        self.changes
            .retain(|(key, value)| wanted(key, text(value).as_deref()));
    }

    /// Makes the changes in a table of the file. What is not changed keeps its spelling and its comments.
    pub(super) fn write(&self, table: &mut dyn TableLike) {
        for (key, value) in self.iter() {
            match value {
                None => {
                    table.remove(key.name);
                }
                Some(Value::Array(list)) => {
                    let texts = list.iter().filter_map(Value::as_str);
                    let texts: Vec<_> = texts.map(str::to_owned).collect();
                    set_list(table, key.name, &texts);
                }
                Some(value) => set(table, key.name, value.clone()),
            }
        }
    }
}

impl WrongChange {
    pub(super) fn of_type(setting: &str, expected: &str) -> Self {
        Self {
            setting: setting.to_owned(),
            what: format!("{setting} must be {expected}"),
        }
    }
}

impl fmt::Debug for KeyChanges {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.iter().map(|(key, _)| key.name))
            .finish()
    }
}

/// What JSON says for a key, as the file has it; `None` for `null`.
fn value(key: &Key, json: Json) -> Result<Option<Value>, WrongChange> {
    let value = match (key.kind, json) {
        (_, Json::Null) => return Ok(None),
        (Kind::Flag, Json::Bool(flag)) => Some(flag.into()),
        (Kind::Number(least, most), Json::Number(number)) => number
            .as_i64()
            .filter(|number| (least..=most).contains(number))
            .map(Value::from),
        (Kind::Map, Json::Object(map)) => texts(map.values()).map(|texts| {
            let pairs = map.keys().map(String::as_str).zip(texts);
            Value::from(pairs.collect::<InlineTable>())
        }),
        (Kind::List, Json::Array(list)) => {
            texts(list.iter()).map(|texts| Value::from(texts.into_iter().collect::<Array>()))
        }
        (Kind::Flag | Kind::Number(..) | Kind::Map | Kind::List, _) => None,
        (_, Json::String(text)) => Some(text.into()),
        _ => None,
    };
    let wrong = || WrongChange::of_type(key.name, &expected(key.kind));
    value.map(Some).ok_or_else(wrong)
}

fn texts<'a>(values: impl Iterator<Item = &'a Json>) -> Option<Vec<&'a str>> {
    values.map(Json::as_str).collect()
}

fn expected(kind: Kind) -> String {
    match kind {
        Kind::Flag => "true or false".to_owned(),
        Kind::Number(least, i64::MAX) => format!("a whole number, at least {least}"),
        Kind::Number(least, most) => format!("a whole number from {least} to {most}"),
        Kind::Map => "an object whose values are texts".to_owned(),
        Kind::List => "a list of texts".to_owned(),
        Kind::Duration(..) => "a text such as \"5s\"".to_owned(),
        _ => "a text".to_owned(),
    }
}

fn unknown(table: &[Key], setting: String) -> WrongChange {
    let similar = || {
        let names = table.iter().filter(|key| key.editable).map(|key| key.name);
        nearest(&setting, names)
    };
    let what = if table.iter().any(|key| key.name == setting) {
        format!("{setting} cannot be changed here: change it in kenwell.toml")
    } else if let Some(similar) = similar() {
        format!("there is no setting {setting}: did you mean {similar}?")
    } else {
        format!("there is no setting {setting}")
    };
    WrongChange { setting, what }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::{DESTINATION, SOURCE};

    fn read(table: &'static [Key], object: Json) -> Result<KeyChanges, WrongChange> {
        KeyChanges::read(table, serde_json::from_value(object).unwrap())
    }

    #[track_caller]
    fn wrong(object: Json, setting: &str, what: &str) {
        let error = read(DESTINATION, object).unwrap_err();
        assert_eq!(error.setting, setting);
        assert!(error.what.contains(what), "{error}");
        assert!(!error.what.contains("MARK"), "{error}");
    }

    #[test]
    fn what_is_wrong_is_named_and_its_value_is_not_shown() {
        wrong(json!({ "database": "MARK" }), "database", "a whole number");
        wrong(json!({ "database": -1 }), "database", "at least 0");
        wrong(json!({ "database": 1.5 }), "database", "a whole number");
        wrong(json!({ "secure": "MARK" }), "secure", "true or false");
        wrong(json!({ "password": ["MARK"] }), "password", "a text");
        wrong(json!({ "address_map": { "a": 1 } }), "address_map", "texts");
        wrong(
            json!({ "adress": "MARK" }),
            "adress",
            "did you mean address?",
        );
        for file_only in ["id", "url", "type"] {
            wrong(json!({ file_only: "MARK" }), file_only, "kenwell.toml");
        }
        assert!(read(SOURCE, json!({ "write_key": "K" })).is_err());
    }

    #[test]
    fn values_are_written_as_the_file_has_them() {
        let object = json!({
            "name": "N", "database": 3, "secure": true, "prefix": null, "address_map": { "a": "b" },
            "password": "MARK",
        });
        let changes = read(DESTINATION, object).unwrap();
        let mut file: toml_edit::DocumentMut = "prefix = \"p\" # gone\nname = \"O\" # kept\n"
            .parse()
            .unwrap();
        changes.write(file.as_table_mut());
        assert_eq!(
            file.to_string(),
            "name = \"N\" # kept\npassword = \"MARK\"\ndatabase = 3\naddress_map = { a = \"b\" }\nsecure = true\n"
        );
        assert!(!format!("{changes:?}").contains("MARK"));
        let feeds = read(SOURCE, json!({ "destinations": ["a", "b"] })).unwrap();
        let mut file: toml_edit::DocumentMut = "destinations = [\"a\"] # x\n".parse().unwrap();
        feeds.write(file.as_table_mut());
        assert_eq!(file.to_string(), "destinations = [\"a\", \"b\"] # x\n");
    }
}
