//! What a request has changed in a session.

use std::collections::HashMap;

use serde_json::Value;

/// The values of a session by name.
pub(super) type Data = HashMap<String, Value>;

/// Makes the changes that lead from `loaded` to `changed` in `stored`.
pub(super) fn merge(loaded: &Data, changed: &Data, mut stored: Data) -> Data {
    for (name, value) in changed {
        if loaded.get(name) != Some(value) {
            stored.insert(name.clone(), value.clone());
        }
    }
    stored.retain(|name, _| changed.contains_key(name) || !loaded.contains_key(name));
    stored
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn data(value: Value) -> Data {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_was_not_touched_is_left_to_others() {
        let loaded = json!({"same": 1, "set": 1, "gone": 1, "both": 1, "theirs_gone": 1});
        let changed = json!({"same": 1, "set": 2, "both": 2, "theirs_gone": 1, "new": 1});
        let stored = json!({"same": 3, "set": 1, "gone": 1, "both": 3, "theirs": 3});
        let merged = merge(&data(loaded), &data(changed), data(stored));
        let expected = json!({"same": 3, "set": 2, "both": 2, "theirs": 3, "new": 1});
        assert_eq!(merged, data(expected));
    }

    #[test]
    fn making_the_same_changes_again_changes_nothing() {
        let (loaded, changed) = (data(json!({"a": 1, "b": 1})), data(json!({"a": 2})));
        let once = merge(&loaded, &changed, data(json!({"a": 1, "b": 1, "c": 1})));
        assert_eq!(merge(&loaded, &changed, once.clone()), once);
    }
}
