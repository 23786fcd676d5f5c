//! Reading many profiles by their keys in one round trip.

use super::DataType;
use crate::Error;
use crate::connection::Connection;
use crate::resp::{Pipeline, Value};
use crate::stored::{StoredFields, stored_fields};

/// What is stored at a profile's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredProfile {
    /// Nothing.
    Absent,
    /// A hash.
    Fields(StoredFields),
    /// A JSON document: its text.
    Document(Vec<u8>),
    /// Something else, or what this user may not read: Redis' answer.
    Refused(String),
}

/// Reads what is stored at these keys (`HGETALL`, or `JSON.GET`), one for each of them in order. They are all in memory
/// together, so give it some hundred at a time.
///
/// # Errors
/// Those of the connection. What Redis refuses to show of one key is [`StoredProfile::Refused`].
pub async fn read_many(
    connection: &Connection,
    data_type: DataType,
    keys: &[Vec<u8>],
) -> Result<Vec<StoredProfile>, Error> {
    let command = match data_type {
        DataType::Hash => "HGETALL",
        DataType::Json => "JSON.GET",
    };
    let mut pipeline = Pipeline::new();
    for key in keys {
        pipeline.cmd(command).arg(key);
    }
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let replies = connection.send(command, &pipeline).await?.into_iter();
    replies
        .map(|reply| stored(connection, command, reply))
        .collect()
}

fn stored(
    connection: &Connection,
    command: &'static str,
    reply: Result<Value, Error>,
) -> Result<StoredProfile, Error> {
    match reply {
        Ok(Value::Nil) => Ok(StoredProfile::Absent),
        Ok(Value::BulkString(json)) => Ok(StoredProfile::Document(json)),
        Ok(reply) => {
            let fields = stored_fields(reply).ok_or_else(|| connection.unexpected(command))?;
            Ok(if fields.is_empty() {
                StoredProfile::Absent
            } else {
                StoredProfile::Fields(fields)
            })
        }
        Err(Error::Refused { reply, .. }) => Ok(StoredProfile::Refused(reply.to_string())),
        Err(error) => Err(error),
    }
}
