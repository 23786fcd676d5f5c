//! Finds out whether a refusal is one update's own fault: others must be taken while it is refused.

use std::time::Duration;

use redis::Cmd;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::control::{
    CONTROL_VALUE, Sample, delete, neighbour_of, random, send_group, write_sample,
};
use super::server_limits::exceeded_by;
use super::{Expiry, ProfileUpdate};
use crate::connection::Connection;
use crate::{Class, Error};

/// How many rounds in a row must go the same way before one update is condemned.
///
/// In a round two controls are written, and the update before, between or behind them. A server, proxy
/// or network that fails without looking at the update can condemn it with a probability of at most
/// 3^-12, and one that fails at random with at most 10^-10, however often it fails.
pub const ROUNDS: u32 = 12;

/// Controls of one round.
const CONTROLS: u8 = 2;

/// The first wait between two rounds; each later one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// The longest wait between two rounds.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What is known about an update that was refused in unknown words, or over which the server
/// may have closed the connection.
pub(super) struct Experiment {
    error: Error,
    rounds: u32,
    wait: Duration,
    due: Instant,
    /// An unused key beside the update's.
    neighbour: Option<Vec<u8>>,
    /// Whether the server lets us write there.
    neighbour_is_open: bool,
}

/// What a round found.
pub(super) enum Verdict {
    /// The update is written.
    Written,
    /// It is not; go on later.
    Open(Error),
    /// Something else was refused or lost: nothing can be found out now.
    Away(Error),
    /// It is the update's own fault.
    Condemned(Error),
}

impl Experiment {
    /// Begins with the refusal that raised the question.
    pub(super) fn new(error: Error) -> Self {
        Self {
            error,
            rounds: 0,
            wait: FIRST_WAIT,
            due: Instant::now(),
            neighbour: None,
            neighbour_is_open: true,
        }
    }

    /// Whether an error raises the question whose fault it is.
    pub(super) fn is_due_to(error: &Error) -> bool {
        matches!(error, Error::Refused { .. } | Error::Lost { .. })
            && (matches!(error, Error::Lost { .. }) || error.class() == Class::Unknown)
    }

    /// Whether the update must not be sent together with others.
    pub(super) fn is_dangerous(&self) -> bool {
        matches!(self.error, Error::Lost { .. })
    }

    /// Whether it is time for the next round.
    pub(super) fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// Whether the update was refused in the latest round, in which the controls were taken.
    pub(super) fn has_begun(&self) -> bool {
        self.rounds > 0
    }

    /// The latest refusal.
    pub(super) fn error(&self) -> Error {
        self.error.clone()
    }

    /// One round.
    pub(super) async fn round(
        &mut self,
        connection: &Connection,
        expiry: &Expiry,
        update: &ProfileUpdate,
        sample: &Mutex<Option<Sample>>,
    ) -> Verdict {
        self.due = Instant::now() + self.wait;
        self.wait = (2 * self.wait).min(LONGEST_WAIT);
        let place = random::<1>().first().copied().unwrap_or(0) % (CONTROLS + 1);
        for turn in 0..=CONTROLS {
            if turn != place {
                if let Err(error) = self.control(connection, update, sample).await {
                    self.rounds = 0;
                    return Verdict::Away(error);
                }
                continue;
            }
            let written = expiry.apply(connection, &[update]).await.pop();
            match written.unwrap_or(Ok(())) {
                Ok(()) => return Verdict::Written,
                Err(error) if !Self::is_due_to(&error) => {
                    self.rounds = 0;
                    return if error.class() == Class::Record {
                        Verdict::Condemned(error)
                    } else {
                        Verdict::Away(error)
                    };
                }
                Err(error) if !is_alike(&error, &self.error) => {
                    self.rounds = 0;
                    self.error = error;
                    return Verdict::Open(self.error());
                }
                Err(error) => self.error = error,
            }
        }
        self.rounds += 1;
        if self.rounds < ROUNDS {
            Verdict::Open(self.error())
        } else {
            Verdict::Condemned(self.condemned(connection, update).await)
        }
    }

    /// What the update's fault is.
    async fn condemned(&self, connection: &Connection, update: &ProfileUpdate) -> Error {
        let times = self.rounds;
        match self.error() {
            Error::Lost {
                address,
                command,
                source,
            } => Error::Dropped {
                address,
                command,
                times,
                exceeded: exceeded_by(update, connection).await,
                source,
            },
            Error::Refused {
                address,
                command,
                reply,
            } => Error::RefusedAlone {
                address,
                command,
                times,
                reply,
            },
            error => error,
        }
    }

    /// A write like the update, of as many bytes, which changes nothing. `Ok` when it was taken.
    async fn control(
        &mut self,
        connection: &Connection,
        update: &ProfileUpdate,
        sample: &Mutex<Option<Sample>>,
    ) -> Result<(), Error> {
        // Where a key is forbidden its neighbour is too, which says nothing about other keys.
        if self.neighbour_is_open && !is_about_keys(&self.error) {
            match self.write_neighbour(connection, update).await {
                Err(error) if error.is_answer() && error.class() == Class::Configuration => {
                    self.neighbour_is_open = false;
                }
                written => return written,
            }
        }
        // Held until it is answered: nothing newer is sent for this key meanwhile.
        match &*sample.lock().await {
            Some(sample) => write_sample(connection, sample, update.bytes()).await,
            None => Err(self.error()),
        }
    }

    /// Writes an unused key and deletes it again, in one step, until as many bytes were sent as
    /// the update has.
    async fn write_neighbour(
        &mut self,
        connection: &Connection,
        update: &ProfileUpdate,
    ) -> Result<(), Error> {
        let neighbour = if let Some(neighbour) = &self.neighbour {
            neighbour
        } else {
            let neighbour = neighbour_of(update.key(), connection.is_cluster());
            // First only deletions: a user that may not delete, or a server without transactions, must not
            // leave a key behind.
            let [first, second] = [delete(&neighbour), delete(&neighbour)];
            send_group(connection, [first, second]).await?;
            self.neighbour.insert(neighbour)
        };
        let mut rest = update.bytes();
        loop {
            let value = vec![b'x'; rest.min(CONTROL_VALUE)];
            let mut write = Cmd::new();
            write.arg("HSET").arg(neighbour).arg("x").arg(&value);
            send_group(connection, [write, delete(neighbour)]).await?;
            rest = rest.saturating_sub(CONTROL_VALUE);
            if rest == 0 {
                return Ok(());
            }
        }
    }
}

/// Whether two refusals are the same: the same words, or a lost connection both times.
fn is_alike(one: &Error, other: &Error) -> bool {
    match (one, other) {
        (Error::Lost { .. }, Error::Lost { .. }) => true,
        (Error::Refused { reply: one, .. }, Error::Refused { reply: other, .. }) => one == other,
        _ => false,
    }
}

fn is_about_keys(error: &Error) -> bool {
    matches!(error, Error::Refused { reply, .. } if reply.code() == "NOPERM")
}
