//! Calls that must not be executed twice: sent in their turn, once, and never again.

use super::failure;
use crate::connection::{Access, Connection, Deadline, Group, OrderTicket, SendOptions};
use crate::resp::Value;
use crate::state::{Error, ValuePlace};

/// A call that is never repeated, ready to begin.
pub(super) struct UnrepeatedCall<'a> {
    /// What errors call it.
    pub(super) command: &'static str,
    pub(super) group: Group,
    /// The keys that it reads and changes. An error names the first one.
    pub(super) keys: Vec<&'a [u8]>,
}

/// What such a call was answered. None of its commands was refused.
pub(super) struct UnrepeatedAnswer {
    pub(super) replies: Vec<Value>,
    is_unsettled: bool,
}

impl UnrepeatedCall<'_> {
    /// What it needs to take its turn.
    pub(super) fn entry(&self, connection: &Connection) -> (Access, Vec<u64>) {
        let hash = |key: &&[u8]| connection.order().hash(key);
        (Access::Changes, self.keys.iter().map(hash).collect())
    }

    /// Sends this call by itself.
    ///
    /// # Errors
    ///
    /// As for [`send_begun`](Self::send_begun).
    pub(super) async fn send(self, connection: &Connection) -> Result<UnrepeatedAnswer, Error> {
        let limit = connection.limit();
        let tickets = connection.order().begin([self.entry(connection)], limit);
        self.send_begun(connection, &tickets, limit).await
    }

    /// Sends a call that has begun, in its turn.
    ///
    /// # Errors
    ///
    /// [`Error::Uncertain`] when it was sent and not answered; [`Error::Value`] when one of its commands was refused.
    pub(super) async fn send_begun(
        self,
        connection: &Connection,
        tickets: &[OrderTicket],
        limit: Deadline,
    ) -> Result<UnrepeatedAnswer, Error> {
        connection.check_open()?;
        let Self {
            command,
            group,
            keys,
        } = self;
        let failed = |source| failed(source, command, keys.first().copied().unwrap_or_default());
        let tickets: Vec<&OrderTicket> = tickets.iter().collect();
        let options = SendOptions {
            limit: Some(limit),
            tickets: &tickets,
        };
        let sent = connection.send_groups(command, &[group], options).await;
        let answers = sent.map_err(failed)?.pop().unwrap_or_default();
        // In a cluster, where a loss may be among the answers, nothing is remembered of it.
        let is_unsettled = tickets.iter().any(|ticket| ticket.is_unsettled());
        if let Some((_, source)) = failure(&answers) {
            return Err(failed(source.clone()));
        }
        Ok(UnrepeatedAnswer {
            replies: answers.into_iter().flatten().collect(),
            is_unsettled,
        })
    }
}

impl UnrepeatedAnswer {
    /// The result of a call that has changed something, unless an older one may still undo it.
    pub(super) fn changed<T>(&self, result: T) -> Result<T, Error> {
        if self.is_unsettled {
            return Err(Error::Unsettled);
        }
        Ok(result)
    }
}

fn failed(source: crate::Error, command: &str, first: &[u8]) -> Error {
    match source {
        crate::Error::Refused { .. } => Error::Value {
            place: ValuePlace::new(0, first),
            source,
        },
        // Nothing was sent before there was a connection.
        crate::Error::Timeout { action, .. } if action == command => Error::Uncertain { source },
        crate::Error::Unexpected { command: of, .. } if of == command || of == "EXEC" => {
            Error::Uncertain { source }
        }
        crate::Error::Lost { .. } => Error::Uncertain { source },
        source => Error::Redis(source),
    }
}
