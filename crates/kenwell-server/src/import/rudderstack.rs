//! RudderStack's `workspaceConfig.json`: sources, and the Redis destinations nested in them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::draft::{Destination, Draft, Imported, Source};
use super::error::NotImported;
use super::loose::Loose;
use super::redis;
use super::shadow::ShadowPlace;
use crate::config::is_id;
use crate::runtime::id_from_name;

/// Largest file that is imported, in bytes. Exports of large workspaces have a few MB.
pub const MAX_FILE_BYTES: u64 = 64 << 20;

/// Turns the text of a `workspaceConfig.json` into a configuration of ours.
///
/// # Errors
/// [`NotImported`].
pub fn rudderstack(text: &[u8]) -> Result<Imported, NotImported> {
    Ok(draft(text)?.finish())
}

/// The same with all destinations in another place, beside what RudderStack writes.
///
/// # Errors
/// [`NotImported`], also where a destination cannot have such a place.
pub fn rudderstack_shadow(text: &[u8], place: &ShadowPlace) -> Result<Imported, NotImported> {
    let mut draft = draft(text)?;
    draft.move_to(place)?;
    Ok(draft.finish())
}

fn draft(text: &[u8]) -> Result<Draft, NotImported> {
    let json: Json = serde_json::from_slice(text)?;
    let mut import = Import::default();
    for workspace in workspaces(&json)? {
        import.workspace(workspace);
    }
    Ok(import.finish())
}

/// One workspace, or several by their ids.
fn workspaces(json: &Json) -> Result<Vec<Loose<'_>>, NotImported> {
    let top = Loose::new(json);
    let holds_sources = |it: &Loose<'_>| it.get("sources").is_some_and(Json::is_array);
    if holds_sources(&top) {
        return Ok(vec![top]);
    }
    let several: Vec<_> = top.values().map(Loose::new).filter(holds_sources).collect();
    if several.is_empty() {
        return Err(NotImported::NoSources);
    }
    Ok(several)
}

#[derive(Default)]
struct Import {
    draft: Draft,
    source_ids: Vec<String>,
    destination_ids: Vec<String>,
    write_keys: BTreeSet<String>,
    /// By RudderStack's id: ours, its settings, and whether anything leads there.
    known: BTreeMap<String, Known>,
    /// How many destinations of each other type.
    skipped: BTreeMap<String, usize>,
}

struct Known {
    id: String,
    config: Json,
    index: usize,
    is_fed: bool,
    is_on: bool,
}

impl Import {
    fn workspace(&mut self, workspace: Loose<'_>) {
        let id = workspace.text("workspaceId");
        match &self.draft.workspace_id {
            None if !id.is_empty() => self.draft.workspace_id = Some(id.to_owned()),
            Some(first) if first != id => {
                let note = format!(
                    "there are several workspaces; the keys of \"Profiles\" events begin with {first:?} for all"
                );
                self.draft.note(note);
            }
            _ => {}
        }
        for source in workspace.list("sources") {
            self.source(Loose::new(source));
        }
    }

    fn source(&mut self, source: Loose<'_>) {
        let name = named(source, "source");
        if source.flag("deleted") == Some(true) {
            self.draft
                .note(format!("source {name:?} was deleted: left out"));
            return;
        }
        let write_key = source.text("writeKey");
        let unfit = |c: char| c == ':' || c.is_whitespace() || c.is_control();
        if write_key.is_empty() || write_key.contains(unfit) {
            self.draft
                .note(format!("source {name:?} has no usable write key: left out"));
            return;
        }
        if !self.write_keys.insert(write_key.to_owned()) {
            self.draft.note(format!(
                "source {name:?} has the write key of another one: left out"
            ));
            return;
        }
        let enabled = source.flag("enabled");
        if enabled.is_none() {
            self.draft.note(format!(
                "source {name:?} does not say whether it is enabled, which means no there"
            ));
        }
        let mut destinations = Vec::new();
        for destination in source.list("destinations") {
            if let Some(id) = self.destination(Loose::new(destination), &name)
                && !destinations.contains(&id)
            {
                destinations.push(id);
            }
        }
        let id = new_id(source.text("id"), &name, "source", &mut self.source_ids);
        self.draft.sources.push(Source {
            id,
            name,
            write_key: write_key.to_owned(),
            enabled: enabled.unwrap_or(false),
            destinations,
        });
    }

