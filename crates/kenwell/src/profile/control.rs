//! Controls of an experiment: writes that change nothing, to see whether Redis takes other writes than the suspect.

use super::update::Merging;
use super::{ProfileUpdate, script};
use crate::connection::{Connection, Group, SendOptions, slot_of};
use crate::resp::{Command, Pipeline, Value};
use crate::{Class, Error};

/// The most bytes of one value that a control writes: far below every limit on single values.
pub(super) const CONTROL_VALUE: usize = 32 * 1024;

/// What was written before, and nothing to its key since: writing it again changes nothing.
#[derive(Clone)]
pub(super) struct Sample {
    pub(super) key: Vec<u8>,
    command: Command,
    bytes: usize,
}

impl Sample {
    /// Of an update that was written; `None` when writing a part of it again is more than one small command. Of a hash
    /// only a field that `may_stay`.
    pub(super) fn of(
        update: &ProfileUpdate,
        limit: usize,
        may_stay: impl Fn(&[u8]) -> bool,
    ) -> Option<Self> {
        let (command, bytes) = match update.merge() {
            // Whole: it may have been older than what is stored, and to set its field again would put that back.
            Some(merge) if update.bytes() <= limit => {
                let stays = update.fields().all(|(name, _)| may_stay(name));
                (stays.then(|| script::whole(update, merge))?, update.bytes())
            }
            Some(_) => return None,
            None => Self::part(update, may_stay)?,
        };
        (bytes <= limit).then(|| Self {
            key: update.key().to_vec(),
            command,
            bytes: update.key().len() + bytes,
        })
    }

    /// A command that writes a part of an update again, and the bytes that it writes.
    fn part(update: &ProfileUpdate, may_stay: impl Fn(&[u8]) -> bool) -> Option<(Command, usize)> {
        let mut fields = update.fields();
        let (name, value) = fields.find(|(name, _)| may_stay(name))?;
        let mut command = Command::default();
        match update.merging() {
            None => command.arg("HSET").arg(update.key()).arg(name).arg(value),
            Some(Merging::InRedis) if fields.len() == 0 => {
                let command = command.arg("JSON.MERGE").arg(update.key());
                command.arg("$").arg(value)
            }
            Some(_) => return None,
        };
        Some((command, name.len() + value.len()))
    }
}

/// Writes something into an unused key, as an update is written.
pub(super) fn write_unused(key: &[u8], update: &ProfileUpdate, bytes: usize) -> Command {
    let value = vec![b'x'; bytes];
    let mut command = Command::default();
    if update.merging().is_none() {
        command.arg("HSET").arg(key).arg("x").arg(value);
    } else {
        let json = [b"\"", &value[..], b"\""].concat();
        command.arg("JSON.SET").arg(key).arg("$").arg(json);
    }
    command
}

pub(super) fn delete(key: &[u8]) -> Command {
    Command::new("DEL").arg(key).take()
}

/// Executes two commands as one transaction; the first refusal is the result.
pub(super) async fn send_group(
    connection: &Connection,
    commands: [Command; 2],
) -> Result<(), Error> {
    let group: Group = commands.into_iter().collect();
    let answers = connection
        .send_groups("HSET", &[group], SendOptions::default())
        .await?;
    let mut answers = answers.into_iter().flatten();
    answers.try_for_each(|reply| reply.map(drop))
}

/// Writes the sample again, unless it was deleted, as often as it takes to send so many bytes.
pub(super) async fn write_sample(
    connection: &Connection,
    sample: &Sample,
    bytes: usize,
) -> Result<(), Error> {
    /// In one pipeline.
    const TOGETHER: usize = 1_000;
    let question = Command::new("PTTL").arg(&sample.key).take();
    let expires_in = match connection.one("PTTL", question).await {
        Ok(Value::Int(-2)) => return Err(connection.unexpected("PTTL")),
        Ok(Value::Int(left)) if left >= 0 => Some(left),
        Ok(_) => None,
        // A user that may not ask writes it all the same.
        Err(error) if error.is_answer() && error.class() == Class::Configuration => None,
        Err(error) => return Err(error),
    };
    let mut rest = bytes.div_ceil(sample.bytes.max(1)).max(1);
    while rest > 0 {
        let mut pipeline = Pipeline::new();
        let now = rest.min(TOGETHER);
        for _time in 0..now {
            pipeline.add_command(sample.command.clone());
        }
        // Should it expire meanwhile, what is written is a profile of its own, and must not stay.
        if let Some(left) = expires_in {
            pipeline.cmd("PEXPIRE").arg(&sample.key).arg(left);
        }
        let replies = connection.send("HSET", &pipeline).await?;
        replies.into_iter().try_for_each(|reply| reply.map(drop))?;
        rest -= now;
    }
    Ok(())
}

/// An unused key beside this one: the same beginning, so that it is permitted where this one
/// is, and in a cluster the same slot, so that the same server has it.
pub(super) fn neighbour_of(key: &[u8], same_slot: bool) -> Vec<u8> {
    let mut suffix = u128::from_ne_bytes(random::<16>());
    loop {
        let neighbour = [key, format!(":kenwell-control:{suffix:032x}").as_bytes()].concat();
        if !same_slot || slot_of(&neighbour) == slot_of(key) {
            return neighbour;
        }
        suffix = suffix.wrapping_add(1);
    }
}

pub(super) fn random<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::debug!(%error, "no random bytes");
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_has_the_same_beginning_and_the_same_slot() {
        for key in ["user:u1", "app:user:{x}1", ""] {
            let neighbour = neighbour_of(key.as_bytes(), true);
            assert!(neighbour.starts_with(key.as_bytes()));
            assert_eq!(slot_of(&neighbour), slot_of(key.as_bytes()), "{key}");
            assert_ne!(neighbour, neighbour_of(key.as_bytes(), true));
        }
    }
}
