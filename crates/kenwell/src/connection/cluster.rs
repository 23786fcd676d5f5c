//! Pipelines for a Redis Cluster: each command to the node that has its key, redirections followed.

mod groups;
mod routed_command;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;

use self::routed_command::{RoutedCommand, by_node, pack, unrouted};
use super::Settings;
use super::address_map::AddressMap;
use super::client_name::ClientName;
use super::command_buffer::{CommandBuffer, key_of};
use super::deadline::Deadline;
use super::group::Answers;
use super::send_options::SendOptions;
use super::server_connection::ServerConnection;
use super::slot::slot_of;
use super::slot_map::MAX_NODES;
use super::target::Target;
use super::topology::Topology;
use crate::Error;
use crate::resp::{Command, Pipeline, Value};

/// How often one command follows `MOVED` or `ASK` before it is given back as refused.
const MAX_REDIRECTIONS: usize = 5;

/// How long replies are waited for.
#[derive(Clone, Copy)]
enum ReplyDeadline {
    /// Until a node's own limit, or until this one if it comes first.
    Until(Option<Deadline>),
    /// As long as something moves.
    WhileMoving,
}

impl ReplyDeadline {
    fn limit(self) -> Option<Deadline> {
        match self {
            Self::Until(limit) => limit,
            Self::WhileMoving => None,
        }
    }
}

/// A connection to a cluster: a socket to each node, opened when it is first needed.
pub(super) struct Cluster {
    topology: Arc<Topology>,
    name: Option<Arc<ClientName>>,
    /// Nodes stay when the map no longer names them: one that comes back must first forget what
    /// was sent to it before, and only its own connection knows what that was.
    nodes: Mutex<HashMap<Arc<str>, ServerConnection>>,
}

impl Cluster {
    pub(super) fn new(settings: Settings, seeds: Vec<Target>) -> Result<Self, Error> {
        let announced = AddressMap::read(&settings.address_map)?;
        Ok(Self {
            topology: Arc::new(Topology::new(settings, seeds, announced)),
            name: None,
            nodes: Mutex::default(),
        })
    }

    /// The same cluster on sockets of its own that are opened under this name.
    pub(super) fn named(&self, name: Option<Arc<ClientName>>) -> Arc<Self> {
        Arc::new(Self {
            topology: Arc::clone(&self.topology),
            name,
            nodes: Mutex::default(),
        })
    }

    /// Sends each command to the node that has its first argument, and reads every reply: one
    /// result for each command, in order.
    ///
    /// A command is sent again only when a node refused it with `MOVED` or `ASK`, so it was not
    /// executed. Commands that a broken node did not answer get its error; they are the caller's to
    /// repeat, and by then the map is asked for again.
    pub(super) async fn send(
        &self,
        command: &'static str,
        pipeline: &Pipeline,
        limit: Option<Deadline>,
    ) -> Result<Vec<Result<Value, Error>>, Error> {
        self.send_all_of(command, &pipeline.into(), ReplyDeadline::Until(limit))
            .await
    }

    /// As [`send`](Self::send), but each node may take as long as something moves, and what it answered
    /// before it failed is kept.
    pub(super) async fn send_while_moving(
        &self,
        command: &'static str,
        commands: &CommandBuffer,
    ) -> Result<Answers, Error> {
        self.send_all_of(command, commands, ReplyDeadline::WhileMoving)
            .await
    }

    async fn send_all_of(
        &self,
        command: &'static str,
        commands: &CommandBuffer,
        wait: ReplyDeadline,
    ) -> Result<Answers, Error> {
        let map = self.topology.current(wait.limit()).await?;
        let mut results = Vec::new();
        let mut open = Vec::new();
        for (index, encoded) in commands.commands().enumerate() {
            let node = map.node(slot_of(key_of(encoded)));
            let node = Arc::clone(node.ok_or_else(|| unrouted(command))?);
            results.push(Err(unrouted(command)));
            open.push(RoutedCommand {
                index,
                command: encoded,
                node,
                asking: false,
            });
        }
        for _redirection in 0..=MAX_REDIRECTIONS {
            let shares = by_node(open);
            let sent = shares
                .iter()
                .map(|share| self.send_share(command, share, wait));
            let replies = join_all(sent).await;
            open = Vec::new();
            let answered = shares.into_iter().zip(replies);
            for (routed, reply) in
                answered.flat_map(|(share, replies)| share.into_iter().zip(replies))
            {
                if let Err(error) = &reply {
                    open.extend(self.redirected(&routed, error));
                }
                if let Some(place) = results.get_mut(routed.index) {
                    *place = reply;
                }
            }
            if open.is_empty() {
                break;
            }
            // Commands for one key stay in order, whichever nodes they come back from.
            open.sort_by_key(|routed| routed.index);
        }
        Ok(results)
    }

