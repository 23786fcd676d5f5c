//! All keys that begin with a text, of every server there is.

use std::collections::BTreeSet;

use kenwell::connection::Connection;
use kenwell::{Error, KeyWalk, literal_pattern};

/// Reads page after page until there are no more keys, or more than `limit`. Each page has its own time.
pub(crate) async fn with_prefix(
    connection: Connection,
    prefix: &str,
    limit: usize,
) -> Result<BTreeSet<Vec<u8>>, Error> {
    let mut walk = KeyWalk::new(connection, format!("{}*", literal_pattern(prefix))).await?;
    let mut keys = BTreeSet::new();
    while let Some(page) = walk.next_page().await? {
        keys.extend(page);
        if keys.len() > limit {
            break;
        }
    }
    Ok(keys)
}
