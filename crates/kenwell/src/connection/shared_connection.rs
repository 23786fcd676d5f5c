//! The one open connection to a server, shared by all clones: opened when it is needed, by the call that needs it first.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Settings;
use super::client_id::ClientId;
use super::client_name::ClientName;
use super::command_queue::CommandQueue;
use super::deadline::Deadline;
use super::dial::dial;
use super::draining_socket::LastActivity;
use super::liveness::Liveness;
use super::raw_connection::RawConnection;
use super::socket_task::ProtocolFault;
use super::target::Target;
use crate::Error;

/// How long other calls wait for one attempt to connect before one of them makes another: the first may be on a
/// runtime that stands still.
const ATTEMPT: Duration = Duration::from_millis(500);

/// Every connection that this process opens has a number of its own.
static OPENED: AtomicU64 = AtomicU64::new(super::call_table::NO_CONNECTION);

/// How to open the connection to one server, and whether it is open.
pub(super) struct SharedConnection {
    pub(super) settings: Settings,
    pub(super) target: Target,
    pub(super) address: Arc<str>,
    /// Under which Redis lists the connection.
    pub(super) name: Option<Arc<ClientName>>,
    state: Mutex<ConnectionState>,
    /// Told when an attempt to open the connection has ended.
    changed: Notify,
}

/// The open connection, what is left of the one before, and which attempt opens the next one.
#[derive(Default)]
struct ConnectionState {
    raw: Option<RawConnection>,
    /// The connection's number: a call that reports a broken connection must not close its successor.
    generation: u64,
    /// The connection before, while its socket is being closed.
    closing: Option<RawConnection>,
    /// The connection before, which must be dead at the server before the next one is used.
    previous: Option<PreviousConnection>,
    /// Whether the connections of earlier runs were ended.
    has_ended_earlier_runs: bool,
    /// The highest number of a connection that the server could not be made to forget.
    unfenced: u64,
    attempt: Option<(u64, Instant)>,
    attempts: u64,
    /// What the latest attempt failed with, for the calls that waited for it.
    failure: Option<(u64, Error)>,
}

/// What it takes to use the connection that is open now.
pub(super) struct OpenHandle {
    pub(super) queue: CommandQueue,
    pub(super) generation: u64,
    pub(super) liveness: Arc<Liveness>,
    pub(super) activity: Arc<LastActivity>,
    pub(super) fault: ProtocolFault,
    /// What was sent on connections up to this number may still be executed.
    pub(super) unfenced: u64,
}

/// A connection that was given up, which the server may still have.
#[derive(Clone)]
struct PreviousConnection {
    generation: u64,
    client_id: Option<ClientId>,
    /// Whether it had been closed from outside. A proxy may do that before the server has read everything,
    /// so the server is made to forget it all the same, where that is permitted.
    was_closed: bool,
}

enum OpenStep<'a> {
    Use(OpenHandle),
    Wait { attempt: u64, limit: Deadline },
    Dial(DialPermit<'a>),
}

/// The right to open the connection. Dropping it leaves that to another call.
struct DialPermit<'a> {
    shared: &'a SharedConnection,
    number: u64,
    generation: u64,
    closing: Option<RawConnection>,
    previous: Option<PreviousConnection>,
    has_ended_earlier_runs: bool,
}

