//! Reading values, and a profile along with them.

use super::call::PreparedCall;
use super::{COMMAND_BYTES, check_count, check_ttl, failure, group_for_keys, shares_its_fate};
use crate::connection::{Access, Answers, CommandBuffer, Connection, Group};
use crate::resp::{Argument, Value};
use crate::state::{Error, ValuePlace};
use crate::stored::{StoredFields, stored_fields};

/// A value to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Its key.
    pub key: Vec<u8>,
    /// Makes the value live so many seconds from now on (`GETEX`); `None` and 0 leave its time as
    /// it is.
    pub refresh_seconds: Option<u64>,
}

/// What was read.
#[derive(Debug)]
pub struct Fetched {
    /// For each [`Read`] in order: what is stored, `None` when nothing is, or why it could not be
    /// read.
    pub values: Vec<Result<Option<Vec<u8>>, Error>>,
    /// The fields of the profile, when one was asked for and there is one.
    pub profile: Option<StoredFields>,
}

/// Reads values, and the hash at `profile_key`, in one round trip.
///
/// The values are read together, so that no save can come in between (in a cluster: for each slot).
/// Repeated once when the connection was lost.
///
/// # Errors
///
/// The whole fails when Redis cannot be reached or the profile cannot be read, and for more than
/// [`MAX_KEYS`](super::MAX_KEYS) keys; what concerns one value stands in its place.
pub async fn fetch(
    connection: &Connection,
    reads: &[Read],
    profile_key: Option<&[u8]>,
) -> Result<Fetched, Error> {
    let mut users = fetch_users(connection, &[(reads, profile_key)]).await?;
    Ok(users.pop().unwrap_or(Fetched {
        values: Vec::new(),
        profile: None,
    }))
}

/// The same for several users in one round trip. Only the values of one user are read together.
pub(crate) async fn fetch_users(
    connection: &Connection,
    users: &[(&[Read], Option<&[u8]>)],
) -> Result<Vec<Fetched>, Error> {
    let count = |(reads, key): &(&[Read], Option<&[u8]>)| reads.len() + usize::from(key.is_some());
    check_count(users.iter().map(count).sum())?;
    let mut groups = Vec::with_capacity(2 * users.len());
    for (reads, profile_key) in users {
        groups.extend(groups_of(reads, *profile_key)?);
    }
    let effect = effect_of(users.iter().flat_map(|(reads, _)| *reads));
    let call = PreparedCall { groups, effect };
    let mut answers = call.send(connection, "GET").await?.into_iter();
    let fetched = users
        .iter()
        .map(|(reads, profile_key)| fetched(connection, reads, *profile_key, &mut answers));
    fetched.collect()
}

/// A read that makes a value live longer changes something.
pub(super) fn effect_of<'a>(reads: impl IntoIterator<Item = &'a Read>) -> Access {
    let changes = |read: &Read| read.refresh_seconds.is_some_and(|seconds| seconds > 0);
    if reads.into_iter().any(changes) {
        Access::Changes
    } else {
        Access::Reads
    }
}

/// Two groups: the values of one user, and the profile, which may be empty.
pub(super) fn groups_of(reads: &[Read], profile_key: Option<&[u8]>) -> Result<[Group; 2], Error> {
    let profile = group_for_keys("HGETALL", profile_key.into_iter());
    Ok([together(reads)?, profile])
}

/// What the two groups of one user were answered with.
pub(super) fn fetched(
    connection: &Connection,
    reads: &[Read],
    profile_key: Option<&[u8]>,
    answers: &mut impl Iterator<Item = Answers>,
) -> Result<Fetched, Error> {
    let values = values(connection, reads, answers.next().unwrap_or_default());
    let profile = answers.next().unwrap_or_default().pop();
    let profile = match (profile, profile_key) {
        (Some(reply), Some(key)) => fields(connection, key, reply)?,
        _ => None,
    };
    Ok(Fetched { values, profile })
}

/// What each read of a user gave. A read that was aborted because of another one tells of that one.
fn values(
    connection: &Connection,
    reads: &[Read],
    answers: Answers,
) -> Vec<Result<Option<Vec<u8>>, Error>> {
    let refused = |index: usize, source: crate::Error| {
        let key = reads.get(index).map_or(&[][..], |read| &read.key);
        let place = ValuePlace::new(index, key);
        Error::Value { place, source }
    };
    let culprit = failure(&answers).map(|(index, source)| (index, source.clone()));
    let values = answers.into_iter().enumerate().map(|(index, answer)| {
        let value = answer.and_then(|reply| value(connection, reply));
        value.map_err(|source| match &culprit {
            Some((index, culprit)) if shares_its_fate(&source) => refused(*index, culprit.clone()),
            _ => refused(index, source),
        })
    });
    values.collect()
}

fn together(reads: &[Read]) -> Result<Group, Error> {
    let bytes = reads.iter().map(|read| read.key.len() + COMMAND_BYTES);
    let mut commands = CommandBuffer::with_capacity(reads.len(), bytes.sum());
    for (index, read) in reads.iter().enumerate() {
        match check_ttl(index, &read.key, read.refresh_seconds)? {
            None => commands.add_arguments(&[b"GET", &read.key]),
            Some(seconds) => seconds.with_bytes(|seconds| {
                commands.add_arguments(&[b"GETEX", &read.key, b"EX", seconds]);
            }),
        }
    }
    Ok(Group::new(commands))
}

/// What `GET` answered.
fn value(connection: &Connection, reply: Value) -> Result<Option<Vec<u8>>, crate::Error> {
    match reply {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes)),
        _ => Err(connection.unexpected("GET")),
    }
}

fn fields(
    connection: &Connection,
    key: &[u8],
    reply: Result<Value, crate::Error>,
) -> Result<Option<StoredFields>, Error> {
    let fields = reply
        .and_then(|reply| stored_fields(reply).ok_or_else(|| connection.unexpected("HGETALL")))
        .map_err(|source| Error::Profile {
            place: ValuePlace::new(0, key),
            source,
        })?;
    Ok(Some(fields).filter(|fields| !fields.is_empty()))
}
