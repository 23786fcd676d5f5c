//! Controls of an experiment: writes that change nothing, to see whether Redis takes other writes than the suspect.

use super::script::Lifetime;
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
    write: SampleWrite,
    bytes: usize,
}

/// How it is written again.
#[derive(Clone)]
enum SampleWrite {
    /// With this command.
    Command(Command),
    /// By the script, which also says when the profile and its clocks expire: one without the other would stay.
    Script(Box<ProfileUpdate>),
}

impl Sample {
    /// Of an update that was written; `None` when writing a part of it again is more than one small command. Of a hash
    /// only a field that `may_stay`.
    pub(super) fn of(
        update: &ProfileUpdate,
        limit: usize,
        may_stay: impl Fn(&[u8]) -> bool,
    ) -> Option<Self> {
        let (write, bytes) = match update.merge() {
            // Whole: it may have been older than what is stored, and to set its field again would put that back.
            Some(_) if update.bytes() <= limit => {
                let stays = update.fields().all(|(name, _)| may_stay(name));
                let again = stays.then(|| Box::new(update.clone()))?;
                (SampleWrite::Script(again), update.bytes())
            }
            Some(_) => return None,
            None => {
                let (command, bytes) = Self::part(update, may_stay)?;
                (SampleWrite::Command(command), bytes)
            }
        };
        (bytes <= limit).then(|| Self {
            key: update.key().to_vec(),
            write,
            bytes: update.key().len() + bytes,
        })
    }

    /// The commands that write it so many times, and leave its key with what it had left until it expires. Should that be
    /// over by then, what they write is a profile of its own, which must not stay either.
    fn again(&self, times: usize, expires_in: Option<u64>) -> Pipeline {
        let mut pipeline = Pipeline::new();
        let command = match &self.write {
            SampleWrite::Command(command) => command.clone(),
            SampleWrite::Script(update) => {
                let lifetime = Lifetime {
                    ttl_ms: expires_in.map_or(0, |left| left.max(1)),
                    is_set_once: true,
                };
                script::whole(update, lifetime)
            }
        };
        for _time in 0..times {
            pipeline.add_command(command.clone());
        }
        if let (SampleWrite::Command(_), Some(left)) = (&self.write, expires_in) {
            pipeline.cmd("PEXPIRE").arg(&self.key).arg(left);
        }
        pipeline
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
        Ok(Value::Int(left)) => u64::try_from(left).ok(),
        Ok(_) => None,
        // A user that may not ask writes it all the same.
        Err(error) if error.is_answer() && error.class() == Class::Configuration => None,
        Err(error) => return Err(error),
    };
    let mut rest = bytes.div_ceil(sample.bytes.max(1)).max(1);
    while rest > 0 {
        let now = rest.min(TOGETHER);
        let pipeline = sample.again(now, expires_in);
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
    use std::time::Duration;

    use super::*;
    use crate::profile::{Flattener, Layout, Order, Receipt, Rules, update};

    #[test]
    fn a_neighbour_has_the_same_beginning_and_the_same_slot() {
        for key in ["user:u1", "app:user:{x}1", ""] {
            let neighbour = neighbour_of(key.as_bytes(), true);
            assert!(neighbour.starts_with(key.as_bytes()));
            assert_eq!(slot_of(&neighbour), slot_of(key.as_bytes()), "{key}");
            assert_ne!(neighbour, neighbour_of(key.as_bytes(), true));
        }
    }

    #[test]
    fn a_sample_that_expires_while_it_is_written_again_leaves_nothing_behind() {
        let layout = Layout {
            rules: Rules {
                order: Order::ByEventTime {
                    clock_tolerance: Duration::from_mins(5),
                },
                ..Rules::default()
            },
            ..Layout::default()
        };
        let event = br#"{"userId":"u1","traits":{"a":1}}"#;
        let by_time = Flattener::default().received(event, &layout, &Receipt::default());
        let commands = |update: &ProfileUpdate, expires_in| {
            let sample = Sample::of(update, 1_024, |_| true).unwrap();
            let again = sample.again(2, expires_in);
            let packed: Vec<u8> = again.commands().flat_map(Command::encoded).collect();
            String::from_utf8_lossy(&packed).into_owned()
        };
        let by_time = by_time.unwrap();
        // The script gives both keys their time, in the step that makes them.
        for (left, argument) in [
            (Some(0), "1 1 1 0"),
            (Some(70), "1 70 1 0"),
            (None, "1 0 1 0"),
        ] {
            let written = commands(&by_time, left);
            assert_eq!(written.matches("kenwell:clocks:{user:u1}").count(), 2);
            assert_eq!(written.matches(argument).count(), 2, "{written}");
            assert!(!written.contains("PEXPIRE"), "{written}");
        }
        let plain = update(event, &Layout::default()).unwrap();
        assert_eq!(commands(&plain, Some(70)).matches("PEXPIRE").count(), 1);
        assert_eq!(commands(&plain, None).matches("PEXPIRE").count(), 0);
    }
}
