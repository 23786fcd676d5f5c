//! Pipelines without a limit in all: they may take as long as something moves.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use super::command_buffer::CommandBuffer;
use super::command_queue::{PendingReplies, Replies};
use super::group::Answers;
use super::raw_connection::{CLOSING, lost};
use super::server_connection::ServerConnection;
use super::shared_connection::OpenHandle;
use crate::Error;
use crate::resp::Value;

/// The slowest link on which a single large command is still waited for, in bytes a second. What was
/// written may rest in buffers on the way for as long as it takes to move at this speed, without any sign.
const SLOWEST: u32 = 64 * 1024;

impl ServerConnection {
    /// Sends commands in one pipeline, and gives one result for each, in order.
    ///
    /// There is no limit for all of it, only for silence: `command_timeout` without a byte that moves in
    /// either direction. What was answered before a failure keeps its answer; the others get the error, and
    /// may or may not have been executed.
    pub(super) async fn send_while_moving(
        &self,
        command: &'static str,
        commands: CommandBuffer,
    ) -> Answers {
        let count = commands.len();
        if count == 0 {
            return Answers::new();
        }
        let open = match self.usable(None).await {
            Ok(open) => open,
            Err(error) => return vec![Err(error); count],
        };
        let (mut answers, failure) = self.exchange(command, commands, &open).await;
        if let Some(failure) = failure {
            answers.resize(count, Err(failure));
        }
        answers
    }

    /// Sends pipelines one after the other, all on one socket: `first`, and then what `next` makes of the answers to the one
    /// before, until it gives `None`. When the socket fails nothing more is sent.
    pub(super) async fn converse(
        &self,
        command: &'static str,
        first: CommandBuffer,
        mut next: impl FnMut(Answers) -> Result<Option<CommandBuffer>, Error>,
    ) -> Result<(), Error> {
        let open = self.usable(None).await?;
        let mut commands = first;
        loop {
            let (answers, failure) = self.exchange(command, commands, &open).await;
            let spoilt = |reply: &Result<_, Error>| {
                reply
                    .as_ref()
                    .err()
                    .filter(|it| it.spoils_connection())
                    .cloned()
            };
            if let Some(error) = failure.or_else(|| answers.iter().find_map(spoilt)) {
                return Err(error);
            }
            match next(answers)? {
                Some(following) => commands = following,
                None => return Ok(()),
            }
        }
    }

    /// Sends commands on this connection, and gives the answers that came, and why others did not. It is closed after a failure,
    /// and after an answer that spoils it.
    async fn exchange(
        &self,
        command: &'static str,
        commands: CommandBuffer,
        open: &OpenHandle,
    ) -> (Answers, Option<Error>) {
        let limit = self.shared.settings.command_timeout + time_for_largest(&commands);
        let _under_way = open.liveness.begin_call();
        open.activity.note();
        let replies = open.queue.push(commands.into());
        let (values, failure) = self.receive_moving(command, replies, open, limit).await;
        let mut answers = Answers::with_capacity(values.len());
        answers.extend(values.into_iter().map(|value| self.refused(value, command)));
        let spoilt = |reply: &Result<_, Error>| reply.as_ref().is_err_and(Error::spoils_connection);
        if failure.is_some() || answers.iter().any(spoilt) {
            self.shared.close(open.generation);
        }
        (answers, failure)
    }

    /// Awaits the replies; after a failure, those that had come.
    async fn receive_moving(
        &self,
        command: &'static str,
        replies: PendingReplies,
        open: &OpenHandle,
        limit: Duration,
    ) -> (Vec<Value>, Option<Error>) {
        let mut received = pin!(open.liveness.await_reply(replies));
        let came = tokio::select! {
            biased;
            came = &mut received => came,
            () = open.activity.silence(limit) => {
                // The task that moves the bytes hands out what it has when it is ended.
                self.shared.close(open.generation);
                let ended = timeout(CLOSING, received).await;
                let values = ended.ok().and_then(Result::ok).map(|replies| replies.values);
                let silent = Error::Silent {
                    address: self.address().clone(),
                    command,
                    limit,
                };
                return (values.unwrap_or_default(), Some(silent));
            }
        };
        let Replies { values, failure } = came.unwrap_or_else(|error| Replies {
            values: Vec::new(),
            failure: Some(error),
        });
        if failure.is_none() {
            open.liveness.note_reply();
        }
        let failure = failure.map(|source| lost(source, &open.fault, command, self.address()));
        (values, failure)
    }
}

/// How long the largest command may rest in buffers on a link that is slow but moves.
fn time_for_largest(commands: &CommandBuffer) -> Duration {
    let largest = u32::try_from(commands.largest()).unwrap_or(u32::MAX);
    Duration::from_secs(u64::from(largest / SLOWEST))
}
