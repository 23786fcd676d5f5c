//! Beside the system that is moved from: a configuration whose destinations write to another place.

use super::draft::Draft;
use super::error::NotImported;
use crate::config::destination_keys as key;
use kenwell::profile::Prefix;

/// Where Kenwell writes while the other system still writes to the original place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShadowPlace {
    /// In front of every key, with a colon behind it.
    Prefix(String),
    /// The same keys in another database.
    Database(u32),
}

impl ShadowPlace {
    /// The key there of what has this key in the original place.
    pub fn key(&self, original: &[u8]) -> Vec<u8> {
        match self {
            Self::Prefix(prefix) => [prefix.as_bytes(), b":", original].concat(),
            Self::Database(_) => original.to_vec(),
        }
    }

    /// The key in the original place of what has this key there; `None` when it is none of the shadow's.
    pub fn original<'a>(&self, key: &'a [u8]) -> Option<&'a [u8]> {
        match self {
            Self::Prefix(prefix) => key.strip_prefix(prefix.as_bytes())?.strip_prefix(b":"),
            Self::Database(_) => Some(key),
        }
    }
}

impl Draft {
    /// Has all destinations write to the shadow's place. The keys of "Profiles" events begin with the workspace, so that
    /// has another name, too.
    pub(super) fn move_to(&mut self, place: &ShadowPlace) -> Result<(), NotImported> {
        let workspace = self.workspace_id.as_deref().unwrap_or("default");
        match place {
            ShadowPlace::Prefix(prefix) => {
                self.workspace_id = Some(format!("{prefix}-{workspace}"));
            }
            ShadowPlace::Database(_) => {}
        }
        for destination in &mut self.destinations {
            let cluster = destination
                .keys
                .iter()
                .any(|(name, _)| *name == key::CLUSTER_MODE.name);
            let keys = &mut destination.keys;
            match place {
                ShadowPlace::Prefix(prefix) => {
                    let at = keys.iter().position(|(name, _)| *name == key::PREFIX.name);
                    let given = at.map(|at| keys.remove(at).1);
                    let given = given.as_ref().and_then(toml_edit::Value::as_str);
                    if given.is_some_and(|given| Prefix::parse(given).varies()) {
                        return Err(NotImported::TemplateInShadow {
                            destination: destination.id.clone(),
                        });
                    }
                    let prefix =
                        given.map_or_else(|| prefix.clone(), |given| format!("{prefix}:{given}"));
                    keys.push((key::PREFIX.name, prefix.into()));
                }
                ShadowPlace::Database(_) if cluster => {
                    return Err(NotImported::ClusterHasNoDatabases {
                        destination: destination.id.clone(),
                    });
                }
                ShadowPlace::Database(number) => {
                    keys.retain(|(name, _)| *name != key::DATABASE.name);
                    keys.push((key::DATABASE.name, i64::from(*number).into()));
                }
            }
        }
        Ok(())
    }
}
