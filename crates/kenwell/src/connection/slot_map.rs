//! Which node of a Redis Cluster has which slot, and where a redirection leads.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::address::Address;
use super::address_map::AddressMap;
use super::slot::SLOTS;
use crate::resp::Value;

/// The most nodes that are remembered; the specification recommends at most 1,000.
pub(super) const MAX_NODES: usize = 1_024;

/// Stands for "no node" in the table.
const NOBODY: u16 = u16::MAX;

/// Which node has which slot, as far as is known.
#[derive(Debug, Clone)]
pub(super) struct SlotMap {
    /// For each slot an index into `nodes`.
    slots: Vec<u16>,
    nodes: Vec<Arc<str>>,
    /// How many of `nodes`, from the front, were masters when asked.
    masters: usize,
}

impl Default for SlotMap {
    fn default() -> Self {
        Self {
            slots: vec![NOBODY; usize::from(SLOTS)],
            nodes: Vec::new(),
            masters: 0,
        }
    }
}

impl SlotMap {
    /// Reads the answer to `CLUSTER SLOTS`; `None` when it is no such answer, or names too many
    /// nodes. A node that does not say its host has that of the node that was `asked`; `announced` maps the other
    /// addresses.
    pub(super) fn read(answer: &Value, asked: &str, announced: &AddressMap) -> Option<Self> {
        let Value::Array(ranges) = answer else {
            return None;
        };
        let mut map = Self::default();
        let mut replicas = Vec::new();
        for range in ranges {
            let Value::Array(parts) = range else {
                return None;
            };
            let [Value::Int(start), Value::Int(end), master, others @ ..] = parts.as_slice() else {
                return None;
            };
            let (start, end) = (usize::try_from(*start).ok()?, usize::try_from(*end).ok()?);
            let range = map.slots.get(start..=end)?.len();
            if let Some(address) = node_address(master, asked, announced) {
                let node = map.index_of(&address)?;
                map.slots
                    .iter_mut()
                    .skip(start)
                    .take(range)
                    .for_each(|slot| *slot = node);
            }
            let others = others.iter();
            replicas.extend(others.filter_map(|node| node_address(node, asked, announced)));
        }
        map.masters = map.nodes.len();
        for address in replicas {
            map.index_of(&address)?;
        }
        Some(map)
    }

    /// Whether no node told anything yet.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node that has a slot. For a slot that no node has it is any node: its answer says what is
    /// wrong. `None` only when the map is empty.
    pub(super) fn node(&self, slot: u16) -> Option<&Arc<str>> {
        let owner = self.slots.get(usize::from(slot)).copied()?;
        self.nodes.get(usize::from(owner)).or_else(|| {
            let any = usize::from(slot).checked_rem(self.nodes.len())?;
            self.nodes.get(any)
        })
    }

    /// All nodes, masters first.
    pub(super) fn nodes(&self) -> &[Arc<str>] {
        &self.nodes
    }

    /// The nodes that have slots.
    pub(super) fn masters(&self) -> &[Arc<str>] {
        self.nodes.get(..self.masters).unwrap_or_default()
    }

    /// For each master that has none of `covered`, the first slot that it has.
    pub(super) fn uncovered(&self, covered: &BTreeSet<u16>) -> Vec<u16> {
        let owned = || {
            (0..SLOTS)
                .zip(&self.slots)
                .filter(|(_, node)| **node != NOBODY)
        };
        let mut done: BTreeSet<u16> = owned()
            .filter(|(slot, _)| covered.contains(slot))
            .map(|(_, node)| *node)
            .collect();
        owned()
            .filter_map(|(slot, node)| done.insert(*node).then_some(slot))
            .collect()
    }

    /// Notes that a slot has moved, until the whole map is asked for again.
    pub(super) fn moved(&mut self, slot: u16, address: &str) {
        if let (Some(node), Some(place)) = (
            self.index_of(address),
            self.slots.get_mut(usize::from(slot)),
        ) {
            *place = node;
        }
    }

    fn index_of(&mut self, address: &str) -> Option<u16> {
        let known = self.nodes.iter().position(|node| **node == *address);
        let index = known.unwrap_or(self.nodes.len());
        if index >= MAX_NODES {
            return None;
        }
        if known.is_none() {
            self.nodes.push(address.into());
        }
        u16::try_from(index).ok()
    }
}

/// `host:port` of a node in the answer to `CLUSTER SLOTS`.
fn node_address(node: &Value, asked: &str, announced: &AddressMap) -> Option<String> {
    let Value::Array(parts) = node else {
        return None;
    };
    let [host, Value::Int(port), ..] = parts.as_slice() else {
        return None;
    };
    let host = match host {
        Value::BulkString(host) => str::from_utf8(host).ok()?,
        Value::Nil => "",
        _ => return None,
    };
    address_of(host, u16::try_from(*port).ok()?, asked, announced)
}

