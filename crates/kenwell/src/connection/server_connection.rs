//! A connection to one server that opens when it is first needed and opens again when it broke.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::Settings;
use super::client_name::ClientName;
use super::command_buffer::CommandBuffer;
use super::command_queue::{Broken, PendingReplies, Replies, Request};
use super::deadline::Deadline;
use super::key_order::{Admission, send_in_order};
use super::liveness::Liveness;
use super::raw_connection::lost;
use super::send_options::SendOptions;
use super::shared_connection::{OpenHandle, SharedConnection};
use super::target::Target;
use crate::Error;
use crate::resp::{Command, Pipeline, Value};

/// How long a server may take to give a sign of life on a connection that was idle, before the
/// connection is replaced.
const SIGN_OF_LIFE: Duration = Duration::from_millis(500);

/// How long the task that moves a connection's bytes may take to run when it was woken. Another runtime, on which the
/// connection was opened, may stand still.
const STANDSTILL: Duration = Duration::from_millis(500);

/// One multiplexed connection to one Redis server. Clones share the socket.
///
/// An error closes the socket for good before the next one opens, so that pipelines that wait for
/// each other are executed in order.
#[derive(Clone)]
pub(super) struct ServerConnection {
    pub(super) shared: Arc<SharedConnection>,
}

/// A pipeline that was handed to the task which moves the bytes.
struct SentPipeline {
    open: OpenHandle,
    replies: PendingReplies,
    /// How often that task was run before.
    polls: u64,
}

impl ServerConnection {
    /// Nothing is sent yet. Redis lists the connection under this name, if there is one.
    pub(super) fn new(settings: Settings, target: Target, name: Option<Arc<ClientName>>) -> Self {
        Self {
            shared: Arc::new(SharedConnection::new(settings, target, name)),
        }
    }

    /// The same server on a socket of its own that is opened under this name.
    pub(super) fn named(&self, name: Option<Arc<ClientName>>) -> Self {
        let SharedConnection {
            settings, target, ..
        } = &*self.shared;
        Self::new(settings.clone(), target.clone(), name)
    }

    /// The server's address, for logs.
    pub(super) fn address(&self) -> &Arc<str> {
        &self.shared.address
    }

    /// Sends one command, called `name` in errors, and gives its reply.
    pub(super) async fn one(&self, name: &'static str, command: Command) -> Result<Value, Error> {
        let mut pipeline = Pipeline::new();
        pipeline.add_command(command);
        let replies = self.send(name, &pipeline, SendOptions::default()).await?;
        let mut replies = replies.into_iter();
        replies.next().unwrap_or_else(|| Err(self.unexpected(name)))
    }

    /// The error for a reply that `command` never gives.
    pub(super) fn unexpected(&self, command: &'static str) -> Error {
        Error::Unexpected {
            address: Arc::clone(&self.shared.address),
            command,
        }
    }

    /// The reply, or the error that it is. A redirection from what should be no cluster is about the settings.
    pub(super) fn refused(&self, value: Value, command: &'static str) -> Result<Value, Error> {
        let Value::Error(reply) = value else {
            return Ok(value);
        };
        let address = Arc::clone(&self.shared.address);
        Err(match self.shared.target.expected.redirected(&reply) {
            Some(problem) => Error::OtherKind { address, problem },
            None => Error::Refused {
                address,
                command,
                reply,
            },
        })
    }

    /// Sends a pipeline and reads every reply: one result for each command, in order.
    ///
    /// An `Err` for the whole means that the connection failed, and any of the commands may or may
    /// not have been executed.
    pub(super) async fn send(
        &self,
        command: &'static str,
        pipeline: impl Into<Request>,
        options: SendOptions<'_>,
    ) -> Result<Vec<Result<Value, Error>>, Error> {
        let request = pipeline.into();
        let count = request.commands;
        let mut request = Some(request);
        let sent = match self.enqueue_now(&mut request, options) {
            Some(sent) => sent,
            // Boxed, since it is rare and larger than all the rest of a call.
            None => Box::pin(self.enqueue(request, options)).await?,
        };
        let generation = sent.open.generation;
        let failure = match self.receive(command, sent, options.limit).await {
            Ok(values) if values.len() == count => {
                let replies: Vec<_> = values
                    .into_iter()
                    .map(|value| self.refused(value, command))
                    .collect();
                let spoilt =
                    |reply: &Result<_, Error>| reply.as_ref().is_err_and(Error::spoils_connection);
                if replies.iter().any(spoilt) {
                    self.shared.close(generation);
                }
                return Ok(replies);
            }
            Ok(_) => self.unexpected(command),
            Err(error) => error,
        };
        self.shared.close(generation);
        Err(failure)
    }