    /// Our id of a destination that the source feeds.
    fn destination(&mut self, destination: Loose<'_>, source: &str) -> Option<String> {
        let definition = destination.child("destinationDefinition");
        let kind = definition.text("name");
        if !kind.eq_ignore_ascii_case("redis") {
            let kind = if kind.is_empty() { "unknown" } else { kind };
            *self.skipped.entry(kind.to_owned()).or_default() += 1;
            return None;
        }
        if destination.flag("deleted") == Some(true) {
            return None;
        }
        let known = self.known(destination);
        let id = known.id.clone();
        // A connection is what one source has of a destination; it can be switched off by itself.
        let is_fed = destination.flag("isProcessorEnabled") != Some(false)
            && destination.flag("isConnectionEnabled") != Some(false);
        known.is_fed |= is_fed;
        if !is_fed {
            self.draft.note(format!(
                "the connection of source {source:?} to {id:?} is switched off: left out"
            ));
        }
        is_fed.then_some(id)
    }

    fn known(&mut self, destination: Loose<'_>) -> &mut Known {
        let name = named(destination, "redis");
        let original = match destination.text("id") {
            "" => name.clone(),
            id => id.to_owned(),
        };
        let config = destination.get("config").cloned().unwrap_or_default();
        if let Some(known) = self.known.get(&original)
            && known.config != config
        {
            let note = format!(
                "destination {:?} has other settings in another source; the first ones were taken",
                known.id
            );
            self.draft.note(note);
        }
        let (draft, ids) = (&mut self.draft, &mut self.destination_ids);
        self.known.entry(original.clone()).or_insert_with(|| {
            let id = new_id(&original, &name, "redis", ids);
            if id != original {
                draft.note(format!("destination {original:?} is now {id:?}, also in the keys of \"Profiles\" events"));
            }
            let secrets = destination.child("secretConfig");
            let settings = redis::read(Loose::new(&config), secrets);
            let is_on = destination.flag("enabled") == Some(true) && !settings.silent;
            if settings.silent {
                draft.note(format!("destination {id:?} has enableServerSideIdentify off: imported disabled"));
            }
            let notes = settings.notes.iter().map(|note| format!("destination {id:?}: {note}"));
            draft.notes.extend(notes);
            let mut keys = vec![("name", name.into()), ("type", "redis".into())];
            keys.extend(settings.keys);
            draft.destinations.push(Destination {
                id: id.clone(),
                keys,
                password: settings.password,
            });
            let index = draft.destinations.len() - 1;
            Known {
                id,
                config,
                index,
                is_fed: false,
                is_on,
            }
        })
    }

    fn finish(mut self) -> Draft {
        for known in self.known.values() {
            if let Some(destination) = self.draft.destinations.get_mut(known.index)
                && !(known.is_on && known.is_fed)
            {
                destination.keys.insert(2, ("enabled", false.into()));
            }
        }
        for (kind, count) in &self.skipped {
            let note =
                format!("{count} destination(s) of type {kind} left out: only Redis is imported");
            self.draft.notes.push(note);
        }
        self.draft
    }
}

fn named(object: Loose<'_>, otherwise: &str) -> String {
    let names = [object.text("name"), object.text("id"), otherwise];
    let name = names.into_iter().find(|name| !name.trim().is_empty());
    name.unwrap_or(otherwise).trim().to_owned()
}

/// The same id where it can be ours, else one made from the name.
fn new_id(original: &str, name: &str, otherwise: &str, taken: &mut Vec<String>) -> String {
    let fits = is_id(original) && !taken.iter().any(|id| id == original);
    let id = if fits {
        original.to_owned()
    } else {
        id_from_name(name, otherwise, taken)
    };
    taken.push(id.clone());
    id
}
