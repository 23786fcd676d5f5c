//! Writing whole values.

use super::call::PreparedCall;
use super::{COMMAND_BYTES, check_count, check_ttl, refused};
use crate::connection::{Answers, CommandBuffer, Connection, Group};
use crate::resp::{Argument, Value};
use crate::state::Error;

/// A value to write.
#[derive(Clone, PartialEq, Eq)]
pub struct Write {
    /// Its key.
    pub key: Vec<u8>,
    /// All of it; what was stored before is replaced, whatever its type.
    pub value: Vec<u8>,
    /// How long Redis keeps it, in seconds; `None` and 0 mean for ever, also when it had a time to
    /// live before.
    pub ttl_seconds: Option<u64>,
}

impl std::fmt::Debug for Write {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Write")
            .field("key", &String::from_utf8_lossy(&self.key))
            .field("value", &format_args!("{} bytes", self.value.len()))
            .field("ttl_seconds", &self.ttl_seconds)
            .finish()
    }
}

/// Writes values together, in one round trip: all of them or none.
///
/// In a cluster that holds for the keys of each slot, and not while that slot is being moved to
/// another node. Repeated once when the connection was lost: whole values can be written twice.
///
/// # Errors
///
/// [`Error::Value`] names the entry that was refused and why. [`Error::Redis`] means that there was no
/// answer: the values may or may not have been written. [`Error::Overtaken`]: neither is that known, and
/// something newer was written since.
pub async fn store(connection: &Connection, writes: &[Write]) -> Result<(), Error> {
    let call = PreparedCall::changing(group_of(writes)?);
    let answers = call.send(connection, "SET").await?;
    stored(writes, &answers.into_iter().next().unwrap_or_default())
}

pub(super) fn group_of(writes: &[Write]) -> Result<Group, Error> {
    check_count(writes.len())?;
    let bytes = writes
        .iter()
        .map(|write| write.key.len() + write.value.len() + COMMAND_BYTES);
    let mut commands = CommandBuffer::with_capacity(writes.len(), bytes.sum());
    for (index, write) in writes.iter().enumerate() {
        match check_ttl(index, &write.key, write.ttl_seconds)? {
            None => commands.add_arguments(&[b"SET", &write.key, &write.value]),
            Some(seconds) => seconds.with_bytes(|seconds| {
                commands.add_arguments(&[b"SET", &write.key, &write.value, b"EX", seconds]);
            }),
        }
    }
    Ok(Group::new(commands))
}

/// What the group of these writes was answered with.
pub(super) fn stored(writes: &[Write], answers: &Answers) -> Result<(), Error> {
    refused(answers, 1, |index| writes.get(index).map(|it| &it.key[..]))?;
    if answers.len() == writes.len() && answers.iter().all(is_ok) {
        return Ok(());
    }
    // Neither confirmed nor refused, so it was not saved as far as anybody knows.
    Err(Error::Redis(crate::Error::Unexpected {
        address: "the server".into(),
        command: "SET",
    }))
}

fn is_ok(answer: &Result<Value, crate::Error>) -> bool {
    matches!(answer, Ok(Value::Okay))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ok_is_ok() {
        let write = Write {
            key: b"k".to_vec(),
            value: Vec::new(),
            ttl_seconds: None,
        };
        let writes = [write.clone(), write];
        let queued = || Ok(Value::SimpleString("QUEUED".to_owned()));
        assert!(stored(&writes, &vec![Ok(Value::Okay), Ok(Value::Okay)]).is_ok());
        for answers in [
            vec![],
            vec![Ok(Value::Okay)],
            vec![Ok(Value::Okay), Ok(Value::Nil)],
            vec![Ok(Value::Okay), queued()],
        ] {
            let error = stored(&writes, &answers).unwrap_err();
            assert!(matches!(error, Error::Redis(_)), "{error}");
        }
    }
}
