//! A connection with a thread of its own.

use std::fmt;
use std::sync::Arc;

use super::runtime_thread::RuntimeThread;
use crate::Error;
use crate::connection::{self, Settings};

/// A [`Connection`](crate::connection::Connection) whose calls wait for their answers. Clones share its sockets and its
/// thread.
#[derive(Clone)]
pub struct Connection {
    // Before the thread: its sockets go first.
    inner: connection::Connection,
    thread: Arc<RuntimeThread>,
}

impl Connection {
    /// Checks the settings, and starts the thread. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`]; [`Error::Connect`] when the system gives no thread.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let inner = connection::Connection::new(settings)?;
        let thread = Arc::new(RuntimeThread::start(inner.address())?);
        Ok(Self { inner, thread })
    }

    /// Asks for a sign of life (`PING`), connecting first if need be. In a cluster every master must give one.
    ///
    /// # Errors
    ///
    /// [`Error::WithinAsync`] within async code.
    pub fn ping(&self) -> Result<(), Error> {
        self.wait_for(self.inner.ping())?
    }

    /// The settings it was made from.
    pub fn settings(&self) -> &Settings {
        self.inner.settings()
    }

    /// The address or addresses as the settings give them, for logs.
    pub fn address(&self) -> &str {
        self.inner.address()
    }

    /// The connection itself, for calls that are awaited.
    pub(super) fn inner(&self) -> &connection::Connection {
        &self.inner
    }

    /// Waits for a call on it.
    pub(super) fn wait_for<T>(&self, call: impl Future<Output = T>) -> Result<T, Error> {
        self.thread.wait_for(call)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(formatter)
    }
}
