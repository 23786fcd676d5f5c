//! A destination's `url` written out as keys, so that one of them can be changed.

use kenwell::connection::Url;
use toml_edit::{Item, TableLike};

use super::{key_changes::KeyChanges, list::set};
use crate::config::{Key, destination_keys as key, url_parts};

/// Replaces a `url`, or a connection string in `address`, by the keys that it stands for, when one that must agree
/// with it is about to change. A reference (`env:NAME`, `file:PATH`) stays: what it holds is changed where it is, and
/// the loader tells what contradicts it.
pub(super) fn url(table: &mut dyn TableLike, changes: &KeyChanges) {
    let parsed = |key: &Key| {
        let text = table.get(key.name).and_then(Item::as_str)?;
        Some((key.name, text.parse::<Url>().ok()?))
    };
    // A connection string may stand in `address`.
    let Some((written, url)) = parsed(key::URL).or_else(|| parsed(key::ADDRESS)) else {
        return;
    };
    let parts = url_parts(url, None);
    let mut must_agree = parts.iter().filter(|part| part.names.is_some());
    if !must_agree.any(|part| changes.has(part.key)) {
        return;
    }
    table.remove(written);
    for part in parts {
        let name = part.key.name;
        // What stands beside a URL agrees with it.
        if let Some(value) = part.in_file().filter(|_| !table.contains_key(name)) {
            set(table, name, value);
        }
    }
}