impl SharedConnection {
    pub(super) fn new(settings: Settings, target: Target, name: Option<Arc<ClientName>>) -> Self {
        Self {
            address: target.address.to_string().into(),
            settings,
            target,
            name,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// The open connection, or a new one. Waiting for another call's attempt counts towards the deadline too.
    pub(super) async fn open(&self, sooner: Option<Deadline>) -> Result<OpenHandle, Error> {
        let opened = self.open_or_wait(sooner).await;
        opened.map_err(|error| match self.target.address_source {
            Some(address_source) => address_source.explain(error),
            None => error,
        })
    }

    /// The open connection, if there is one that was not closed, as far as is known.
    pub(super) fn open_now(&self) -> Option<OpenHandle> {
        let state = self.state();
        let raw = state.raw.as_ref().filter(|raw| !raw.is_closed())?;
        Some(state.handle(raw))
    }

    async fn open_or_wait(&self, sooner: Option<Deadline>) -> Result<OpenHandle, Error> {
        let limit = Deadline::of(self.settings.connect_timeout).or_sooner(sooner);
        loop {
            match self.step() {
                OpenStep::Use(open) => return Ok(open),
                OpenStep::Wait { attempt, limit: it } => {
                    let mut changed = std::pin::pin!(self.changed.notified());
                    changed.as_mut().enable();
                    if self.is_trying(attempt) {
                        let _changed = it.or_sooner(Some(limit)).wait(changed).await;
                    }
                    if let Some(error) = self.failure_of(attempt) {
                        return Err(error);
                    }
                    if limit.is_over() {
                        return Err(limit.exceeded("connecting", &self.address));
                    }
                }
                OpenStep::Dial(attempt) => {
                    let dialled = limit.wait(Box::pin(attempt.dial())).await;
                    dialled.unwrap_or_else(|| Err(limit.exceeded("connecting", &self.address)))?;
                }
            }
        }
    }

    /// Whether there is an open connection that was not closed yet, as far as is known.
    pub(super) fn is_open(&self) -> bool {
        let state = self.state();
        state.raw.as_ref().is_some_and(|raw| !raw.is_closed())
    }

    /// Closes the connection of this generation, if it is still the open one.
    pub(super) fn close(&self, generation: u64) {
        let mut state = self.state();
        if state.generation == generation {
            state.retire();
        }
    }

    /// Gives the open connection up, for its socket to be closed.
    pub(super) fn take_closing(&self) -> Option<RawConnection> {
        let mut state = self.state();
        state.retire();
        state.closing.take()
    }

    fn state(&self) -> MutexGuard<'_, ConnectionState> {
        // Every change is complete in itself, so a panic elsewhere leaves it usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self) -> OpenStep<'_> {
        let mut state = self.state();
        if state.raw.as_ref().is_some_and(RawConnection::is_closed) {
            state.retire();
        }
        if let Some(raw) = &state.raw {
            return OpenStep::Use(state.handle(raw));
        }
        if let Some((attempt, began)) = state.attempt {
            let left = ATTEMPT.saturating_sub(began.elapsed());
            if !left.is_zero() {
                let limit = Deadline::of(left);
                return OpenStep::Wait { attempt, limit };
            }
        }
        state.attempts += 1;
        state.attempt = Some((state.attempts, Instant::now()));
        OpenStep::Dial(DialPermit {
            shared: self,
            number: state.attempts,
            generation: state.generation,
            closing: state.closing.take(),
            previous: state.previous.clone(),
            has_ended_earlier_runs: state.has_ended_earlier_runs,
        })
    }

    fn is_trying(&self, attempt: u64) -> bool {
        self.state()
            .attempt
            .is_some_and(|(number, _)| number == attempt)
    }

    /// Why this attempt, or a later one, failed. That it took too long says nothing about calls that have more
    /// time.
    fn failure_of(&self, attempt: u64) -> Option<Error> {
        let state = self.state();
        let (number, error) = state.failure.as_ref().filter(|_| state.raw.is_none())?;
        let is_it = *number >= attempt && !matches!(error, Error::Timeout { .. });
        is_it.then(|| error.clone())
    }
}

impl DialPermit<'_> {
    async fn dial(mut self) -> Result<(), Error> {
        if let Some(raw) = self.closing.take() {
            raw.close().await;
        }
        let dialled = self.connect().await;
        let address = &self.shared.address;
        let mut state = self.shared.state();
        match dialled {
            // Another call may have opened one meanwhile, and it may even be broken already.
            Ok(raw) if state.raw.is_none() && state.generation == self.generation => {
                if let Some(previous) = state.previous.take()
                    && !raw.has_fenced
                    && !previous.was_closed
                {
                    state.unfenced = previous.generation;
                }
                state.raw = Some(raw);
                state.has_ended_earlier_runs = true;
                state.failure = None;
                state.generation = OPENED.fetch_add(1, Ordering::Relaxed) + 1;
                tracing::debug!(redis.address = %address, "connected");
            }
            Ok(_superfluous) => {}
            Err(error) => {
                state.failure = Some((self.number, error.clone()));
                return Err(error);
            }
        }
        Ok(())
    }

    async fn connect(&self) -> Result<RawConnection, Error> {
        let SharedConnection {
            settings,
            target,
            address,
            name,
            ..
        } = self.shared;
        let previous = self.previous.as_ref();
        let client_id = previous.and_then(|previous| previous.client_id.as_ref());
        let raw = dial(settings, target, address, client_id).await?;
        if let Some(name) = name {
            // Before anything is written. What earlier runs wrote is always on a connection that has a
            // name, since the answer to it was awaited as here.
            name.set(&raw, address).await?;
            if !self.has_ended_earlier_runs {
                name.end_earlier_runs(&raw, address).await?;
            }
        }
        Ok(raw)
    }
}

impl Drop for DialPermit<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if state
            .attempt
            .is_some_and(|(number, _)| number == self.number)
        {
            state.attempt = None;
        }
        drop(state);
        self.shared.changed.notify_waiters();
    }
}

impl ConnectionState {
    /// What it takes to use this connection, which is the open one.
    fn handle(&self, raw: &RawConnection) -> OpenHandle {
        OpenHandle {
            queue: raw.queue.clone(),
            generation: self.generation,
            liveness: Arc::clone(&raw.liveness),
            activity: Arc::clone(&raw.activity),
            fault: Arc::clone(&raw.fault),
            unfenced: self.unfenced,
        }
    }

    /// Closes the connection, if there is one, and remembers it until the server has forgotten it.
    fn retire(&mut self) {
        if let Some(raw) = self.raw.take() {
            self.previous = Some(PreviousConnection {
                generation: self.generation,
                client_id: raw.client_id.clone(),
                was_closed: raw.is_closed(),
            });
            raw.abort();
            self.closing = Some(raw);
        }
    }
}
