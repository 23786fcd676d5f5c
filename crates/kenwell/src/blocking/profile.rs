//! Reading and deleting profiles.

use super::Connection;
use crate::Error;
use crate::profile::{self, Layout, StoredFields};

/// Reads a user's profile, a hash, as [`profile::read`] does.
///
/// # Errors
///
/// [`Error::WithinAsync`] within async code.
pub fn read(
    connection: &Connection,
    layout: &Layout,
    user_id: &str,
) -> Result<Option<StoredFields>, Error> {
    connection.wait_for(profile::read(connection.inner(), layout, user_id))?
}

/// Reads a user's profile, a JSON document, as [`profile::read_document`] does.
///
/// # Errors
///
/// [`Error::WithinAsync`] within async code.
pub fn read_document(
    connection: &Connection,
    layout: &Layout,
    user_id: &str,
) -> Result<Option<Vec<u8>>, Error> {
    connection.wait_for(profile::read_document(connection.inner(), layout, user_id))?
}

/// Deletes a user's profile, and says whether there was one, as [`profile::delete`] does.
///
/// # Errors
///
/// [`Error::WithinAsync`] within async code.
pub fn delete(connection: &Connection, layout: &Layout, user_id: &str) -> Result<bool, Error> {
    connection.wait_for(profile::delete(connection.inner(), layout, user_id))?
}
