//! JSON objects as Go's reader sees them: keys in any case, and values of the wrong type as if missing.

use serde_json::{Map, Value};

/// An object whose keys are found in any case.
#[derive(Clone, Copy)]
pub(super) struct Loose<'a> {
    object: Option<&'a Map<String, Value>>,
}

impl<'a> Loose<'a> {
    /// Anything but an object has no keys.
    pub(super) fn new(value: &'a Value) -> Self {
        Self {
            object: value.as_object(),
        }
    }

    /// The value of a key, by its exact name if there is one; `null` is as good as none.
    pub(super) fn get(self, key: &str) -> Option<&'a Value> {
        let object = self.object?;
        let in_any_case = || {
            let mut keys = object.iter();
            keys.find(|(name, _)| name.eq_ignore_ascii_case(key))
                .map(|(_, value)| value)
        };
        let value = object.get(key).or_else(in_any_case);
        value.filter(|value| !value.is_null())
    }

    pub(super) fn child(self, key: &str) -> Loose<'a> {
        let object = self.get(key).and_then(Value::as_object);
        Loose { object }
    }

    pub(super) fn text(self, key: &str) -> &'a str {
        self.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn flag(self, key: &str) -> Option<bool> {
        self.get(key).and_then(Value::as_bool)
    }

    pub(super) fn list(self, key: &str) -> &'a [Value] {
        let list = self.get(key).and_then(Value::as_array);
        list.map_or(&[], Vec::as_slice)
    }

    /// All values, for objects whose keys are names.
    pub(super) fn values(self) -> impl Iterator<Item = &'a Value> {
        self.object.into_iter().flat_map(Map::values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_any_case_and_the_exact_one_first() {
        let value =
            serde_json::json!({"WRITEKEY": "no", "writeKey": "yes", "Enabled": "true", "n": null});
        let loose = Loose::new(&value);
        assert_eq!(loose.text("writeKey"), "yes");
        assert_eq!(loose.text("writekey"), "no");
        assert_eq!(loose.flag("enabled"), None, "text is no flag");
        assert!(loose.get("N").is_none());
        assert_eq!(Loose::new(&Value::from(1)).text("writeKey"), "");
    }
}
