//! How long the fields of a profile stay.

use std::time::Duration;

use super::Layout;
use crate::Error;
use crate::connection::Connection;
use crate::resp::{Pipeline, Value};

/// The most fields that are asked for with one command: the reply has a number for each.
const MAX_FIELDS: usize = 500;

/// How long Redis will keep each of these fields of a user's profile (`HPTTL`); `None` for those that stay as long as
/// the profile, and for those that are not there.
///
/// # Errors
/// Also that of a server that does not know times to live of fields: those before Redis 7.4 and Valkey 9.
pub async fn fields_expire_in<N: AsRef<[u8]>>(
    connection: &Connection,
    layout: &Layout,
    user_id: &str,
    names: &[N],
) -> Result<Vec<Option<Duration>>, Error> {
    const COMMAND: &str = "HPTTL";
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let key = layout.key(user_id);
    let mut pipeline = Pipeline::new();
    for share in names.chunks(MAX_FIELDS) {
        let command = pipeline
            .cmd(COMMAND)
            .arg(&key)
            .arg("FIELDS")
            .arg(share.len());
        for name in share {
            command.arg(name.as_ref());
        }
    }
    let mut times = Vec::with_capacity(names.len());
    for reply in connection.send(COMMAND, &pipeline).await? {
        let Value::Array(replies) = reply? else {
            return Err(connection.unexpected(COMMAND));
        };
        times.extend(replies.into_iter().map(|reply| match reply {
            Value::Int(left) => u64::try_from(left).ok().map(Duration::from_millis),
            _ => None,
        }));
    }
    times.resize(names.len(), None);
    Ok(times)
}
