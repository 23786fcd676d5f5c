//! The file that an import makes, and what is to be said about it.

use kenwell::connection::Secret;
use toml_edit::Value;

use crate::runtime::{Document, List};

const HEAD: &str =
    "# Made by `kenwell import rudderstack`. docs/configuration.md describes every setting.\n";

/// A configuration made from another system's.
pub struct Imported {
    /// The text of a `kenwell.toml`.
    pub text: Secret,
    /// The same with `env:NAME` in place of every secret, to be shown.
    pub shown: String,
    /// Whether the two differ.
    pub holds_secrets: bool,
    /// What could not be taken over as it is, or is not what it seems; a sentence each.
    pub notes: Vec<String>,
    /// How many sources and destinations are in it.
    pub counts: (usize, usize),
}

/// One source.
#[derive(Default)]
pub(super) struct Source {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) write_key: String,
    pub(super) enabled: bool,
    pub(super) destinations: Vec<String>,
}

/// One destination: its keys, but the id, in the order in which they are written.
pub(super) struct Destination {
    pub(super) id: String,
    pub(super) keys: Vec<(&'static str, Value)>,
    pub(super) password: Option<String>,
}

/// What becomes the file.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) workspace_id: Option<String>,
    pub(super) sources: Vec<Source>,
    pub(super) destinations: Vec<Destination>,
    pub(super) notes: Vec<String>,
}

impl Draft {
    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(super) fn finish(self) -> Imported {
        let secrets = self.destinations.iter().any(|it| it.password.is_some());
        Imported {
            text: Secret::new(self.text(|_, password| password.to_owned())),
            shown: self.text(|id, _| format!("env:{}", variable(id))),
            holds_secrets: secrets,
            counts: (self.sources.len(), self.destinations.len()),
            notes: self.notes,
        }
    }

    fn text(&self, password: impl Fn(&str, &str) -> String) -> String {
        let mut document = Document::begin(HEAD);
        if let Some(id) = &self.workspace_id {
            document.set("workspace_id", id.into());
        }
        for source in &self.sources {
            let mut entries = vec![
                ("id", Value::from(&source.id)),
                ("name", (&source.name).into()),
                ("write_key", (&source.write_key).into()),
            ];
            if !source.enabled {
                entries.push(("enabled", false.into()));
            }
            entries.push(("destinations", source.destinations.iter().collect()));
            document.add(List::Sources, entries);
        }
        for destination in &self.destinations {
            let mut entries = vec![("id", Value::from(&destination.id))];
            entries.extend(destination.keys.iter().cloned());
            if let Some(secret) = &destination.password {
                let password = password(&destination.id, secret);
                entries.push(("password", password.into()));
            }
            document.add(List::Destinations, entries);
        }
        document.text()
    }
}

/// The variable that a destination's password can be given in.
pub(super) fn variable(id: &str) -> String {
    format!("{}_PASSWORD", id.to_uppercase().replace('-', "_"))
}
