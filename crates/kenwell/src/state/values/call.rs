//! Calls that may be executed twice: sent in their turn, and again, once, when the connection was lost.

use std::borrow::Cow;

use futures_util::future::join_all;

use crate::connection::{
    Access, Answers, CommandBuffer, Connection, Deadline, Group, OrderTicket, SendOptions,
    arguments_of, key_of,
};
use crate::state::Error;

/// A call, ready to begin.
pub(super) struct PreparedCall {
    pub(super) groups: Vec<Group>,
    pub(super) effect: Access,
}

/// A call that has begun, and stands in the order of those on the same keys.
pub(super) struct OrderedCall {
    groups: Vec<Group>,
    ticket: OrderTicket,
}

/// Of each group what its commands answered.
pub(super) type Replies = Result<Vec<Answers>, Error>;

impl PreparedCall {
    /// A call of one group that changes what is stored.
    pub(super) fn changing(group: Group) -> Self {
        Self {
            groups: vec![group],
            effect: Access::Changes,
        }
    }

    /// What it needs to take its turn. The first argument of each command is its key.
    pub(super) fn entry(&self, connection: &Connection) -> (Access, Vec<u64>) {
        let commands = self.groups.iter().flat_map(Group::commands);
        let hashes = commands.map(|command| connection.order().hash(key_of(command)));
        (self.effect, hashes.collect())
    }

    pub(super) fn begun(self, ticket: OrderTicket) -> OrderedCall {
        let groups = self.groups;
        OrderedCall { groups, ticket }
    }

    /// Sends this call by itself.
    pub(super) async fn send(self, connection: &Connection, command: &'static str) -> Replies {
        let limit = connection.limit();
        let tickets = connection.order().begin([self.entry(connection)], limit);
        connection.check_open()?;
        let begun = tickets.into_iter().next().map(|ticket| self.begun(ticket));
        let begun = Vec::from_iter(begun);
        let mut replies = send_all(connection, command, begun, limit).await;
        replies.pop().unwrap_or_else(|| Ok(Vec::new()))
    }
}

/// Sends calls, if possible in one pipeline, and gives the replies to each.
pub(super) async fn send_all(
    connection: &Connection,
    command: &'static str,
    calls: Vec<OrderedCall>,
    limit: Deadline,
) -> Vec<Replies> {
    if calls.len() < 2 || !connection.is_cluster() {
        return send_together(connection, command, calls, limit).await;
    }
    // Boxed, so that other calls are small.
    Box::pin(send_each_in_its_turn(connection, command, calls, limit)).await
}

/// In a cluster calls on one key wait for each other's answers; others do not wait for them.
async fn send_each_in_its_turn(
    connection: &Connection,
    command: &'static str,
    calls: Vec<OrderedCall>,
    limit: Deadline,
) -> Vec<Replies> {
    let waits = |call: &OrderedCall| !call.ticket.is_free();
    let waiting: Vec<bool> = calls.iter().map(waits).collect();
    if !waiting.contains(&true) {
        return send_together(connection, command, calls, limit).await;
    }
    let (mut free, mut alone) = (Vec::new(), Vec::new());
    for (call, waits) in calls.into_iter().zip(&waiting) {
        if *waits {
            alone.push(send_together(connection, command, vec![call], limit));
        } else {
            free.push(call);
        }
    }
    let free = send_together(connection, command, free, limit);
    let (free, alone) = tokio::join!(free, join_all(alone));
    let (mut free, mut alone) = (free.into_iter(), alone.into_iter().flatten());
    let replies = waiting.into_iter().map(|waits| {
        let next = if waits { alone.next() } else { free.next() };
        next.unwrap_or_else(|| Ok(Vec::new()))
    });
    replies.collect()
}

async fn send_together(
    connection: &Connection,
    command: &'static str,
    calls: Vec<OrderedCall>,
    limit: Deadline,
) -> Vec<Replies> {
    let mut results = send_once(connection, command, &calls, limit).await;
    let (mut again, mut places) = (Vec::new(), Vec::new());
    for (result, mut call) in results.iter_mut().zip(calls) {
        // A call that is not repeated ends here, and newer ones may go.
        let Some(source) = lost(result) else { continue };
        if call.ticket.was_overtaken() {
            // Reading is harmless at any time; a time to live is a newer call's to set.
            let Some(groups) = without_refresh(&call.groups) else {
                *result = Err(Error::Overtaken { source });
                continue;
            };
            call.groups = groups;
        }
        again.push(call);
        places.push(result);
    }
    if !again.is_empty() {
        let repeated = Box::pin(send_once(connection, command, &again, limit)).await;
        for (place, result) in places.into_iter().zip(repeated) {
            *place = result;
        }
    }
    results
}

async fn send_once(
    connection: &Connection,
    command: &'static str,
    calls: &[OrderedCall],
    limit: Deadline,
) -> Vec<Replies> {
    let groups: Cow<'_, [Group]> = match calls {
        [call] => Cow::Borrowed(&call.groups),
        calls => calls.iter().flat_map(|call| call.groups.clone()).collect(),
    };
    let tickets: Vec<&OrderTicket> = calls.iter().map(|call| &call.ticket).collect();
    let options = SendOptions {
        limit: Some(limit),
        tickets: &tickets,
    };
    match connection.send_groups(command, &groups, options).await {
        Ok(answers) => {
            let mut answers = answers.into_iter();
            let replies = calls.iter().map(|call| {
                let answers = answers.by_ref().take(call.groups.len()).collect();
                if call.ticket.is_unsettled() {
                    return Err(Error::Unsettled);
                }
                Ok(answers)
            });
            replies.collect()
        }
        Err(error) => {
            let failed = calls.iter().map(|_| Err(Error::Redis(error.clone())));
            failed.collect()
        }
    }
}

/// The same reads without a new time to live; `None` when it is not all reading.
fn without_refresh(groups: &[Group]) -> Option<Vec<Group>> {
    let plain = |group: &Group| {
        let mut commands = CommandBuffer::default();
        for command in group.commands() {
            let mut arguments = arguments_of(command);
            match (arguments.next(), arguments.next()) {
                (Some(b"GETEX"), Some(key)) => commands.add_arguments(&[b"GET", key]),
                (Some(b"GET" | b"HGETALL" | b"EXISTS" | b"PTTL" | b"LRANGE"), _) => {
                    commands.add_encoded(command);
                }
                _ => return None,
            }
        }
        Some(Group::new(commands))
    };
    groups.iter().map(plain).collect()
}

/// How the connection was lost, if it was.
fn lost(replies: &Replies) -> Option<crate::Error> {
    let is_lost = |error: &&crate::Error| matches!(error, crate::Error::Lost { .. });
    match replies {
        Err(Error::Redis(error)) => Some(error).filter(is_lost).cloned(),
        Err(_) => None,
        Ok(groups) => {
            let mut errors = groups.iter().flatten().filter_map(|it| it.as_ref().err());
            errors.find(is_lost).cloned()
        }
    }
}