    /// The node that has a key, as far as is known without asking.
    pub(super) fn node_of(&self, key: &[u8]) -> Option<Arc<str>> {
        self.topology.known_node(slot_of(key))
    }

    /// Sends a command without a key to every master; the first error is the result.
    pub(super) async fn ask_masters(
        &self,
        command: &'static str,
        asked: &Command,
    ) -> Result<(), Error> {
        let map = self.topology.current(None).await?;
        let answers = map.masters().iter().map(|address| async move {
            let reply = match self.node(address) {
                Ok(node) => node.one(command, asked.clone()).await,
                Err(error) => Err(error),
            };
            reply.inspect_err(|error| self.topology.doubt(address, error))
        });
        join_all(answers)
            .await
            .into_iter()
            .try_for_each(|reply| reply.map(drop))
    }

    /// Sends a pipeline whole to the node that has this key, also the commands without a key. A
    /// redirection is an error here, and the next call asks which node has the slot now.
    pub(super) async fn send_to_holder(
        &self,
        key: &[u8],
        command: &'static str,
        pipeline: &Pipeline,
    ) -> Result<Vec<Result<Value, Error>>, Error> {
        let map = self.topology.current(None).await?;
        let address = map.node(slot_of(key)).ok_or_else(|| unrouted(command))?;
        let replies = self
            .node(address)?
            .send(command, pipeline, within(None))
            .await;
        let replies = replies.inspect_err(|error| self.topology.doubt(address, error))?;
        for error in replies.iter().filter_map(|reply| reply.as_ref().err()) {
            self.topology.doubt(address, error);
        }
        Ok(replies)
    }

    /// For each master that has none of these slots, the first one that it has.
    pub(super) async fn uncovered(&self, slots: &BTreeSet<u16>) -> Result<Vec<u16>, Error> {
        Ok(self.topology.current(None).await?.uncovered(slots))
    }

    /// Sends one node's share, and gives one result for each command.
    async fn send_share(
        &self,
        command: &'static str,
        share: &[RoutedCommand<'_>],
        wait: ReplyDeadline,
    ) -> Answers {
        let Some(address) = share.first().map(|routed| &routed.node) else {
            return Vec::new();
        };
        let sent = match (self.node(address), wait) {
            (Ok(node), ReplyDeadline::Until(limit)) => {
                node.send(command, pack(share), within(limit)).await
            }
            (Ok(node), ReplyDeadline::WhileMoving) => {
                Ok(node.send_while_moving(command, pack(share)).await)
            }
            (Err(error), _) => Err(error),
        };
        let mut replies = match sent {
            Ok(replies) => replies.into_iter(),
            Err(error) => {
                self.topology.doubt(address, &error);
                return vec![Err(error); share.len()];
            }
        };
        let results = share.iter().map(|routed| {
            let asked = routed.asking.then(|| replies.next()).flatten();
            let reply = replies.next().unwrap_or_else(|| Err(unrouted(command)));
            // Without the exception the node only redirects; why there is none says more.
            let reply = reply.map_err(|error| asked.and_then(Result::err).unwrap_or(error));
            reply.inspect_err(|error| self.topology.doubt(address, error))
        });
        results.collect()
    }

    /// The command with its new node, if that is what the node's refusal was about.
    fn redirected<'a>(
        &self,
        routed: &RoutedCommand<'a>,
        error: &Error,
    ) -> Option<RoutedCommand<'a>> {
        let Error::Refused { reply, .. } = error else {
            return None;
        };
        let asking = match reply.code() {
            "MOVED" => false,
            "ASK" => true,
            _ => return None,
        };
        let redirection = self.topology.redirection(reply, &routed.node)?;
        if !asking {
            self.topology.moved(&redirection);
        }
        Some(RoutedCommand {
            node: redirection.address.into(),
            asking,
            ..routed.clone()
        })
    }

    /// The connections to all nodes that were used.
    pub(super) fn servers(&self) -> Vec<ServerConnection> {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.values().cloned().collect()
    }

    /// The connection to a node.
    fn node(&self, address: &Arc<str>) -> Result<ServerConnection, Error> {
        let lock = || {
            let nodes = self.nodes.lock();
            // Every change is complete in itself, so a panic elsewhere leaves it usable.
            nodes.unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(node) = lock().get(address) {
            return Ok(node.clone());
        }
        let name = self.name.clone();
        let node = self.topology.node(address, name)?;
        let mut nodes = lock();
        if nodes.len() >= MAX_NODES {
            nodes.clear();
        }
        // Another task may have been faster; both must use the same socket.
        Ok(nodes.entry(Arc::clone(address)).or_insert(node).clone())
    }
}

/// Without tickets: the order of calls was settled before.
fn within(limit: Option<Deadline>) -> SendOptions<'static> {
    SendOptions {
        limit,
        tickets: &[],
    }
}
