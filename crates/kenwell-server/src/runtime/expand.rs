//! A destination's `url` written out as keys, so that one of them can be changed.

use kenwell::connection::{Secret, Url};
use toml_edit::{Item, TableLike, Value};

use super::{document::set, key_changes::KeyChanges};

/// The keys that a URL may hold.
const HELD: [&str; 6] = [
    "address",
    "username",
    "password",
    "database",
    "sentinel_master",
    "secure",
];

/// Replaces a `url`, or a connection string in `address`, by the keys that it stands for, when one of them is
/// about to change. A reference (`env:NAME`, `file:PATH`) stays: what it holds is changed where it is, and the
/// loader tells what contradicts it.
pub(super) fn url(table: &mut dyn TableLike, changes: &KeyChanges) {
    if !changes.iter().any(|(key, _)| HELD.contains(&key.name)) {
        return;
    }
    let parsed = |key: &'static str| {
        let text = table.get(key).and_then(Item::as_str).unwrap_or_default();
        Some((key, text.parse::<Url>().ok()?))
    };
    // A connection string may stand in `address`.
    let Some((key, url)) = parsed("url").or_else(|| parsed("address")) else {
        return;
    };
    table.remove(key);
    let text = |text: String| Some(Value::from(text));
    let password = url.password.as_ref().map(Secret::expose);
    let keys = [
        ("address", text(url.address.clone())),
        ("username", url.username.and_then(text)),
        ("password", password.map(Value::from)),
        ("database", url.database.map(Value::from)),
        ("sentinel_master", url.sentinel_master.and_then(text)),
        ("secure", url.secure.then(|| Value::from(true))),
        ("skip_verify", url.skip_verify.then(|| Value::from(true))),
        ("server_name", url.server_name.and_then(text)),
    ];
    for (key, value) in keys {
        // What stands beside a URL agrees with it.
        if let Some(value) = value.filter(|_| !table.contains_key(key)) {
            set(table, key, value);
        }
    }
}