    /// Hands a pipeline over, if that takes no waiting: a connection is open, and no older call is in the way.
    fn enqueue_now(
        &self,
        request: &mut Option<Request>,
        options: SendOptions<'_>,
    ) -> Option<SentPipeline> {
        let open = self.shared.open_now()?;
        if open.liveness.is_idle() {
            return None;
        }
        let polls = open.liveness.polls();
        let push = || request.take().map(|request| open.queue.push(request));
        match send_in_order(options.tickets, open.generation, open.unfenced, push) {
            Admission::Sent(replies) => Some(SentPipeline {
                replies: replies?,
                open,
                polls,
            }),
            Admission::Blocked(_) => None,
        }
    }

    /// Hands a pipeline over as soon as a connection is open and its turn has come.
    async fn enqueue(
        &self,
        mut request: Option<Request>,
        options: SendOptions<'_>,
    ) -> Result<SentPipeline, Error> {
        loop {
            let open = self.usable(options.limit).await?;
            let polls = open.liveness.polls();
            let push = || request.take().map(|request| open.queue.push(request));
            let entered = send_in_order(options.tickets, open.generation, open.unfenced, push);
            let older = match entered {
                Admission::Sent(Some(replies)) => {
                    return Ok(SentPipeline {
                        open,
                        replies,
                        polls,
                    });
                }
                Admission::Sent(None) => None,
                Admission::Blocked(older) => older,
            };
            options.wait_behind(older, &self.shared.address).await?;
        }
    }

    /// Awaits the replies.
    async fn receive(
        &self,
        command: &'static str,
        sent: SentPipeline,
        sooner: Option<Deadline>,
    ) -> Result<Vec<Value>, Error> {
        let SentPipeline {
            open,
            mut replies,
            polls,
        } = sent;
        let _under_way = open.liveness.begin_call();
        let address = &self.shared.address;
        let limit = Deadline::of(self.shared.settings.command_timeout).or_sooner(sooner);
        let begun = Deadline::of(STANDSTILL).or_sooner(Some(limit));
        let mut came = begun.wait(&mut replies).await;
        if came.is_none() {
            // Boxed, since it is rare.
            came = Box::pin(await_while_running(&open.liveness, replies, polls, limit)).await;
        }
        let came = came.ok_or_else(|| limit.exceeded(command, address))?;
        came.and_then(Replies::all)
            .inspect(|_values| open.liveness.note_reply())
            .map_err(|source| lost(source, &open.fault, command, address))
    }

    /// Closes the socket, and opens another one only when something is sent again.
    pub(super) async fn end(&self) {
        if let Some(raw) = self.shared.take_closing() {
            raw.close().await;
        }
    }

    /// A connection that answered lately, or that was opened just now.
    pub(super) async fn usable(&self, limit: Option<Deadline>) -> Result<OpenHandle, Error> {
        loop {
            let open = self.shared.open(limit).await?;
            if !open.liveness.is_idle() || Box::pin(self.answers_ping(&open, limit)).await {
                return Ok(open);
            }
            self.shared.close(open.generation);
        }
    }

    /// Whether the server answers on a connection that was idle. Any answer is a sign of life.
    async fn answers_ping(&self, open: &OpenHandle, sooner: Option<Deadline>) -> bool {
        let ping = Command::new("PING");
        let limit = Deadline::of(SIGN_OF_LIFE).or_sooner(sooner);
        let ping = [ping].iter().collect::<CommandBuffer>();
        let reply = open.liveness.await_reply(open.queue.push(ping.into()));
        let answer = limit.wait(reply).await;
        let answers_ping = answer.is_some_and(|replies| replies.and_then(Replies::all).is_ok());
        if answers_ping {
            open.liveness.note_reply();
        } else {
            tracing::debug!(redis.address = %self.shared.address, "no answer on an idle connection, opening another");
        }
        answers_ping
    }
}

/// Awaits replies until the limit, as long as the task runs that moves the connection's bytes; `None` when they did
/// not come. The request has woken that task, which had run so often before.
async fn await_while_running(
    liveness: &Liveness,
    mut replies: PendingReplies,
    mut polls: u64,
    limit: Deadline,
) -> Option<Result<Replies, Broken>> {
    while !limit.is_over() {
        if liveness.polls() == polls {
            let problem = "the runtime on which the connection was opened stands still";
            return Some(Err(Arc::new(io::Error::other(problem))));
        }
        polls = liveness.wake_task();
        let pause = Deadline::of(STANDSTILL).or_sooner(Some(limit));
        let came = pause.wait(liveness.await_reply(&mut replies)).await;
        if came.is_some() {
            return came;
        }
    }
    None
}
