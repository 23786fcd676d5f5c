//! The one open connection of a node: opened when it is needed, by whoever needs it first.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use tokio::time::Instant;

use super::bounded::Fault;
use super::dial::{Line, dial};
use super::limit::Limit;
use super::live::{Node, Shared};
use super::login::Ticket;
use super::patient::Activity;
use super::pulse::Pulse;
use crate::Error;

/// How long the others wait for one attempt before one of them makes another: the caller who makes it may
/// run on a runtime that stands still.
const ATTEMPT: Duration = Duration::from_millis(500);

/// Every connection that this process opens has a number of its own.
static OPENED: AtomicU64 = AtomicU64::new(super::order::NOWHERE);

/// The open line, what is left of the one before, and who opens the next one.
#[derive(Default)]
pub(super) struct Slot {
    line: Option<Line>,
    /// The line's number: who reports a broken line must not close its successor.
    generation: u64,
    /// The line before, while its socket is being closed.
    leaving: Option<Line>,
    /// The line before, which must be dead at the server before the next one is used.
    previous: Option<Previous>,
    /// Whether the connections of earlier runs were ended.
    has_ended_earlier_runs: bool,
    /// The highest number of a line that the server could not be made to forget.
    unfenced: u64,
    attempt: Option<(u64, Instant)>,
    attempts: u64,
    /// What the latest attempt failed with, for those who waited for it.
    failure: Option<(u64, Error)>,
}

/// What it takes to use the line that is open now.
pub(super) struct Open {
    pub(super) connection: MultiplexedConnection,
    pub(super) generation: u64,
    pub(super) pulse: Arc<Pulse>,
    pub(super) activity: Arc<Activity>,
    pub(super) fault: Fault,
    /// What was sent on lines up to this number may still be executed.
    pub(super) unfenced: u64,
}

/// A line that was given up, which the server may still have.
#[derive(Clone)]
struct Previous {
    generation: u64,
    ticket: Option<Ticket>,
    /// Whether it had been closed from outside. A proxy may do that before the server has read everything,
    /// so the server is made to forget it all the same, where that is permitted.
    was_closed: bool,
}

enum Step<'a> {
    Use(Open),
    Wait { attempt: u64, limit: Limit },
    Dial(Attempt<'a>),
}

/// The right to open the line. Dropping it leaves that to somebody else.
struct Attempt<'a> {
    shared: &'a Shared,
    number: u64,
    generation: u64,
    leaving: Option<Line>,
    previous: Option<Previous>,
    has_ended_earlier_runs: bool,
}

impl Node {
    /// The open connection, or a new one. Waiting for somebody else's attempt counts towards the
    /// limit too.
    pub(super) async fn open(&self, sooner: Option<Limit>) -> Result<Open, Error> {
        let opened = self.open_or_wait(sooner).await;
        opened.map_err(|error| match self.shared.target.announcer {
            Some(announcer) => announcer.explain(error),
            None => error,
        })
    }

    async fn open_or_wait(&self, sooner: Option<Limit>) -> Result<Open, Error> {
        let shared = &*self.shared;
        let limit = Limit::of(shared.settings.connect_timeout).or_sooner(sooner);
        loop {
            match shared.step() {
                Step::Use(open) => return Ok(open),
                Step::Wait { attempt, limit: it } => {
                    let mut changed = std::pin::pin!(shared.changed.notified());
                    changed.as_mut().enable();
                    if shared.is_trying(attempt) {
                        let _changed = it.or_sooner(Some(limit)).wait(changed).await;
                    }
                    if let Some(error) = shared.failure_of(attempt) {
                        return Err(error);
                    }
                    if limit.is_over() {
                        return Err(limit.exceeded("connecting", &shared.address));
                    }
                }
                Step::Dial(attempt) => {
                    let dialled = limit.wait(Box::pin(attempt.dial())).await;
                    dialled
                        .unwrap_or_else(|| Err(limit.exceeded("connecting", &shared.address)))?;
                }
            }
        }
    }

    /// Whether there is an open line that nobody has closed yet, as far as we know.
    pub(super) fn is_open(&self) -> bool {
        let slot = self.shared.slot();
        slot.line.as_ref().is_some_and(|line| !line.is_closed())
    }

