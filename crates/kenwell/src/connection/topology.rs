//! What all connections to a cluster know together: which node has which slot, and whether to ask again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Settings;
use super::address::Address;
use super::address_map::AddressMap;
use super::address_source::AddressSource;
use super::client_name::ClientName;
use super::deadline::Deadline;
use super::limits::{OTHERS, QUESTION_LIMIT};
use super::server_connection::ServerConnection;
use super::server_kind::ServerKind;
use super::slot_map::{MAX_NODES, Redirection, SlotMap};
use super::target::Target;
use crate::Error;
use crate::reply::Reply;
use crate::resp::Command;

/// How many nodes are asked, one after the other, before the next attempt is left to the caller.
const MAX_ASKED: usize = 5;

/// A cluster, as far as it is known.
pub(super) struct Topology {
    settings: Settings,
    seeds: Vec<Target>,
    announced: AddressMap,
    known: Mutex<Known>,
    /// Held while asking, so that connections that all lost the same node ask once.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    map: Arc<SlotMap>,
    /// Whether something happened that the map does not explain.
    stale: bool,
    /// The node of the latest failure: the one to ask last.
    doubted: Option<Arc<str>>,
    /// Which node is asked first next time: a node that is cut off from the others must not be the one that is
    /// always believed.
    next_asked: usize,
    /// How to dial each node that was ever named.
    targets: HashMap<Arc<str>, Target>,
}

