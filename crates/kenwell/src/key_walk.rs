//! A walk over the keys of a Redis that match a pattern, one master of a cluster after the other.

use std::collections::BTreeSet;

use crate::Error;
use crate::connection::{Connection, slot_of};
use crate::resp::{Pipeline, Value};

/// How many keys Redis looks at for one page.
const KEYS_A_PAGE: usize = 500;

/// More tags than it takes to reach every slot of a cluster.
const MAX_TAG: u32 = 2_000_000;

/// Reads which keys there are, page by page (`SCAN`).
///
/// What is there from the beginning to the end of the walk is found; what comes or goes meanwhile may be. A key can be found
/// twice while others are added. A cluster that moves slots between its masters meanwhile may hide what is moved.
#[derive(Debug)]
pub struct KeyWalk {
    connection: Connection,
    pattern: String,
    /// For each server that was not walked to its end a key that it holds, or would hold.
    servers: Vec<Vec<u8>>,
    cursor: Vec<u8>,
}

impl KeyWalk {
    /// Begins a walk over the keys that match a pattern as `SCAN` takes it.
    ///
    /// # Errors
    /// Those of a cluster that does not tell its slots.
    pub async fn new(connection: Connection, pattern: impl Into<String>) -> Result<Self, Error> {
        let servers = if connection.is_cluster() {
            let slots = connection.uncovered(&BTreeSet::new()).await?;
            slots.into_iter().filter_map(key_in).collect()
        } else {
            vec![Vec::new()]
        };
        Ok(Self {
            connection,
            pattern: pattern.into(),
            servers,
            cursor: b"0".to_vec(),
        })
    }

    /// The next page, which may be empty; `None` at the end. Some hundred keys at most, unless Redis has it otherwise.
    ///
    /// # Errors
    /// Those of the connection, and of a user who may not ask. Asked again, it goes on where it was.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Vec<u8>>>, Error> {
        let Some(server) = self.servers.last() else {
            return Ok(None);
        };
        let mut pipeline = Pipeline::new();
        let command = pipeline.cmd("SCAN").arg(&self.cursor);
        command.arg("MATCH").arg(&self.pattern);
        command.arg("COUNT").arg(KEYS_A_PAGE);
        let replies = self.connection.send_to_holder(server, "SCAN", &pipeline);
        let reply = replies.await?.into_iter().next();
        let unexpected = || self.connection.unexpected("SCAN");
        let (cursor, keys) = page(reply.ok_or_else(unexpected)??).ok_or_else(unexpected)?;
        if cursor == b"0" {
            self.servers.pop();
        }
        self.cursor = cursor;
        Ok(Some(keys))
    }
}

/// The cursor to go on with, and the keys.
fn page(reply: Value) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let Value::Array(parts) = reply else {
        return None;
    };
    let mut parts = parts.into_iter();
    let (Some(Value::BulkString(cursor)), Some(Value::Array(keys))) = (parts.next(), parts.next())
    else {
        return None;
    };
    let keys = keys.into_iter().map(|key| match key {
        Value::BulkString(key) => Some(key),
        _ => None,
    });
    Some((cursor, keys.collect::<Option<_>>()?))
}

/// The pattern that matches this text and nothing else: what a glob gives a meaning is escaped.
pub fn literal_pattern(text: &str) -> String {
    let mut glob = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '\\') {
            glob.push('\\');
        }
        glob.push(character);
    }
    glob
}

/// A key in a slot of a cluster.
fn key_in(slot: u16) -> Option<Vec<u8>> {
    let mut keys = (0..MAX_TAG).map(|tag| tag.to_string().into_bytes());
    keys.find(|key| slot_of(key) == slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_a_key() {
        for slot in [0, 1, 8_191, 16_383] {
            assert_eq!(slot_of(&key_in(slot).unwrap()), slot);
        }
    }

    #[test]
    fn only_a_cursor_and_keys_are_a_page() {
        let text = |text: &str| Value::BulkString(text.into());
        let keys = Value::Array(vec![text("a"), text("b")]);
        let whole = page(Value::Array(vec![text("7"), keys.clone()]));
        assert_eq!(
            whole,
            Some((b"7".to_vec(), vec![b"a".to_vec(), b"b".to_vec()]))
        );
        assert_eq!(page(Value::Array(vec![text("7")])), None);
        assert_eq!(page(Value::Array(vec![keys.clone(), keys])), None);
        assert_eq!(page(Value::Okay), None);
    }
}
