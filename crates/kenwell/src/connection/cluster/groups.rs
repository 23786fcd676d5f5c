//! Groups of commands in a cluster: one transaction for each slot.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;

use super::super::command_buffer::{CommandBuffer, key_of};
use super::super::deadline::Deadline;
use super::super::group::{Answers, Group};
use super::super::slot::slot_of;
use super::super::slot_map::Redirection;
use super::routed_command::unrouted;
use super::{Cluster, MAX_REDIRECTIONS, ReplyDeadline, within};
use crate::Error;

/// The commands of one group whose keys share a slot, and their places in the group.
struct SlotGroup<'a> {
    group: usize,
    slot: u16,
    places: Vec<usize>,
    commands: Vec<&'a [u8]>,
}

/// What a node that did not execute a transaction wants.
enum SlotMove {
    /// It belongs to another node.
    Moved(Redirection),
    /// The slot is being moved, so its keys are on two nodes.
    InProgress,
}

impl Cluster {
    /// Sends groups, cut by slot, and gives what each command answered.
    ///
    /// While a slot moves from one node to another no transaction on it can be executed; its
    /// commands are then sent one by one.
    pub(in crate::connection) async fn send_groups(
        &self,
        command: &'static str,
        groups: &[Group],
        limit: Option<Deadline>,
    ) -> Result<Vec<Answers>, Error> {
        let (mut single, mut together) = (Vec::new(), Vec::new());
        for part in parts(groups) {
            let side = if part.commands.len() == 1 {
                &mut single
            } else {
                &mut together
            };
            side.push(part);
        }
        let alone: Vec<&[u8]> = single
            .iter()
            .flat_map(|part| part.commands.clone())
            .collect();
        let transactions = join_all(
            together
                .iter()
                .map(|part| self.transact(command, part, limit)),
        );
        let (alone, transactions) =
            tokio::join!(self.send_all(command, &alone, limit), transactions);
        let mut answers: Vec<Answers> = groups
            .iter()
            .map(|group| vec![Err(unrouted(command)); group.len()])
            .collect();
        let alone = alone?.into_iter().map(|answer| Ok(vec![answer]));
        for (part, found) in single
            .iter()
            .chain(&together)
            .zip(alone.chain(transactions))
        {
            let Some(group) = answers.get_mut(part.group) else {
                continue;
            };
            for (place, answer) in part.places.iter().zip(found?) {
                if let Some(slot) = group.get_mut(*place) {
                    *slot = answer;
                }
            }
        }
        Ok(answers)
    }

    /// Executes commands of one slot together, at whichever node has it.
    async fn transact(
        &self,
        command: &'static str,
        part: &SlotGroup<'_>,
        limit: Option<Deadline>,
    ) -> Result<Answers, Error> {
        let map = self.topology.current(limit).await?;
        let mut address = Arc::clone(map.node(part.slot).ok_or_else(|| unrouted(command))?);
        let group = [Group::new(together(&part.commands))];
        let mut answers = Answers::new();
        for _redirection in 0..=MAX_REDIRECTIONS {
            let node = self.node(&address)?;
            answers = match node.send_groups(command, &group, within(limit)).await {
                Ok(mut groups) => groups.pop().unwrap_or_default(),
                Err(error) => {
                    self.topology.doubt(&address, &error);
                    return Ok(vec![Err(error); part.commands.len()]);
                }
            };
            for error in answers.iter().filter_map(|answer| answer.as_ref().err()) {
                self.topology.doubt(&address, error);
            }
            match self.slot_move(&answers, &address) {
                None => break,
                Some(SlotMove::InProgress) => {
                    return self.send_all(command, &part.commands, limit).await;
                }
                Some(SlotMove::Moved(redirection)) => {
                    self.topology.moved(&redirection);
                    address = redirection.address.into();
                }
            }
        }
        Ok(answers)
    }

    fn slot_move(&self, answers: &Answers, asked: &str) -> Option<SlotMove> {
        let topology = &self.topology;
        answers.iter().find_map(|answer| match answer {
            Err(Error::Refused { reply, .. }) => match reply.code() {
                "MOVED" => topology.redirection(reply, asked).map(SlotMove::Moved),
                "ASK" | "TRYAGAIN" => Some(SlotMove::InProgress),
                _ => None,
            },
            _ => None,
        })
    }

    async fn send_all(
        &self,
        command: &'static str,
        commands: &[&[u8]],
        limit: Option<Deadline>,
    ) -> Result<Answers, Error> {
        self.send_all_of(command, &together(commands), ReplyDeadline::Until(limit))
            .await
    }
}

/// Encoded commands, one after the other.
fn together(commands: &[&[u8]]) -> CommandBuffer {
    let bytes = commands.iter().map(|command| command.len()).sum();
    let mut buffer = CommandBuffer::with_capacity(commands.len(), bytes);
    for command in commands {
        buffer.add_encoded(command);
    }
    buffer
}

/// Cuts groups so that the commands of each part have one slot.
fn parts(groups: &[Group]) -> Vec<SlotGroup<'_>> {
    let mut parts = Vec::new();
    for (group, commands) in groups.iter().enumerate() {
        let mut by_slot: BTreeMap<u16, SlotGroup<'_>> = BTreeMap::new();
        for (place, command) in commands.commands().enumerate() {
            let slot = slot_of(key_of(command));
            let part = by_slot.entry(slot).or_insert_with(|| SlotGroup {
                group,
                slot,
                places: Vec::new(),
                commands: Vec::new(),
            });
            part.places.push(place);
            part.commands.push(command);
        }
        parts.extend(by_slot.into_values());
    }
    parts
}
