//! Calls of many users in one round trip.

use futures_util::future::join_all;

use super::{
    Expected, Fetched, Read, Write, read, remove, send_repeatable, store_unchanged, write,
};
use crate::connection::{Answers, Connection, Group};
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
    /// As [`store_unchanged`].
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
/// of another one.
pub async fn execute(connection: &Connection, requests: &[Request]) -> Vec<Result<Answer, Error>> {
    let compared = requests.iter().filter_map(|request| match request {
        Request::StoreUnchanged { expected, writes } => {
            Some(store_unchanged(connection, expected, writes))
        }
        _ => None,
    });
    // Most batches have none, and need no second future.
    let compared: Vec<_> = compared.collect();
    let (answers, compared) = tokio::join!(together(connection, requests), join_all(compared));
    let mut answers = answers.into_iter();
    let mut compared = compared.into_iter();
    let results = requests.iter().map(|request| match request {
        Request::StoreUnchanged { .. } => {
            let result = compared.next().unwrap_or(Ok(false));
            result.map(|stored| Answer::Compared { stored })
        }
        _ => answers.next().unwrap_or(Ok(Answer::Stored)),
    });
    results.collect()
}

/// All but the comparing ones, in one pipeline.
async fn together(connection: &Connection, requests: &[Request]) -> Vec<Result<Answer, Error>> {
    let mut groups = Vec::with_capacity(2 * requests.len());
    // Of each request, why it was not sent, if it was not.
    let mut sent = Vec::with_capacity(requests.len());
    for request in requests {
        if !matches!(request, Request::StoreUnchanged { .. }) {
            sent.push((request, push_groups(request, &mut groups)));
        }
    }
    let answers = if groups.is_empty() {
        Ok(Vec::new())
    } else {
        send_repeatable(connection, "GET or SET", &groups).await
    };
    let mut answers = answers.map(Vec::into_iter);
    let results = sent.into_iter().map(|(request, pushed)| {
        pushed?;
        match &mut answers {
            Ok(answers) => answer(connection, request, answers),
            Err(error) => Err(Error::Redis(error.clone())),
        }
    });
    results.collect()
}

fn push_groups(request: &Request, groups: &mut Vec<Group>) -> Result<(), Error> {
    match request {
        Request::Fetch { reads, profile_key } => {
            groups.extend(read::groups_of(reads, profile_key.as_deref())?);
        }
        Request::Store { writes } => groups.push(write::group_of(writes)?),
        Request::Remove { keys } => groups.push(remove::group_of(keys)?),
        Request::StoreUnchanged { .. } => {}
    }
    Ok(())
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