    /// Closes the line of this generation, if it is still the open one.
    pub(super) fn close(&self, generation: u64) {
        let mut slot = self.shared.slot();
        if slot.generation == generation {
            slot.retire();
        }
    }
}

impl Shared {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        // Every change is complete in itself, so a panic elsewhere leaves it usable.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self) -> Step<'_> {
        let mut slot = self.slot();
        if slot.line.as_ref().is_some_and(Line::is_closed) {
            slot.retire();
        }
        if let Some(line) = &slot.line {
            return Step::Use(Open {
                connection: line.connection.clone(),
                generation: slot.generation,
                pulse: Arc::clone(&line.pulse),
                activity: Arc::clone(&line.activity),
                fault: Arc::clone(&line.fault),
                unfenced: slot.unfenced,
            });
        }
        if let Some((attempt, began)) = slot.attempt {
            let left = ATTEMPT.saturating_sub(began.elapsed());
            if !left.is_zero() {
                let limit = Limit::of(left);
                return Step::Wait { attempt, limit };
            }
        }
        slot.attempts += 1;
        slot.attempt = Some((slot.attempts, Instant::now()));
        Step::Dial(Attempt {
            shared: self,
            number: slot.attempts,
            generation: slot.generation,
            leaving: slot.leaving.take(),
            previous: slot.previous.clone(),
            has_ended_earlier_runs: slot.has_ended_earlier_runs,
        })
    }

    fn is_trying(&self, attempt: u64) -> bool {
        self.slot()
            .attempt
            .is_some_and(|(number, _)| number == attempt)
    }

    /// Why this attempt, or a later one, failed. That it took too long says nothing about those who have
    /// more time.
    fn failure_of(&self, attempt: u64) -> Option<Error> {
        let slot = self.slot();
        let (number, error) = slot.failure.as_ref().filter(|_| slot.line.is_none())?;
        let is_it = *number >= attempt && !matches!(error, Error::Timeout { .. });
        is_it.then(|| error.clone())
    }
}

impl Attempt<'_> {
    async fn dial(mut self) -> Result<(), Error> {
        if let Some(line) = self.leaving.take() {
            line.close().await;
        }
        let dialled = self.connect().await;
        let address = &self.shared.address;
        let mut slot = self.shared.slot();
        match dialled {
            // Somebody else may have opened one meanwhile, and it may even be broken already.
            Ok(line) if slot.line.is_none() && slot.generation == self.generation => {
                if let Some(previous) = slot.previous.take()
                    && !line.has_fenced
                    && !previous.was_closed
                {
                    slot.unfenced = previous.generation;
                }
                slot.line = Some(line);
                slot.has_ended_earlier_runs = true;
                slot.failure = None;
                slot.generation = OPENED.fetch_add(1, Ordering::Relaxed) + 1;
                tracing::debug!(redis.address = %address, "connected");
            }
            Ok(_superfluous) => {}
            Err(error) => {
                slot.failure = Some((self.number, error.clone()));
                return Err(error);
            }
        }
        Ok(())
    }

    async fn connect(&self) -> Result<Line, Error> {
        let Shared {
            settings,
            target,
            address,
            name,
            ..
        } = self.shared;
        let previous = self.previous.as_ref();
        let ticket = previous.and_then(|previous| previous.ticket.as_ref());
        let line = dial(settings, target, address, ticket).await?;
        if let Some(name) = name {
            // Before anything is written. What earlier runs wrote is always on a connection that has a
            // name, since the answer to it was awaited as here.
            name.tell(&line, address).await?;
            if !self.has_ended_earlier_runs {
                name.end_earlier_runs(&line, address).await?;
            }
        }
        Ok(line)
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let mut slot = self.shared.slot();
        if slot
            .attempt
            .is_some_and(|(number, _)| number == self.number)
        {
            slot.attempt = None;
        }
        drop(slot);
        self.shared.changed.notify_waiters();
    }
}

impl Slot {
    /// Closes the line, if there is one, and remembers it until the server has forgotten it.
    fn retire(&mut self) {
        if let Some(line) = self.line.take() {
            self.previous = Some(Previous {
                generation: self.generation,
                ticket: line.ticket.clone(),
                was_closed: line.is_closed(),
            });
            line.leave();
            self.leaving = Some(line);
        }
    }
}
