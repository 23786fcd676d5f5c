//! The class that JavaScript sees: open, submit, take.

use std::collections::HashMap;
use std::sync::Arc;

use kenwell::connection::Connection;
use napi::bindgen_prelude::{Buffer, Function};
use napi::{Error, Result};
use napi_derive::napi;

use crate::outbox::Outbox;
use crate::{engine, failure, settings};

/// The way from one JavaScript environment (a process, or a worker thread of it) to Redis.
///
/// JavaScript keeps one in a module, never on an object that a framework may clone.
#[napi]
#[derive(Default)]
pub struct Bridge {
    outbox: Arc<Outbox>,
    connections: HashMap<u32, Connection>,
    next: u32,
}

#[napi]
impl Bridge {
    /// Opens nothing yet, and wakes nobody before `listen`.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on `wake` is called, without arguments, when answers wait to be taken; those that wait already are to be
    /// taken at once. Waiting for that call does not keep the process alive.
    #[napi]
    pub fn listen(&self, wake: Function<'_, (), ()>) -> Result<()> {
        self.outbox.listen(wake)
    }

    /// Checks settings, given as JSON, and returns the handle under which to submit. Nothing is sent yet. Throws an
    /// error whose message is JSON: see `failure`.
    #[napi]
    pub fn open(&mut self, settings: String) -> Result<u32> {
        let connection = settings::read(&settings.into_bytes())
            .and_then(Connection::new)
            .map_err(|error| Error::from_reason(failure::describe(&error.into())))?;
        self.next += 1;
        self.connections.insert(self.next, connection);
        Ok(self.next)
    }

    /// Forgets a handle. What was submitted under it is still answered; then the socket closes.
    #[napi]
    pub fn close(&mut self, handle: u32) {
        self.connections.remove(&handle);
    }

    /// Sends the requests in the first `length` bytes of `batch`, which can be used again afterwards. Each is answered
    /// exactly once.
    #[napi]
    pub fn submit(&self, handle: u32, batch: &[u8], length: u32) -> Result<()> {
        let connection = self.connection(handle)?;
        // Copied, and read on the other thread: this one has JavaScript to run.
        let batch = batch.get(..length as usize).unwrap_or(batch).to_vec();
        engine::run(connection, batch, Arc::clone(&self.outbox))
            .map_err(|error| Error::from_reason(error.to_string()))
    }

    /// Lists the keys that begin with a text, about `limit` of them at most. Answered once, under the number `id`.
    #[napi]
    pub fn keys(&self, handle: u32, id: u32, prefix: String, limit: u32) -> Result<()> {
        let connection = self.connection(handle)?;
        let outbox = Arc::clone(&self.outbox);
        engine::list(connection, id, prefix, limit as usize, outbox)
            .map_err(|error| Error::from_reason(error.to_string()))
    }

    /// All answers that came since the last call, in the byte form of `outbox`.
    #[napi]
    pub fn take(&self) -> Buffer {
        self.outbox.take().into()
    }
}

impl Bridge {
    fn connection(&self, handle: u32) -> Result<Connection> {
        let connection = self.connections.get(&handle).cloned();
        connection.ok_or_else(|| Error::from_reason("the connection is closed"))
    }
}
