//! What an error was caused by, however the libraries in between have wrapped it.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

/// What a server sent is no reply of Redis, or more than its command can answer with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotRedis(pub(crate) String);

/// The cause of this type, if there is one.
pub(crate) fn find_cause<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = if let Some(shared) = error.downcast_ref::<Arc<io::Error>>() {
            // How our errors share one of the socket.
            Some(shared.as_ref())
        } else if let Some(io) = error.downcast_ref::<io::Error>() {
            io.get_ref().map(|inner| inner as &(dyn StdError + 'static))
        } else {
            error.source()
        };
    }
    None
}
