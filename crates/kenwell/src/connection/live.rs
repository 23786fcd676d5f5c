//! A connection to one server that opens when it is first needed and opens again when it broke.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use redis::{Pipeline, Value};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::dial::{Line, dial};
use super::group::Answers;
use super::login::Ticket;
use super::name::ClientName;
use super::patient::Activity;
use super::settings::{Settings, Target};
use crate::Error;
use crate::reply::Reply;

/// The slowest link on which a single large command is still waited for, in bytes a second. What was
/// written may rest in buffers on the way for as long as it takes to move at this speed, without any sign.
const SLOWEST: u32 = 64 * 1024;

/// One multiplexed connection to one Redis server. Clones share the socket.
///
/// An error closes the socket for good before the next one opens, so that pipelines that wait for
/// each other are executed in order.
#[derive(Clone)]
pub(super) struct Node {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    target: Target,
    address: Arc<str>,
    name: Option<Arc<ClientName>>,
    line: Mutex<Slot>,
}

/// The open line, and how many were opened so far: who reports a broken line must not close its
/// successor.
#[derive(Default)]
struct Slot {
    line: Option<Line>,
    generation: u64,
    /// The line before, which must be dead at the server before the next one is used.
    previous: Option<Ticket>,
    /// Whether the connections of earlier runs were ended.
    has_ended_earlier_runs: bool,
}

/// What it takes to use the line that is open now.
struct Open {
    connection: redis::aio::MultiplexedConnection,
    activity: Arc<Activity>,
    generation: u64,
}

impl Node {
    /// Nothing is sent yet.
    pub(super) fn new(settings: Settings, target: Target) -> Self {
        let address = target.address.to_string().into();
        Self {
            shared: Arc::new(Shared {
                settings,
                target,
                address,
                name: None,
                line: Mutex::default(),
            }),
        }
    }

    /// The same server on a socket of its own that is opened under this name.
    pub(super) fn named(&self, name: Option<Arc<ClientName>>) -> Self {
        Self {
            shared: Arc::new(Shared {
                settings: self.shared.settings.clone(),
                target: self.shared.target.clone(),
                address: Arc::clone(&self.shared.address),
                name,
                line: Mutex::default(),
            }),
        }
    }

    /// The same server on a socket of its own.
    pub(super) fn another(&self) -> Self {
        self.named(self.shared.name.clone())
    }

    /// The server's address, for logs.
    pub(super) fn address(&self) -> &Arc<str> {
        &self.shared.address
    }

    /// Whether there is an open line that nobody has closed yet, as far as we know.
    pub(super) async fn is_open(&self) -> bool {
        let slot = self.shared.line.lock().await;
        slot.line.as_ref().is_some_and(|line| !line.is_closed())
    }

    /// Sends a pipeline of one command and gives its reply.
    pub(super) async fn one(
        &self,
        command: &'static str,
        pipeline: &Pipeline,
    ) -> Result<Value, Error> {
        let mut replies = self.send(command, pipeline).await?.into_iter();
        replies
            .next()
            .unwrap_or_else(|| Err(self.unexpected(command)))
    }

    /// The error for a reply that `command` never gives.
    pub(super) fn unexpected(&self, command: &'static str) -> Error {
        Error::Unexpected {
            address: Arc::clone(&self.shared.address),
            command,
        }
    }

    /// Sends a pipeline and reads every reply: one result for each command, in order.
    ///
    /// An `Err` for the whole means that the connection failed, and any of the commands may or may
    /// not have been executed.
    pub(super) async fn send(
        &self,
        command: &'static str,
        pipeline: &Pipeline,
    ) -> Result<Vec<Result<Value, Error>>, Error> {
        let Open {
            mut connection,
            generation,
            ..
        } = self.open().await?;
        let limit = self.shared.settings.command_timeout;
        let count = pipeline.len();
        let sent = timeout(limit, connection.send_packed_commands(pipeline, 0, count)).await;
        let address = &self.shared.address;
        let failure = match sent {
            Ok(Ok(values)) if values.len() == count => {
                let replies: Vec<_> = values
                    .into_iter()
                    .map(|value| refused(value, command, address))
                    .collect();
                let spoilt =
                    |reply: &Result<_, Error>| reply.as_ref().is_err_and(Error::spoils_connection);
                if replies.iter().any(spoilt) {
                    self.close(generation).await;
                }
                return Ok(replies);
            }
            Ok(Ok(_)) => self.unexpected(command),
            Ok(Err(source)) => Error::Lost {
                address: Arc::clone(address),
                command,
                source,
            },
            Err(_elapsed) => Error::Timeout {
                address: Arc::clone(address),
                action: command,
                limit,
            },
        };
        self.close(generation).await;
        Err(failure)
    }

