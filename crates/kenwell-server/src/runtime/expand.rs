//! A destination's `url` written out as keys, so that one of them can be changed.

use kenwell::connection::{Secret, Url};
use toml_edit::{Item, TableLike, Value};

use super::{key_changes::KeyChanges, list::set};
use crate::config::{Key, destination_keys as key};

/// The keys that a URL may hold.
const HELD: [&Key; 6] = [
    key::ADDRESS,
    key::USERNAME,
    key::PASSWORD,
    key::DATABASE,
    key::SENTINEL_MASTER,
    key::SECURE,
];

/// Replaces a `url`, or a connection string in `address`, by the keys that it stands for, when one of them is
/// about to change. A reference (`env:NAME`, `file:PATH`) stays: what it holds is changed where it is, and the
/// loader tells what contradicts it.
pub(super) fn url(table: &mut dyn TableLike, changes: &KeyChanges) {
    if !HELD.iter().any(|held| changes.has(held)) {
        return;
    }
    let parsed = |key: &Key| {
        let text = table
            .get(key.name)
            .and_then(Item::as_str)
            .unwrap_or_default();
        Some((key.name, text.parse::<Url>().ok()?))
    };
    // A connection string may stand in `address`.
    let Some((written, url)) = parsed(key::URL).or_else(|| parsed(key::ADDRESS)) else {
        return;
    };
    table.remove(written);
    let text = |text: String| Some(Value::from(text));
    let password = url.password.as_ref().map(Secret::expose);
    let keys = [
        (key::ADDRESS, text(url.address.clone())),
        (key::USERNAME, url.username.and_then(text)),
        (key::PASSWORD, password.map(Value::from)),
        (key::DATABASE, url.database.map(Value::from)),
        (key::SENTINEL_MASTER, url.sentinel_master.and_then(text)),
        (key::SECURE, url.secure.then(|| Value::from(true))),
        (key::SKIP_VERIFY, url.skip_verify.then(|| Value::from(true))),
        (key::SERVER_NAME, url.server_name.and_then(text)),
    ];
    for (key, value) in keys {
        // What stands beside a URL agrees with it.
        if let Some(value) = value.filter(|_| !table.contains_key(key.name)) {
            set(table, key.name, value);
        }
    }
}
