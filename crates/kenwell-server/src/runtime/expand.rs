//! A destination's `url` written out as keys, so that one of them can be changed.

use kenwell::connection::{Secret, Url};
use toml_edit::{Item, TableLike, Value};

use super::{document::set, edit::DestinationChange};

/// Replaces a `url`, or a connection string in `address`, by the keys that it stands for, when one of them is about to change. A reference
/// (`env:NAME`, `file:PATH`) stays: what it holds is changed where it is, and the loader tells what
/// contradicts it.
pub(super) fn url(table: &mut dyn TableLike, change: &DestinationChange) {
    if !touches(change) {
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

/// Whether a key changes that a URL may hold.
fn touches(change: &DestinationChange) -> bool {
    let text = [&change.address, &change.username, &change.sentinel_master];
    text.into_iter().any(|change| !change.is_keep())
        || !change.password.is_keep()
        || !change.database.is_keep()
        || !change.secure.is_keep()
}
