//! What an edit over the network names on this machine: variables, files and sockets, which only the
//! file may allow.

use std::path::Path;

use serde_json::Value as Json;
use toml_edit::{Item, TableLike};

use super::{
    document::{Document, List},
    edit::Edit,
    key_changes::KeyChanges,
};
use crate::config::{
    AllowedReferences, Config, DESTINATION, Destination, Key, Kind, Problem, Problems, Reference,
};

/// For each edit, which keys of a destination name a variable, file or socket.
pub(super) struct NamedReferences {
    edits: Vec<Vec<&'static Key>>,
}

/// Finds what the edits name. What stands in the file already, and is sent back as it is written or shown, is no
/// edit of that key.
///
/// # Errors
/// One for each key that names what `allowed` does not allow.
pub(super) fn check(
    edits: &mut [Edit],
    document: &mut Document,
    now: &Config,
    allowed: &AllowedReferences,
    path: &Path,
) -> Result<NamedReferences, Problems> {
    let base = path.parent().unwrap_or(Path::new(""));
    let mut named = NamedReferences { edits: Vec::new() };
    let mut refused = Vec::new();
    for edit in edits {
        let (id, changes) = match edit {
            Edit::ChangeDestination { id, change } => {
                let table = document.find(List::Destinations, id);
                leave_unchanged(&mut change.keys, table.as_deref(), now.destination(id));
                (id.as_str(), &change.keys)
            }
            Edit::AddDestination(new) => (new.id.as_deref().unwrap_or("new"), &new.settings.keys),
            // No key of a source that can be edited names anything.
            _ => {
                named.edits.push(Vec::new());
                continue;
            }
        };
        let mut keys = Vec::new();
        for (key, value) in changes.iter() {
            let text = value.and_then(toml_edit::Value::as_str);
            let Some(reference) = text.and_then(|text| Reference::of(key.kind, text)) else {
                continue;
            };
            keys.push(key);
            if !allowed.allow(&reference, base) {
                refused.push(problem(path, id, key));
            }
        }
        named.edits.push(keys);
    }
    if refused.is_empty() {
        Ok(named)
    } else {
        Err(refused.into())
    }
}

impl NamedReferences {
    /// The problems without what they tell of the files and variables that the edits name: whether one exists, and
    /// what is in it, must not show. `ids` are those that the edits were about.
    pub(super) fn without_details(
        &self,
        problems: Problems,
        path: &Path,
        ids: &[String],
    ) -> Problems {
        let naming = self.edits.iter().zip(ids);
        let naming: Vec<_> = naming.filter(|(keys, _)| !keys.is_empty()).collect();
        let mut told: Vec<Problem> = Vec::new();
        for found in problems.errors {
            // One that is named may be found not to fit to another that is not.
            let about = naming.iter().find(|(_, id)| {
                let key = found.key.strip_prefix("destinations.");
                let key = key.and_then(|key| key.strip_prefix(id.as_str()));
                key.is_some_and(|key| key.is_empty() || key.starts_with('.'))
            });
            match about {
                Some((keys, id)) if concerns(&found, keys) => {
                    told.extend(keys.iter().map(|key| problem(path, id, key)));
                }
                _ => told.push(found),
            }
        }
        told.dedup();
        told.into()
    }
}

/// Whether a problem may tell of what these keys name.
fn concerns(found: &Problem, named: &[&Key]) -> bool {
    let name = found.key.rsplit('.').next().unwrap_or_default();
    // Certificates and keys are held against each other.
    let is_pem = |key: &Key| matches!(key.kind, Kind::Certificate | Kind::PrivateKey);
    let is_about_pem = DESTINATION
        .iter()
        .any(|key| key.name == name && is_pem(key));
    let mut named = named.iter();
    named.any(|key| key.name == name || (is_about_pem && is_pem(key)))
}

/// Makes no change of what names the same as before.
fn leave_unchanged(
    changes: &mut KeyChanges,
    table: Option<&dyn TableLike>,
    now: Option<&Destination>,
) {
    changes.retain(|key, text| {
        let Some(text) = text.filter(|text| Reference::of(key.kind, text).is_some()) else {
            return true;
        };
        let written = table
            .and_then(|table| table.get(key.name))
            .and_then(Item::as_str);
        let shown = now.and_then(|now| now.shown(key.name));
        written != Some(text) && shown.as_ref().and_then(Json::as_str) != Some(text)
    });
}

/// The same words for what is not allowed, not there, and not fit.
fn problem(path: &Path, id: &str, key: &Key) -> Problem {
    Problem::of_file(
        path,
        format!("destinations.{id}.{}", key.name),
        "it names a variable, file or socket of the server, which is not allowed here or cannot be used",
        "give the value itself; or write the name into kenwell.toml on the server, or allow it there: \
         allowed_references under [private]",
    )
}
