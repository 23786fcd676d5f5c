//! What a connection cannot be used for: after its end, and outside of a runtime.

use super::deadline::Deadline;
use super::route::Connection;
use crate::Error;

impl Connection {
    /// Fails when the connection was closed. A call asks when it has taken its place among the others.
    pub(crate) fn check_open(&self) -> Result<(), Error> {
        if self.order().is_closed() {
            let address = self.address().into();
            return Err(Error::Closed { address });
        }
        Ok(())
    }

    /// Fails outside of a runtime, where tokio would panic.
    pub(crate) fn check_runtime(&self) -> Result<(), Error> {
        match tokio::runtime::Handle::try_current() {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::NoRuntime {
                address: self.address().into(),
            }),
        }
    }

    /// Lets no more calls of the state store begin, waits for those that have, and closes the sockets.
    pub(crate) async fn close(&self, limit: Deadline) -> Result<(), Error> {
        let waited = self.order().close(limit).await;
        for server in self.servers() {
            server.end().await;
        }
        waited.ok_or_else(|| self.not_closed_in_time(limit))
    }

    /// The error for calls that were still under way.
    pub(crate) fn not_closed_in_time(&self, limit: Deadline) -> Error {
        limit.exceeded("waiting for calls under way", &self.address().into())
    }
}
