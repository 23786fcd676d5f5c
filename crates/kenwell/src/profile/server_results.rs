//! Writes the updates that go to one server, and tells what became of each.

use super::{Expiry, ProfileUpdate};
use crate::Error;
use crate::connection::Connection;

/// What one server made of its share.
pub(super) struct ServerResults {
    pub(super) results: Vec<Result<(), Error>>,
    pub(super) length: usize,
    /// Whether the first update without an answer was sent alone, and cost the connection.
    pub(super) is_suspect: bool,
}

/// Writes one server's share in pipelines of at most `length` updates, until the connection fails.
pub(super) async fn write_share(
    connection: &Connection,
    expiry: &Expiry,
    updates: &[&ProfileUpdate],
    mut length: usize,
) -> ServerResults {
    let mut results = Vec::with_capacity(updates.len());
    while let Some(rest) = updates.get(results.len()..).filter(|rest| !rest.is_empty()) {
        let now = rest.get(..length.min(rest.len())).unwrap_or(rest);
        let written = expiry.apply(connection, now).await;
        let failure = written
            .iter()
            .find_map(|result| result.as_ref().err().filter(|error| !error.is_answer()))
            .cloned();
        results.extend(written);
        let Some(error) = failure else {
            length = length.saturating_mul(2);
            continue;
        };
        results.resize(updates.len(), Err(error.clone()));
        let was_under_way = matches!(error, Error::Lost { .. } | Error::Silent { .. });
        return ServerResults {
            results,
            length: if was_under_way {
                (now.len() / 2).max(1)
            } else {
                length
            },
            is_suspect: matches!(error, Error::Lost { .. }) && now.len() == 1,
        };
    }
    ServerResults {
        results,
        length,
        is_suspect: false,
    }
}
