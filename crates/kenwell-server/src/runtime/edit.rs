//! What may be changed in the configuration while it runs.

use kenwell::connection::Secret;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::key_changes::{KeyChanges, WrongChange};
use crate::config::{DESTINATION, SOURCE};

/// One change. Several are made together or not at all.
#[derive(Debug, Clone)]
pub enum Edit {
    /// A source is added.
    AddSource(NewSource),
    /// Settings of a source change.
    ChangeSource {
        /// The id of the source.
        id: String,
        /// What changes.
        change: SourceChange,
    },
    /// The source with this id gets a new random write key. The old one is refused from then on.
    NewWriteKey(String),
    /// The source with this id is removed.
    RemoveSource(String),
    /// A destination is added.
    AddDestination(NewDestination),
    /// Settings of a destination change.
    ChangeDestination {
        /// The id of the destination.
        id: String,
        /// What changes.
        change: DestinationChange,
    },
    /// A destination is removed, and no source feeds it any more. Also one that only events that wait are left of.
    RemoveDestination {
        /// The id of the destination.
        id: String,
        /// How many waiting events are given up at most: with more, it stays.
        give_up: u64,
    },
}

impl Edit {
    /// The id of what it is about, and the names of the settings that it is to change.
    pub(crate) fn subject(&self) -> (Option<&str>, Vec<&'static str>) {
        let names = |keys: &KeyChanges| keys.iter().map(|(key, _)| key.name).collect();
        match self {
            Self::AddSource(new) => (new.id.as_deref(), Vec::new()),
            Self::ChangeSource { id, change } => (Some(id), names(&change.keys)),
            Self::NewWriteKey(id) | Self::RemoveSource(id) | Self::RemoveDestination { id, .. } => {
                (Some(id), Vec::new())
            }
            Self::AddDestination(new) => (new.id.as_deref(), names(&new.settings.keys)),
            Self::ChangeDestination { id, change } => {
                let mut names: Vec<_> = names(&change.keys);
                names.extend(change.sources.as_ref().map(|_| "sources"));
                (Some(id), names)
            }
        }
    }
}

/// A source to be added.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SourceToAdd)]
pub struct NewSource {
    /// For people.
    #[schema(example = "Web shop")]
    pub name: String,
    /// `[a-z0-9-]`, at most 64; made from the name when it is missing.
    pub id: Option<String>,
    /// Ids of the destinations that it feeds.
    #[serde(default)]
    pub destinations: Vec<String>,
    /// Its write key, or where it is (`env:NAME`, `file:PATH`); a random one is made when there is none.
    #[serde(skip)]
    pub write_key: Option<Secret>,
}

/// What changes of a source.
#[derive(Debug, Clone, Default)]
pub struct SourceChange {
    /// Its keys in the file.
    pub keys: KeyChanges,
}

/// A destination to be added.
#[derive(Debug, Clone, Default)]
pub struct NewDestination {
    /// Its id; made from its name when there is none.
    pub id: Option<String>,
    /// Its settings. A name and an address are needed.
    pub settings: DestinationChange,
}

/// What changes of a destination.
#[derive(Debug, Clone, Default)]
pub struct DestinationChange {
    /// Its keys in the file.
    pub keys: KeyChanges,
    /// Ids of the sources that feed it from now on, if that changes; no key of the destination, but of its sources.
    pub sources: Option<Vec<String>>,
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

impl SourceChange {
    /// Reads changes from a JSON object of the source's keys: what is missing stays, `null` removes.
    ///
    /// # Errors
    /// As [`KeyChanges::read`].
    pub fn read(object: Map<String, Json>) -> Result<Self, WrongChange> {
        let keys = KeyChanges::read(SOURCE, object)?;
        Ok(Self { keys })
    }
}

impl NewDestination {
    /// Reads a destination from a JSON object of its keys, its `id` and `sources`.
    ///
    /// # Errors
    /// As [`KeyChanges::read`].
    pub fn read(mut object: Map<String, Json>) -> Result<Self, WrongChange> {
        let id = match object.remove("id") {
            None | Some(Json::Null) => None,
            Some(Json::String(id)) => Some(id),
            Some(_) => return Err(WrongChange::of_type("id", "a text")),
        };
        let settings = DestinationChange::read(object)?;
        Ok(Self { id, settings })
    }
}

impl DestinationChange {
    /// Reads changes from a JSON object of the destination's keys and `sources`: what is missing stays, `null`
    /// removes.
    ///
    /// # Errors
    /// As [`KeyChanges::read`].
    pub fn read(mut object: Map<String, Json>) -> Result<Self, WrongChange> {
        let sources = match object.remove("sources") {
            None => None,
            Some(Json::Null) => Some(Vec::new()),
            Some(ids) => {
                let wrong = |_| WrongChange::of_type("sources", "a list of ids");
                Some(serde_json::from_value(ids).map_err(wrong)?)
            }
        };
        let keys = KeyChanges::read(DESTINATION, object)?;
        Ok(Self { keys, sources })
    }
}
