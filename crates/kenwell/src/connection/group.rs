//! Commands that belong together: executed as one transaction, all of them or none.

use std::sync::Arc;

use super::command_buffer::CommandBuffer;
use super::command_queue::Request;

use super::send_options::SendOptions;
use super::server_connection::ServerConnection;
use crate::Error;
use crate::resp::{Command, Value};

/// Commands that are executed together. A group of one needs no transaction around it.
///
/// In a cluster only commands whose keys share a slot can be executed together, so a group is cut
/// into one transaction for each slot.
/// Clones share the commands: a call keeps them, in case it has to be repeated.
#[derive(Clone, Default)]
pub(crate) struct Group(Arc<CommandBuffer>);

/// What became of each command of a group.
pub(crate) type Answers = Vec<Result<Value, Error>>;

const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";

impl Group {
    /// A group of these commands.
    pub(crate) fn new(commands: CommandBuffer) -> Self {
        Self(Arc::new(commands))
    }

    /// How many commands it has.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The commands, encoded.
    pub(crate) fn commands(&self) -> impl Iterator<Item = &[u8]> {
        self.0.commands()
    }

    /// How many commands it takes to execute it, and their bytes.
    fn size(&self) -> (usize, usize) {
        match self.len() {
            count @ 0..=1 => (count, self.0.bytes().len()),
            count => (count + 2, MULTI.len() + self.0.bytes().len() + EXEC.len()),
        }
    }

    /// Adds what it takes to execute it.
    fn write_to(&self, bytes: &mut Vec<u8>) {
        let together = self.len() > 1;
        if together {
            bytes.extend_from_slice(MULTI);
        }
        bytes.extend_from_slice(self.0.bytes());
        if together {
            bytes.extend_from_slice(EXEC);
        }
    }
}

impl FromIterator<Command> for Group {
    fn from_iter<I: IntoIterator<Item = Command>>(commands: I) -> Self {
        let mut buffer = CommandBuffer::default();
        for command in commands {
            buffer.add_command(&command);
        }
        Self::new(buffer)
    }
}

/// Groups as they go over the wire.
fn encode(groups: &[Group]) -> Request {
    let sizes = groups.iter().map(Group::size);
    let (commands, size) = sizes.fold((0, 0), |(commands, bytes), (more, their)| {
        (commands + more, bytes + their)
    });
    let mut bytes = Vec::with_capacity(size);
    for group in groups {
        group.write_to(&mut bytes);
    }
    Request {
        bytes,
        commands,
        has_short_replies: false,
    }
}

impl ServerConnection {
    /// Sends groups in one round trip and reads every reply. What a group's commands answered comes
    /// in their order; of a group that was not executed, those commands that were not refused
    /// themselves carry an `EXECABORT`.
    ///
    /// An `Err` for the whole means that the connection failed, and any group may or may not have
    /// been executed.
    pub(super) async fn send_groups(
        &self,
        command: &'static str,
        groups: &[Group],
        options: SendOptions<'_>,
    ) -> Result<Vec<Answers>, Error> {
        let request = encode(groups);
        if request.commands == 0 {
            return Ok(vec![Answers::new(); groups.len()]);
        }
        let mut replies = self.send(command, request, options).await?.into_iter();
        let answers = groups.iter().map(|group| match group.len() {
            count @ 0..=1 => replies.by_ref().take(count).collect(),
            count => self.opened(command, replies.by_ref().take(count + 2).collect(), count),
        });
        Ok(answers.collect())
    }

    /// What the commands between `MULTI` and `EXEC` answered.
    fn opened(&self, command: &'static str, mut replies: Answers, count: usize) -> Answers {
        let executed = replies.pop();
        let mut replies = replies.into_iter();
        let began = replies.next();
        let whole = match (began, executed) {
            (Some(Err(error)), _) | (_, Some(Err(error))) => error,
            (_, Some(Ok(Value::Array(values)))) if values.len() == count => {
                let open = |value| self.refused(value, command);
                return values.into_iter().map(open).collect();
            }
            _ => self.unexpected("EXEC"),
        };
        // A command that was refused when it was queued says more than the transaction it spoilt.
        let answers = replies.map(|queued| Err(queued.err().unwrap_or_else(|| whole.clone())));
        answers.collect()
    }
}
