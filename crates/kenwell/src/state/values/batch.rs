//! Calls of many users in one round trip.

use futures_util::future::join_all;

use super::call::{PreparedCall, send_all};
use super::compare::Comparison;
use super::{Expected, Fetched, Read, Write, read, remove, write};
use crate::connection::{Answers, Connection};
use crate::state::Error;

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// As [`fetch`](super::fetch).
    Fetch {
        /// The values of one user.
        reads: Vec<Read>,
        /// The key of the profile to read along with them.
        profile_key: Option<Vec<u8>>,
    },
    /// As [`store`](super::store).
    Store {
        /// The values of one user.
        writes: Vec<Write>,
    },
    /// As [`store_unchanged`](super::store_unchanged).
    StoreUnchanged {
        /// What must still be stored.
        expected: Vec<Expected>,
        /// What to write then.
        writes: Vec<Write>,
    },
    /// As [`remove`](super::remove()).
    Remove {
        /// The keys of one user.
        keys: Vec<Vec<u8>>,
    },
}

/// What became of a [`Request`].
#[derive(Debug)]
pub enum Answer {
    /// What was read.
    Fetched(Fetched),
    /// Everything was written.
    Stored,
    /// Everything was written, or nothing, because something else was stored than expected.
    Compared {
        /// Whether it was written.
        stored: bool,
    },
    /// How many values were there and are not any more.
    Removed(u64),
}

/// Executes requests, and gives one result for each, in their order.
///
/// They share one pipeline, but for [`Request::StoreUnchanged`], which must not be repeated with the
/// others when the connection was lost. Each is executed as if it had come alone: none fails because
/// of another one. All of them begin at once, in their order.
pub async fn execute(connection: &Connection, requests: &[Request]) -> Vec<Result<Answer, Error>> {
    let limit = connection.limit();
    let prepared: Vec<_> = requests.iter().map(|it| prepare(connection, it)).collect();
    let entries = prepared.iter().flatten().map(|prepared| match prepared {
        Prepared::Call(call) => call.entry(connection),
        Prepared::Comparison(comparison) => comparison.entry(connection),
    });
    let mut tickets = connection.order().begin(entries, limit).into_iter();
    if let Err(closed) = connection.check_open() {
        let closed = requests.iter().map(|_| Err(Error::Redis(closed.clone())));
        return closed.collect();
    }
    let (mut calls, mut comparisons) = (Vec::with_capacity(requests.len()), Vec::new());
    // Of each request, why it was not sent, if it was not.
    let mut sent = Vec::with_capacity(requests.len());
    for prepared in prepared {
        sent.push(match prepared {
            Err(unsent) => Err(unsent),
            Ok(prepared) => {
                let ticket = tickets.next();
                match prepared {
                    Prepared::Call(call) => calls.extend(ticket.map(|ticket| call.begun(ticket))),
                    Prepared::Comparison(comparison) => {
                        comparisons.extend(ticket.map(|ticket| (comparison, [ticket])));
                    }
                }
                Ok(())
            }
        });
    }
    let comparisons = comparisons.into_iter();
    let comparisons: Vec<_> = comparisons
        .map(async |(comparison, tickets)| comparison.send(connection, &tickets, limit).await)
        .collect();
    let calls = send_all(connection, "GET or SET", calls, limit);
    let (calls, compared) = tokio::join!(calls, join_all(comparisons));
    let (mut calls, mut compared) = (calls.into_iter(), compared.into_iter());
    let results = requests.iter().zip(sent).map(|(request, sent)| {
        sent?;
        if matches!(request, Request::StoreUnchanged { .. }) {
            let stored = compared.next().unwrap_or(Ok(true))?;
            return Ok(Answer::Compared { stored });
        }
        let replies = calls.next().unwrap_or_else(|| Ok(Vec::new()))?;
        answer(connection, request, &mut replies.into_iter())
    });
    results.collect()
}

enum Prepared<'a> {
    Call(PreparedCall),
    Comparison(Comparison<'a>),
}

fn prepare<'a>(connection: &Connection, request: &'a Request) -> Result<Prepared<'a>, Error> {
    Ok(Prepared::Call(match request {
        Request::Fetch { reads, profile_key } => PreparedCall {
            groups: read::groups_of(reads, profile_key.as_deref())?.into(),
            effect: read::effect_of(reads),
        },
        Request::Store { writes } => PreparedCall::changing(write::group_of(writes)?),
        Request::Remove { keys } => PreparedCall::changing(remove::group_of(keys)?),
        Request::StoreUnchanged { expected, writes } => {
            let comparison = Comparison::new(connection, expected, writes)?;
            return Ok(Prepared::Comparison(comparison));
        }
    }))
}

fn answer(
    connection: &Connection,
    request: &Request,
    answers: &mut impl Iterator<Item = Answers>,
) -> Result<Answer, Error> {
    match request {
        Request::Fetch { reads, profile_key } => {
            read::fetched(connection, reads, profile_key.as_deref(), answers).map(Answer::Fetched)
        }
        Request::Store { writes } => {
            let answers = answers.next().unwrap_or_default();
            write::stored(writes, &answers).map(|()| Answer::Stored)
        }
        Request::Remove { keys } => {
            let answers = answers.next().unwrap_or_default();
            remove::removed(keys, &answers).map(Answer::Removed)
        }
        Request::StoreUnchanged { .. } => Ok(Answer::Compared { stored: false }),
    }
}
