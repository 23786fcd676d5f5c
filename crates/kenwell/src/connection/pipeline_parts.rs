//! Pipelines without a limit in all: they may take as long as something moves.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use redis::{Arg, Cmd, Pipeline};

use super::group::Answers;
use super::raw_connection::lost;
use super::server_connection::ServerConnection;
use super::shared_connection::OpenHandle;
use crate::Error;

/// The slowest link on which a single large command is still waited for, in bytes a second. What was
/// written may rest in buffers on the way for as long as it takes to move at this speed, without any sign.
const SLOWEST: u32 = 64 * 1024;

/// The most parts into which a pipeline is cut, so that what was answered before a failure is known.
const PARTS: usize = 8;

/// The fewest commands of a part: each part costs about as much as a command.
const PART: usize = 32;

/// How many commands of a pipeline make one part.
pub(crate) fn part_size(commands: usize) -> usize {
    commands.div_ceil(PARTS).max(PART)
}

impl ServerConnection {
    /// Sends pipelines that are all under way at once, and gives one result for each command, in order.
    ///
    /// There is no limit for all of it, only for silence: `command_timeout` without a byte that moves in
    /// either direction. What was answered before a failure keeps its answer; the others get the error, and
    /// may or may not have been executed.
    pub(super) async fn send_parts(&self, command: &'static str, parts: &[Pipeline]) -> Answers {
        let count = parts.iter().map(Pipeline::len).sum();
        let open = match self.usable(None).await {
            Ok(open) => open,
            Err(error) => return vec![Err(error); count],
        };
        let limit = self.shared.settings.command_timeout + time_for_largest_command(parts);
        let mut answers = Answers::with_capacity(count);
        let received = self.receive_parts(command, parts, &open, limit, &mut answers);
        let received = received.await;
        let spoilt = |reply: &Result<_, Error>| reply.as_ref().is_err_and(Error::spoils_connection);
        if received.is_err() || answers.iter().any(spoilt) {
            self.shared.close(open.generation);
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
        open: &OpenHandle,
        limit: Duration,
        answers: &mut Answers,
    ) -> Result<(), Error> {
        let address = self.address();
        let _under_way = open.liveness.begin_call();
        open.activity.note();
        let mut under_way: FuturesOrdered<_> = parts
            .iter()
            .map(|part| {
                let mut connection = open.connection.clone();
                async move {
                    let count = part.len();
                    let sent = connection.send_packed_commands(part, 0, count);
                    (count, open.liveness.await_reply(sent).await)
                }
            })
            .collect();
        let mut silence = pin!(open.activity.silence(limit));
        loop {
            let next = tokio::select! {
                biased;
                next = under_way.next() => next,
                () = &mut silence => return Err(Error::Silent {
                    address: address.clone(),
                    command,
                    limit,
                }),
            };
            match next {
                None => return Ok(()),
                Some((count, Ok(values))) if values.len() == count => {
                    open.liveness.note_reply();
                    let values = values.into_iter();
                    answers.extend(values.map(|value| self.refused(value, command)));
                }
                Some((_, Ok(_))) => return Err(self.unexpected(command)),
                Some((_, Err(source))) => {
                    return Err(lost(source, &open.fault, command, address));
                }
            }
        }
    }
}

/// How long the largest command may rest in buffers on a link that is slow but moves.
fn time_for_largest_command(parts: &[Pipeline]) -> Duration {
    let bytes = |command: &Cmd| -> usize {
        let arguments = command.args_iter();
        arguments
            .map(|argument| match argument {
                Arg::Simple(bytes) => bytes.len(),
                _ => 0,
            })
            .sum()
    };
    let largest = parts.iter().flat_map(Pipeline::cmd_iter).map(bytes).max();
    let largest = u32::try_from(largest.unwrap_or(0)).unwrap_or(u32::MAX);
    Duration::from_secs(u64::from(largest / SLOWEST))
}
