//! Writing what expires: first the fields, then the times to live.

use std::collections::BTreeMap;
use std::time::Duration;

use super::control::neighbour_of;
use super::script::Lifetime;
use super::{Expiry, ProfileUpdate, TtlFrom, store};
use crate::connection::{CommandBuffer, Connection};
use crate::reply::Reply;
use crate::resp::{Command, Value};
use crate::{Error, Need};

/// How often an update is written that was removed before it got its time to live.
const ATTEMPTS: u32 = 3;

/// The most fields that get a time to live with one command: the reply has a number for each.
const MAX_FIELDS: usize = 500;

const EXPIRE: &str = "PEXPIRE";
const EXPIRES_IN: &str = "PTTL";
const EXPIRE_FIELDS: &str = "HPEXPIRE";

/// What to do about a server that refuses one of these commands.
const CURE: &str = "allow it in Redis, or remove the setting";

const TTL: Need = Need {
    command: EXPIRE,
    setting: "ttl",
    cure: CURE,
};
const TTL_FROM: Need = Need {
    command: EXPIRES_IN,
    setting: "ttl_from",
    cure: CURE,
};
const FIELD_TTL: Need = Need {
    command: EXPIRE_FIELDS,
    setting: "field_ttl",
    cure: "it takes Redis 7.4 or Valkey 9: use one of them, allow the command in Redis if it is one already, or remove the setting",
};

impl Expiry {
    /// Writes updates as [`store::apply`] does, and gives what was written its times to live.
    ///
    /// These follow once the write was answered: a key that is no hash would expire too, and only the refusal of the
    /// write tells. An update is written when all was answered. A profile that was removed in between, as by the time
    /// to live that it had, is written again.
    pub(super) async fn apply<U: AsRef<ProfileUpdate>>(
        &self,
        connection: &Connection,
        updates: &[U],
    ) -> Vec<Result<(), Error>> {
        if self.is_none() {
            return store::apply(connection, updates).await;
        }
        if let Err(error) = self.probe(connection, updates).await {
            return vec![Err(error); updates.len()];
        }
        let write = ExpiringWrite {
            expiry: self,
            connection,
            updates: updates.iter().map(AsRef::as_ref).collect(),
            results: self.write(connection, updates).await,
        };
        write.finish().await
    }

    /// Writes updates, and what the script writes gets its time to live from the script.
    async fn write<U: AsRef<ProfileUpdate>>(
        &self,
        connection: &Connection,
        updates: &[U],
    ) -> Vec<Result<(), Error>> {
        let lifetime = Lifetime {
            ttl_ms: self.ttl.map_or(0, milliseconds),
            is_set_once: self.ttl_from == TtlFrom::First,
        };
        let results = store::apply_expiring(connection, updates, lifetime).await;
        let results = results.into_iter();
        results
            .map(|result| result.map_err(needed_by_script))
            .collect()
    }

    /// Fails where fields cannot expire, before one of them is written for ever: asked with each batch, since another
    /// server may answer by now.
    async fn probe<U: AsRef<ProfileUpdate>>(
        &self,
        connection: &Connection,
        updates: &[U],
    ) -> Result<(), Error> {
        let mut updates = updates.iter().map(AsRef::as_ref);
        let Some(update) = updates.find(|update| self.concerns_fields_of(update)) else {
            return Ok(());
        };
        let unused = neighbour_of(update.key(), connection.is_cluster());
        let command = Command::new(EXPIRE_FIELDS)
            .arg(unused)
            .arg(1)
            .arg("FIELDS")
            .arg(1)
            .arg("x")
            .take();
        let answer = connection.one(EXPIRE_FIELDS, command).await;
        answer.map(drop).map_err(needed)
    }
}

/// Whether an error is about a time to live, and not about what is written: it is never an update's own fault.
pub(super) fn is_about_expiry(error: &Error) -> bool {
    match error {
        Error::Needed { .. } => true,
        Error::Lost { command, .. } => [EXPIRE, EXPIRES_IN, EXPIRE_FIELDS].contains(command),
        _ => false,
    }
}

fn needed(error: Error) -> Error {
    let Error::Refused { command, .. } = &error else {
        return error;
    };
    let mut needs = [&TTL, &TTL_FROM, &FIELD_TTL].into_iter();
    let need = needs.find(|need| need.command == *command);
    match need {
        Some(need) => error.needed_by(need),
        None => error,
    }
}

/// The same of an error of the script, which begins with the command when a setting needs it.
fn needed_by_script(error: Error) -> Error {
    let Error::Refused { address, reply, .. } = &error else {
        return error;
    };
    let mut commands = [EXPIRE, EXPIRES_IN].into_iter();
    let Some(command) = commands.find(|command| *command == reply.code()) else {
        return error;
    };
    let (code, text) = reply.text().split_once(' ').unwrap_or((reply.text(), ""));
    needed(Error::Refused {
        address: address.clone(),
        command,
        reply: Reply::new(code, text),
    })
}

/// Updates that were written, and get their times to live.
struct ExpiringWrite<'a> {
    expiry: &'a Expiry,
    connection: &'a Connection,
    updates: Vec<&'a ProfileUpdate>,
    results: Vec<Result<(), Error>>,
}

