//! What may be changed in the configuration while it runs.

use std::collections::BTreeMap;

use kenwell::connection::Secret;
use serde::{Deserialize, Deserializer};

use crate::object::Object;

/// What is to become of one key of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// It stays as it is written, or as it is not.
    #[default]
    Keep,
    /// Its line goes, and its default holds.
    Remove,
    /// It gets this value.
    To(T),
}

/// One change. Several are made together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// A source more.
    AddSource(NewSource),
    /// A source in another way.
    ChangeSource {
        /// Which.
        id: String,
        /// How.
        change: SourceChange,
    },
    /// The source with this id less.
    RemoveSource(String),
    /// A destination more.
    AddDestination(Box<NewDestination>),
    /// A destination in another way.
    ChangeDestination {
        /// Which.
        id: String,
        /// How.
        change: Box<DestinationChange>,
    },
    /// A destination less; no source feeds it any more. Also one that only events that wait are left of.
    RemoveDestination {
        /// Which.
        id: String,
        /// How many waiting events are given up at most: with more, it stays.
        give_up: u64,
    },
}

/// A source to be added.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewSource {
    /// For people.
    pub name: String,
    /// Its id; made from the name when there is none.
    pub id: Option<String>,
    /// Ids of the destinations that it feeds.
    pub destinations: Vec<String>,
    /// Its write key, or where it is (`env:NAME`, `file:PATH`); a random one is made when there is none.
    pub write_key: Option<Secret>,
}

/// What changes of a source. A JSON object: what is missing stays, `null` removes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, remote = "Self")]
pub struct SourceChange {
    /// For people.
    pub name: Change<String>,
    /// Whether it may send.
    pub enabled: Change<bool>,
    /// Ids of the destinations that it feeds.
    pub destinations: Change<Vec<String>>,
    /// Whether it gets a new random write key. The old one is refused from then on.
    #[serde(skip)]
    pub new_write_key: bool,
}

/// A destination to be added.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewDestination {
    /// Its id; made from its name when there is none.
    pub id: Option<String>,
    /// Its settings. A name and an address are needed.
    pub settings: DestinationChange,
}

/// What changes of a destination. A JSON object: what is missing stays, `null` removes. The fields are
/// the keys of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, remote = "Self")]
#[expect(missing_docs, reason = "docs/configuration.md describes each key")]
pub struct DestinationChange {
    pub name: Change<String>,
    pub enabled: Change<bool>,
    pub paused: Change<bool>,
    pub heal: Change<bool>,
    pub address: Change<String>,
    pub username: Change<String>,
    #[serde(deserialize_with = "secret")]
    pub password: Change<Secret>,
    pub database: Change<u32>,
    pub prefix: Change<String>,
    pub cluster_mode: Change<bool>,
    pub sentinel_master: Change<String>,
    pub sentinel_username: Change<String>,
    #[serde(deserialize_with = "secret")]
    pub sentinel_password: Change<Secret>,
    pub address_map: Change<BTreeMap<String, String>>,
    pub secure: Change<bool>,
    pub skip_verify: Change<bool>,
    pub ca_certificate: Change<String>,
    pub client_certificate: Change<String>,
    #[serde(deserialize_with = "secret")]
    pub client_key: Change<Secret>,
    pub server_name: Change<String>,
    pub connect_timeout: Change<String>,
    pub response_timeout: Change<String>,
    /// Ids of the sources that feed it from now on; no key of the destination, but of its sources.
    pub sources: Change<Vec<String>>,
}

/// What came of some edits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// The id that each edit was about, in their order: those of what was added may have been made.
    pub ids: Vec<String>,
    /// Keys that were edited in vain, because an environment variable says otherwise: the key's path and
    /// the variable.
    pub shadowed: Vec<(String, String)>,
}

impl<T> Change<T> {
    /// The value it gets, if it gets one.
    pub fn to(&self) -> Option<&T> {
        match self {
            Self::To(value) => Some(value),
            Self::Keep | Self::Remove => None,
        }
    }
}

impl<T> Change<T> {
    pub(super) fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    pub(super) fn as_ref(&self) -> Change<&T> {
        match self {
            Self::Keep => Change::Keep,
            Self::Remove => Change::Remove,
            Self::To(value) => Change::To(value),
        }
    }

    pub(super) fn map<U>(self, into: impl FnOnce(T) -> U) -> Change<U> {
        match self {
            Self::Keep => Change::Keep,
            Self::Remove => Change::Remove,
            Self::To(value) => Change::To(into(value)),
        }
    }
}

// What the derive makes, which is called here, also takes lists.
impl<'de> Deserialize<'de> for SourceChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(Object(deserializer))
    }
}

impl<'de> Deserialize<'de> for DestinationChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(Object(deserializer))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|value| value.map_or(Self::Remove, Self::To))
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Change<Secret>, D::Error> {
    Ok(match Change::<String>::deserialize(deserializer)? {
        Change::Keep => Change::Keep,
        Change::Remove => Change::Remove,
        Change::To(text) => Change::To(Secret::new(text)),
    })
}