impl Topology {
    /// The `announced` addresses lead to nodes where the map says.
    pub(super) fn new(settings: Settings, seeds: Vec<Target>, announced: AddressMap) -> Self {
        Self {
            settings,
            seeds,
            announced,
            known: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    /// A connection to a node, not opened yet.
    pub(super) fn node(
        &self,
        address: &Arc<str>,
        name: Option<Arc<ClientName>>,
    ) -> Result<ServerConnection, Error> {
        let target = self.target(address)?;
        Ok(ServerConnection::new(self.settings.clone(), target, name))
    }

    /// The map as it is known, asked for first when it is missing or in doubt. When no node answers,
    /// an old map is better than none.
    pub(super) async fn current(&self, limit: Option<Deadline>) -> Result<Arc<SlotMap>, Error> {
        if let Some(map) = self.trusted() {
            return Ok(map);
        }
        // Seldom needed, and large.
        let asked = Box::pin(self.ask_anew());
        let Some(limit) = limit else {
            return asked.await;
        };
        let asked = limit.wait(asked).await;
        asked.unwrap_or_else(|| Err(limit.exceeded("CLUSTER SLOTS", &"cluster".into())))
    }

    async fn ask_anew(&self) -> Result<Arc<SlotMap>, Error> {
        // The task that asks may be on a runtime that stands still; others do not wait for it for ever.
        let _asking = Deadline::of(OTHERS).wait(self.asking.lock()).await;
        if let Some(map) = self.trusted() {
            return Ok(map);
        }
        // Reset first: a doubt that comes up while asking is a new one.
        self.known().stale = false;
        match self.ask_around().await {
            Ok(map) => {
                let map = Arc::new(map);
                self.known().map = Arc::clone(&map);
                Ok(map)
            }
            Err(error) => {
                let mut known = self.known();
                known.stale = true;
                if known.map.is_empty() {
                    Err(error)
                } else {
                    Ok(Arc::clone(&known.map))
                }
            }
        }
    }

    /// The node that has a slot, without asking anybody.
    pub(super) fn known_node(&self, slot: u16) -> Option<Arc<str>> {
        self.known().map.node(slot).cloned()
    }

    /// Takes note of a node's failure or refusal.
    pub(super) fn doubt(&self, node: &Arc<str>, error: &Error) {
        let mut known = self.known();
        if let Error::Refused { reply, .. } = error {
            let explains = ["MOVED", "CLUSTERDOWN", "READONLY", "MASTERDOWN"];
            known.stale |= explains.contains(&reply.code());
        } else {
            known.stale = true;
            known.doubted = Some(Arc::clone(node));
        }
    }

    /// Where a node's refusal says that the key is now.
    pub(super) fn redirection(&self, reply: &Reply, asked: &str) -> Option<Redirection> {
        Redirection::read(reply.text(), asked, &self.announced)
    }

    /// Takes note of a slot's new place, for calls that come before the whole map is asked for.
    pub(super) fn moved(&self, redirection: &Redirection) {
        let mut known = self.known();
        Arc::make_mut(&mut known.map).moved(redirection.slot, &redirection.address);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Every change is complete in itself, so a panic elsewhere leaves it usable.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trusted(&self) -> Option<Arc<SlotMap>> {
        let known = self.known();
        (!known.stale && !known.map.is_empty()).then(|| Arc::clone(&known.map))
    }

    fn target(&self, address: &Arc<str>) -> Result<Target, Error> {
        if let Some(target) = self.known().targets.get(address) {
            return Ok(target.clone());
        }
        let parsed = Address::parse(address)?;
        let mut seeds = self.seeds.iter();
        let is_written = seeds.any(|seed| seed.address == parsed);
        let address_source = (!is_written).then_some(AddressSource::Cluster);
        // Outside the lock: this reads certificates.
        let target = self
            .settings
            .target(parsed, ServerKind::ClusterNode, address_source)?;
        let mut known = self.known();
        if known.targets.len() >= MAX_NODES {
            known.targets.clear();
        }
        known.targets.insert(Arc::clone(address), target.clone());
        Ok(target)
    }

    /// Asks one node after the other until one tells which node has which slot.
    async fn ask_around(&self) -> Result<SlotMap, Error> {
        let mut failure = None;
        for address in self.nodes_to_ask() {
            match self.ask(&address).await {
                Ok(map) => {
                    tracing::debug!(redis.address = %address, nodes = map.nodes().len(), "asked for the cluster's slots");
                    return Ok(map);
                }
                Err(error) => {
                    tracing::debug!(redis.address = %address, %error, "does not tell the cluster's slots");
                    failure = Some(error);
                }
            }
        }
        Err(failure.unwrap_or_else(|| Error::wrong_setting("address", "it is missing")))
    }

    /// Known nodes and seeds, each time beginning with another one, and the doubted one last.
    fn nodes_to_ask(&self) -> Vec<Arc<str>> {
        let mut known = self.known();
        let mut all = known.map.nodes().to_vec();
        for seed in &self.seeds {
            let seed: Arc<str> = seed.address.to_string().into();
            if !all.contains(&seed) {
                all.push(seed);
            }
        }
        let first = known.next_asked.checked_rem(all.len()).unwrap_or_default();
        known.next_asked = first + 1;
        all.rotate_left(first);
        all.sort_by_key(|address| known.doubted.as_ref() == Some(address));
        all.truncate(MAX_ASKED);
        all
    }

    async fn ask(&self, address: &Arc<str>) -> Result<SlotMap, Error> {
        let mut settings = self.settings.clone();
        settings.connect_timeout = settings.connect_timeout.min(QUESTION_LIMIT);
        settings.command_timeout = settings.command_timeout.min(QUESTION_LIMIT);
        // A socket of its own, closed afterwards: it must not disturb what the connections send.
        let node = ServerConnection::new(settings, self.target(address)?, None);
        let question = Command::new("CLUSTER").arg("SLOTS").take();
        let answer = node.one("CLUSTER SLOTS", question).await;
        let answer = answer.map_err(|error| no_cluster(error).while_opening())?;
        let map = SlotMap::read(&answer, address, &self.announced)
            .ok_or_else(|| node.unexpected("CLUSTER SLOTS"))?;
        if map.is_empty() {
            // A node that knows no slots says the same to every command.
            return Err(Error::Refused {
                address: Arc::clone(address),
                command: "CLUSTER SLOTS",
                reply: Reply::new("CLUSTERDOWN", "Hash slot not served"),
            });
        }
        Ok(map)
    }
}

/// A standalone server has its own words for that; ours name the setting.
fn no_cluster(error: Error) -> Error {
    match error {
        Error::Refused { address, reply, .. }
            if reply.text().contains("cluster support disabled") =>
        {
            Error::OtherKind {
                address,
                problem: "this is a standalone server, but cluster_mode is true; set cluster_mode = false",
            }
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn topology(seeds: &str) -> Topology {
        let mut settings = Settings::new(seeds);
        settings.cluster_mode = true;
        let seeds = settings.targets().unwrap();
        Topology::new(settings, seeds, AddressMap::default())
    }

    fn lost(address: &Arc<str>) -> Error {
        Error::Timeout {
            address: Arc::clone(address),
            action: "HSET",
            limit: Duration::ZERO,
        }
    }

    #[test]
    fn everybody_is_asked_in_turn_and_the_doubted_one_last() {
        let topology = topology("a:1, b:1,c:1");
        let asked = || {
            let nodes = topology.nodes_to_ask();
            nodes.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(asked(), ["a:1", "b:1", "c:1"]);
        assert_eq!(asked(), ["b:1", "c:1", "a:1"]);
        let doubted = "c:1".into();
        topology.doubt(&doubted, &lost(&doubted));
        assert_eq!(asked(), ["a:1", "b:1", "c:1"]);
        assert_eq!(asked(), ["a:1", "b:1", "c:1"]);
    }

    #[test]
    fn only_what_says_something_about_the_cluster_puts_the_map_in_doubt() {
        let node: Arc<str> = "a:1".into();
        for (code, stale) in [
            ("MOVED", true),
            ("CLUSTERDOWN", true),
            ("READONLY", true),
            ("ASK", false),
            ("TRYAGAIN", false),
            ("WRONGTYPE", false),
        ] {
            let topology = topology("a:1");
            let refused = Error::Refused {
                address: Arc::clone(&node),
                command: "HSET",
                reply: Reply::new(code, "1 b:1"),
            };
            topology.doubt(&node, &refused);
            assert_eq!(topology.known().stale, stale, "{code}");
        }
    }
}