    /// Sends pipelines that are all under way at once, and gives one result for each command, in order.
    ///
    /// There is no limit for all of it, only for silence: `command_timeout` without a byte that moves in
    /// either direction. What was answered before a failure keeps its answer; the others get the error, and
    /// may or may not have been executed.
    pub(super) async fn send_parts(&self, command: &'static str, parts: &[Pipeline]) -> Answers {
        let count = parts.iter().map(Pipeline::len).sum();
        let open = match self.open().await {
            Ok(open) => open,
            Err(error) => return vec![Err(error); count],
        };
        let limit = self.shared.settings.command_timeout + patience_for(parts);
        let mut answers = Answers::with_capacity(count);
        let received = self.receive_parts(command, parts, &open, limit, &mut answers);
        let received = received.await;
        let spoilt = |reply: &Result<_, Error>| reply.as_ref().is_err_and(Error::spoils_connection);
        if received.is_err() || answers.iter().any(spoilt) {
            self.close(open.generation).await;
        }
        if let Err(failure) = received {
            answers.resize(count, Err(failure));
        }
        answers
    }

    async fn receive_parts(
        &self,
        command: &'static str,
        parts: &[Pipeline],
        open: &Open,
        limit: Duration,
        answers: &mut Answers,
    ) -> Result<(), Error> {
        let address = &self.shared.address;
        open.activity.note();
        let mut under_way: FuturesOrdered<_> = parts
            .iter()
            .map(|part| {
                let mut connection = open.connection.clone();
                async move {
                    let count = part.len();
                    let sent = connection.send_packed_commands(part, 0, count).await;
                    (count, sent)
                }
            })
            .collect();
        loop {
            let next = tokio::select! {
                biased;
                next = under_way.next() => next,
                () = open.activity.silence(limit) => return Err(Error::Silent {
                    address: Arc::clone(address),
                    command,
                    limit,
                }),
            };
            match next {
                None => return Ok(()),
                Some((count, Ok(values))) if values.len() == count => {
                    let values = values.into_iter();
                    answers.extend(values.map(|value| refused(value, command, address)));
                }
                Some((_, Ok(_))) => return Err(self.unexpected(command)),
                Some((_, Err(source))) => {
                    return Err(Error::Lost {
                        address: Arc::clone(address),
                        command,
                        source,
                    });
                }
            }
        }
    }

    /// The open connection, or a new one. Waiting for somebody else's attempt counts towards the
    /// limit too.
    async fn open(&self) -> Result<Open, Error> {
        let Shared {
            settings,
            target,
            address,
            name,
            line,
        } = &*self.shared;
        let limit = settings.connect_timeout;
        let attempt = async {
            let mut slot = line.lock().await;
            if slot.line.as_ref().is_none_or(Line::is_closed) {
                slot.retire().await;
                let line = dial(settings, target, address, slot.previous.as_ref()).await?;
                if let Some(name) = name {
                    // Before anything is written. What earlier runs wrote is always on a connection that
                    // has a name, since the answer to it was awaited as here.
                    name.tell(&line, address).await?;
                    if !slot.has_ended_earlier_runs {
                        name.end_earlier_runs(&line, address).await?;
                        slot.has_ended_earlier_runs = true;
                    }
                }
                slot.line = Some(line);
                slot.previous = None;
                slot.generation += 1;
                tracing::debug!(redis.address = %address, "connected");
            }
            match &slot.line {
                Some(line) => Ok(Open {
                    connection: line.connection.clone(),
                    activity: Arc::clone(&line.activity),
                    generation: slot.generation,
                }),
                None => Err(self.unexpected("connecting")),
            }
        };
        timeout(limit, attempt).await.unwrap_or_else(|_elapsed| {
            Err(Error::Timeout {
                address: Arc::clone(address),
                action: "connecting",
                limit,
            })
        })
    }

    /// Closes the line of this generation, if it is still the open one.
    async fn close(&self, generation: u64) {
        let mut slot = self.shared.line.lock().await;
        if slot.generation == generation {
            slot.retire().await;
        }
    }
}

impl Slot {
    /// Closes the line, if there is one, and remembers it until the server has forgotten it.
    async fn retire(&mut self) {
        if let Some(line) = self.line.take() {
            self.previous.clone_from(&line.ticket);
            line.close().await;
        }
    }
}

/// How long the largest command may rest in buffers on a link that is slow but moves.
fn patience_for(parts: &[Pipeline]) -> Duration {
    let bytes = |command: &redis::Cmd| -> usize {
        let arguments = command.args_iter();
        arguments
            .map(|argument| match argument {
                redis::Arg::Simple(bytes) => bytes.len(),
                _ => 0,
            })
            .sum()
    };
    let largest = parts.iter().flat_map(Pipeline::cmd_iter).map(bytes).max();
    let largest = u32::try_from(largest.unwrap_or(0)).unwrap_or(u32::MAX);
    Duration::from_secs(u64::from(largest / SLOWEST))
}

pub(super) fn refused(
    value: Value,
    command: &'static str,
    address: &Arc<str>,
) -> Result<Value, Error> {
    match value {
        Value::ServerError(error) => Err(Error::Refused {
            address: Arc::clone(address),
            command,
            reply: Reply::new(error.code(), error.details().unwrap_or_default()),
        }),
        value => Ok(value),
    }
}
