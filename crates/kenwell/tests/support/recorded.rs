//! What RudderStack's Redis destination was seen to do, and the list of what we do differently on purpose.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

/// The vectors of a file.
pub fn lines(file: &str) -> Vec<Value> {
    let path = folder().join(file);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance/rudderstack-redis")
}

/// The differences of one part, by the vector's id.
pub fn differences(part: &str) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(folder().join("differences.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let part = all[part].as_object().unwrap();
    part.iter()
        .map(|(id, difference)| (id.clone(), difference.clone()))
        .collect()
}

/// Compares with the list, or rewrites it when asked to. Rewritten lists are reviewed by people;
/// that each entry follows from its named differences is checked by the model every time.
pub fn compare_with_list(part: &str, found: &BTreeMap<String, Value>) {
    let path = folder().join("differences.json");
    if std::env::var_os("REWRITE_DIFFERENCES").is_some() {
        let mut all: Value =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        all[part] = json!(found);
        std::fs::write(&path, serde_json::to_string_pretty(&all).unwrap() + "\n").unwrap();
    }
    let listed = differences(part);
    for (id, difference) in found {
        assert_eq!(
            listed.get(id),
            Some(difference),
            "{id} is not listed like this"
        );
    }
    let unused: Vec<_> = listed
        .keys()
        .filter(|id| !found.contains_key(*id))
        .collect();
    assert!(unused.is_empty(), "listed, but no difference: {unused:?}");
}
