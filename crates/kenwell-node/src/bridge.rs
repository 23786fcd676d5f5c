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
pub struct Bridge {
    outbox: Arc<Outbox>,
    connections: HashMap<u32, Connection>,
    next: u32,
}

#[napi]
impl Bridge {
    /// `wake` is called, without arguments, when answers wait to be taken. Waiting for that call does not keep the
    /// process alive.
    #[napi(constructor)]
    pub fn new(wake: Function<'_, (), ()>) -> Result<Self> {
        Ok(Self {
            outbox: Arc::new(Outbox::new(wake)?),
            connections: HashMap::new(),
            next: 0,
        })
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
        let connection = self
            .connections
            .get(&handle)
            .ok_or_else(|| Error::from_reason("the connection is closed"))?;
        // Copied, and read on the other thread: this one has JavaScript to run.
        let batch = batch.get(..length as usize).unwrap_or(batch).to_vec();
        engine::run(connection.clone(), batch, Arc::clone(&self.outbox))
            .map_err(|error| Error::from_reason(error.to_string()))
    }

    /// All answers that came since the last call, in the byte form of `outbox`.
    #[napi]
    pub fn take(&self) -> Buffer {
        self.outbox.take().into()
    }
}
