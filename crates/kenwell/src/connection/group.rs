//! Commands that belong together: executed as one transaction, all of them or none.

use std::sync::Arc;

use redis::{Cmd, Pipeline, Value};

use super::send_options::SendOptions;
use super::server_connection::ServerConnection;
use crate::Error;

/// Commands that are executed together. A group of one needs no transaction around it.
///
/// In a cluster only commands whose keys share a slot can be executed together, so a group is cut
/// into one transaction for each slot.
/// Clones share the commands: a call keeps them, in case it has to be repeated.
#[derive(Clone, Default)]
pub(crate) struct Group(Arc<Vec<Cmd>>);

/// What became of each command of a group.
pub(crate) type Answers = Vec<Result<Value, Error>>;

impl Group {
    pub(crate) fn push(&mut self, command: Cmd) {
        Arc::make_mut(&mut self.0).push(command);
    }

    pub(crate) fn commands(&self) -> &[Cmd] {
        &self.0
    }

    /// Adds its commands to a pipeline.
    fn add_to(&self, pipeline: &mut Pipeline) {
        let together = self.0.len() > 1;
        if together {
            pipeline.cmd("MULTI");
        }
        for command in self.commands() {
            pipeline.add_command(command.clone());
        }
        if together {
            pipeline.cmd("EXEC");
        }
    }
}

impl FromIterator<Cmd> for Group {
    fn from_iter<I: IntoIterator<Item = Cmd>>(commands: I) -> Self {
        Self(Arc::new(commands.into_iter().collect()))
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
        let mut pipeline = Pipeline::new();
        for group in groups {
            group.add_to(&mut pipeline);
        }
        if pipeline.is_empty() {
            return Ok(vec![Answers::new(); groups.len()]);
        }
        let mut replies = self.send(command, &pipeline, options).await?.into_iter();
        let answers = groups.iter().map(|group| match group.0.len() {
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
