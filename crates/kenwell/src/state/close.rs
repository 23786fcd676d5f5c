//! Ending the use of a store.

use std::time::Duration;

use super::{Error, StateStore};
use crate::connection::Deadline;

impl StateStore {
    /// Waits for the calls that have begun, at most so long, and closes the connection. It ends the connection's use by
    /// all stores on it and on its clones: their later calls fail with [`crate::Error::Closed`].
    ///
    /// A store that is only dropped, with its connection, loses nothing that was confirmed either; but calls that nobody
    /// awaits any more may or may not be executed.
    ///
    /// # Errors
    ///
    /// [`Error::Redis`] with a [time-out](crate::Error::Timeout) when calls were still under way. The connection was
    /// closed all the same: they end with an error soon, and whether they were executed is not known.
    pub async fn close(&self, timeout: Duration) -> Result<(), Error> {
        let connection = &self.config.connection;
        connection.check_runtime()?;
        let limit = Deadline::of(timeout);
        let waited = self.config.users.close(limit).await;
        let closed = connection.close(limit).await;
        if waited.is_none() {
            return Err(connection.not_closed_in_time(limit).into());
        }
        Ok(closed?)
    }
}