/// Where a redirection leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redirection {
    pub(super) slot: u16,
    pub(super) address: String,
}

impl Redirection {
    /// Reads what follows `MOVED` or `ASK`: `3999 127.0.0.1:6381`. An IPv6 address stands without
    /// brackets; no host, or `?`, means the node that was `asked`.
    pub(super) fn read(text: &str, asked: &str, announced: &AddressMap) -> Option<Self> {
        let (slot, node) = text.split_once(' ')?;
        let slot = slot.parse().ok().filter(|&slot| slot < SLOTS)?;
        let (host, port) = node.rsplit_once(':')?;
        let address = address_of(host, port.parse().ok()?, asked, announced)?;
        Some(Self { slot, address })
    }
}

/// The address that leads to a node from here; `None` when the port is 0 or the host cannot be one. A node without a
/// name of its own (`?`, or nothing) is on the host of the node that was `asked`.
fn address_of(host: &str, port: u16, asked: &str, announced: &AddressMap) -> Option<String> {
    let same_host = || match Address::parse(asked) {
        Ok(Address::Tcp { host, .. }) => Some(host),
        _ => None,
    };
    let address = match host {
        "?" | "" => Address::Tcp {
            host: same_host()?,
            port,
        },
        host if Address::is_host(host) => announced.address(host, port),
        _ => return None,
    };
    (port > 0).then(|| address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn node(host: Value, port: i64) -> Value {
        Value::Array(vec![
            host,
            Value::Int(port),
            text("id"),
            Value::Array(vec![]),
        ])
    }

    #[test]
    fn a_map_knows_masters_replicas_and_gaps() {
        let answer = Value::Array(vec![
            Value::Array(vec![
                Value::Int(0),
                Value::Int(99),
                node(text("10.0.0.1"), 1),
                node(Value::Nil, 2),
                node(text("?"), 4),
            ]),
            Value::Array(vec![
                Value::Int(101),
                Value::Int(16_383),
                node(text("::1"), 3),
            ]),
        ]);
        let mut map = SlotMap::read(&answer, "h:9", &AddressMap::default()).unwrap();
        assert_eq!(map.node(99).unwrap().as_ref(), "10.0.0.1:1");
        assert_eq!(map.node(101).unwrap().as_ref(), "[::1]:3");
        assert!(map.node(100).is_some());
        let names: Vec<&str> = map.nodes().iter().map(AsRef::as_ref).collect();
        assert_eq!(names, ["10.0.0.1:1", "[::1]:3", "h:2", "h:4"]);
        assert_eq!(map.masters().len(), 2);
        assert_eq!(map.uncovered(&BTreeSet::new()), [0, 101]);
        assert_eq!(map.uncovered(&BTreeSet::from([7, 100])), [101]);
        map.moved(100, "h:2");
        assert_eq!(map.node(100).unwrap().as_ref(), "h:2");
        assert!(SlotMap::default().node(1).is_none());
    }

    #[test]
    fn other_answers_are_no_map() {
        let none = AddressMap::default();
        let beyond = vec![Value::Int(0), Value::Int(16_384), node(text("h"), 1)];
        let backwards = vec![Value::Int(9), Value::Int(1), node(text("h"), 1)];
        for answer in [
            Value::Nil,
            Value::Array(vec![Value::Int(1)]),
            Value::Array(vec![Value::Array(beyond)]),
            Value::Array(vec![Value::Array(backwards)]),
        ] {
            assert!(SlotMap::read(&answer, "h:1", &none).is_none(), "{answer:?}");
        }
    }

    #[test]
    fn redirections_are_read() {
        let none = AddressMap::default();
        for (said, address) in [
            ("3999 127.0.0.1:6381", "127.0.0.1:6381"),
            ("3999 redis-2.internal:6381", "redis-2.internal:6381"),
            ("3999 ::1:6381", "[::1]:6381"),
            ("3999 :6381", "asked:6381"),
            ("3999 ?:6381", "asked:6381"),
        ] {
            let read = Redirection::read(said, "asked:1", &none).unwrap();
            assert_eq!((read.slot, read.address.as_str()), (3999, address));
        }
        for said in [
            "",
            "3999",
            "x h:1",
            "16384 h:1",
            "1 h:0",
            "1 h",
            "1 ?:0",
            "1 a b:1",
        ] {
            assert_eq!(Redirection::read(said, "asked:1", &none), None, "{said}");
        }
    }
}