impl ExpiringWrite<'_> {
    async fn finish(mut self) -> Vec<Result<(), Error>> {
        let mut written: Vec<usize> = (0..self.updates.len()).collect();
        for attempt in 1..=ATTEMPTS {
            let mut gone = self.expire_fields(&written).await;
            gone.extend(self.expire_profiles(&written).await);
            gone.sort_unstable();
            gone.dedup();
            gone.retain(|&index| self.is_written(index));
            // Whatever removes a profile time and again has removed what was written.
            if gone.is_empty() || attempt == ATTEMPTS {
                break;
            }
            self.write_again(&gone).await;
            written = gone;
        }
        self.results
    }

    fn is_written(&self, index: usize) -> bool {
        self.results.get(index).is_some_and(Result::is_ok)
    }

    async fn write_again(&mut self, indexes: &[usize]) {
        let again: Vec<_> = indexes
            .iter()
            .filter_map(|&index| self.updates.get(index).copied())
            .collect();
        let results = self.expiry.write(self.connection, &again).await;
        for (&index, result) in indexes.iter().zip(results) {
            if let Some(entry) = self.results.get_mut(index) {
                *entry = result;
            }
        }
    }

    /// Gives the profiles their time to live, and tells which of them are not there.
    async fn expire_profiles(&mut self, written: &[usize]) -> Vec<usize> {
        let Some(ttl) = self.expiry.ttl else {
            return Vec::new();
        };
        // The script has done it already, to the profile and to its clocks.
        let is_plain = |index: usize| {
            let update = self.updates.get(index);
            update.is_some_and(|update| update.merge().is_none())
        };
        let written: Vec<_> = written
            .iter()
            .copied()
            .filter(|&index| is_plain(index))
            .collect();
        let ask = |update: &ProfileUpdate, commands: &mut CommandBuffer| {
            commands.add_command(Command::new(EXPIRES_IN).arg(update.key()));
            1
        };
        let expire = |update: &ProfileUpdate, commands: &mut CommandBuffer| {
            let mut command = Command::new(EXPIRE);
            commands.add_command(command.arg(update.key()).arg(milliseconds(ttl)));
            1
        };
        let stays = |reply: &Value| matches!(reply, Value::Int(..0));
        let is_gone = |reply: &Value| *reply == Value::Int(0);
        // `PEXPIRE … NX` would be one command, but Redis 6.2 does not know it.
        match self.expiry.ttl_from {
            TtlFrom::LastIdentify => self.send(EXPIRE, &written, expire, is_gone).await,
            TtlFrom::First => {
                let without = self.send(EXPIRES_IN, &written, ask, stays).await;
                self.send(EXPIRE, &without, expire, is_gone).await
            }
        }
    }

    /// Gives fields their own time to live, which a write has taken from them, and tells of which updates some are not
    /// there.
    async fn expire_fields(&mut self, written: &[usize]) -> Vec<usize> {
        let ttls = &self.expiry.field_ttls;
        if ttls.is_empty() {
            return Vec::new();
        }
        let expire = |update: &ProfileUpdate, commands: &mut CommandBuffer| {
            let mut by_ttl: BTreeMap<Duration, Vec<&[u8]>> = BTreeMap::new();
            for (name, _) in update.fields() {
                if let Some(ttl) = ttls.of(name) {
                    by_ttl.entry(ttl).or_default().push(name);
                }
            }
            let mut added = 0;
            for (ttl, names) in by_ttl {
                for names in names.chunks(MAX_FIELDS) {
                    let mut command = Command::new(EXPIRE_FIELDS);
                    command.arg(update.key()).arg(milliseconds(ttl));
                    command.arg("FIELDS").arg(names.len()).args(names);
                    commands.add_command(&command);
                    added += 1;
                }
            }
            added
        };
        let is_gone = |reply: &Value| match reply {
            Value::Array(replies) => replies.iter().any(|reply| *reply != Value::Int(1)),
            _ => true,
        };
        self.send(EXPIRE_FIELDS, written, expire, is_gone).await
    }

    /// Sends what `push` adds for each of these updates, as far as they are written: it gives the number of commands.
    /// The updates of which a command is refused get its error. Those of which a reply is `found` are returned.
    async fn send(
        &mut self,
        command: &'static str,
        indexes: &[usize],
        push: impl Fn(&ProfileUpdate, &mut CommandBuffer) -> usize,
        found: impl Fn(&Value) -> bool,
    ) -> Vec<usize> {
        let mut commands = CommandBuffer::default();
        let mut sent = Vec::with_capacity(indexes.len());
        for &index in indexes.iter().filter(|&&index| self.is_written(index)) {
            if let Some(update) = self.updates.get(index) {
                sent.push((index, push(update, &mut commands)));
            }
        }
        if commands.len() == 0 {
            return Vec::new();
        }
        let replies = self.connection.send_while_moving(command, commands).await;
        let mut replies = replies.into_iter();
        let mut all_found = Vec::new();
        for (index, commands) in sent {
            let mut is_found = false;
            for reply in replies.by_ref().take(commands) {
                match (reply, self.results.get_mut(index)) {
                    (Ok(reply), _) => is_found |= found(&reply),
                    (Err(error), Some(entry)) => *entry = Err(needed(error)),
                    (Err(_), None) => {}
                }
            }
            if is_found && self.is_written(index) {
                all_found.push(index);
            }
        }
        all_found
    }
}

fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)
}
