//! Looking at a user's entries as they lie in Redis: for people and tools, not for applications.

use std::time::Duration;

use super::Error;
use super::key::{Keys, Layout};
use super::values::{self, MAX_KEYS, Read};
use crate::connection::Connection;
use crate::stored::key_expires_in;

/// Where a user's entries are: what the [`StateStore`](super::StateStore) that wrote them was built
/// with.
#[derive(Debug, Clone, Copy)]
pub struct KeyNaming<'a> {
    /// Stands before the entry's id, if it is not empty.
    pub prefix: &'a str,
    /// Stands between the parts of a key.
    pub separator: &'a str,
    /// Ids of the entries, at most 5,000.
    pub entries: &'a [&'a str],
}

/// One entry as it is stored: encoded, and sealed if the store seals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// The entry's id.
    pub entry: String,
    /// Its key.
    pub key: Vec<u8>,
    /// How long Redis will keep it; `None` for ever.
    pub expires_in: Option<Duration>,
    /// What is stored; `None` when it is no string, so that no store has written it.
    pub value: Option<Vec<u8>>,
}

/// Those of a user's entries that exist, in the order of [`KeyNaming::entries`], with plain keys and with
/// those of a [cluster hash tag](super::Builder::cluster_hash_tag). Entries whose store hashes user ids
/// or names keys by a hook are not found.
///
/// # Errors
/// When Redis cannot be reached, and for too many entries.
pub async fn stored_entries(
    connection: &Connection,
    naming: &KeyNaming<'_>,
    user_id: &str,
) -> Result<Vec<StoredEntry>, Error> {
    let layouts = [Layout::Plain, Layout::HashTag];
    let count = naming.entries.len().saturating_mul(layouts.len());
    if count > MAX_KEYS {
        return Err(Error::TooManyKeys { count });
    }
    let mut wanted = Vec::with_capacity(count);
    for entry in naming.entries {
        for layout in layouts {
            wanted.push((*entry, key(naming, layout, entry, user_id)));
        }
    }
    let reads: Vec<Read> = wanted
        .iter()
        .map(|(_, key)| Read {
            key: key.clone(),
            refresh_seconds: None,
        })
        .collect();
    let fetched = values::fetch(connection, &reads, None).await?;
    let mut found = Vec::new();
    for ((entry, key), value) in wanted.into_iter().zip(fetched.values) {
        let value = match value {
            Ok(None) => continue,
            Ok(value) => value,
            Err(error) if is_no_string(&error) => None,
            Err(error) => return Err(error),
        };
        found.push(StoredEntry {
            entry: entry.to_owned(),
            expires_in: key_expires_in(connection, &key).await?,
            key,
            value,
        });
    }
    Ok(found)
}

fn key(naming: &KeyNaming<'_>, layout: Layout, entry: &str, user_id: &str) -> Vec<u8> {
    let keys = Keys {
        prefix: naming.prefix.into(),
        separator: naming.separator.into(),
        layout,
        hash: None,
        hook: None,
    };
    keys.join(entry, user_id)
}

/// Whether something else than a string lies at the key.
fn is_no_string(error: &Error) -> bool {
    let Error::Value {
        source: crate::Error::Refused { reply, .. },
        ..
    } = error
    else {
        return false;
    };
    reply.code() == "WRONGTYPE"
}
