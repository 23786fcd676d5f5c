//! Edits to the file's text: from the text as it is to the text as it is to be.

use toml_edit::{TableLike, Value};

use super::{
    document::{Document, List},
    edit::{DestinationChange, Edit, NewDestination, NewSource},
    error::EditError,
    expand, generate,
    key_changes::KeyChanges,
    list::{set, set_list},
};
use crate::config::destination_keys as key;

/// A text under change.
pub(super) struct Rewrite {
    document: Document,
    /// The id that each edit was about.
    pub(super) ids: Vec<String>,
    /// What was set: list, id and key.
    pub(super) touched: Vec<(List, String, &'static str)>,
}

impl Rewrite {
    pub(super) fn new(document: Document) -> Self {
        Self {
            document,
            ids: Vec::new(),
            touched: Vec::new(),
        }
    }

    pub(super) fn text(&self) -> String {
        self.document.text()
    }

    /// Makes one edit.
    pub(super) fn make(&mut self, edit: Edit) -> Result<(), EditError> {
        let id = match edit {
            Edit::AddSource(source) => self.add_source(source)?,
            Edit::ChangeSource { id, change } => self.change(List::Sources, id, &change.keys)?,
            Edit::NewWriteKey(id) => self.new_write_key(id)?,
            Edit::RemoveSource(id) => self.remove(List::Sources, id)?,
            Edit::AddDestination(destination) => self.add_destination(destination)?,
            Edit::ChangeDestination { id, change } => self.change_destination(id, &change)?,
            Edit::RemoveDestination { id, .. } => {
                let id = self.remove(List::Destinations, id)?;
                self.feed(&id, &[]);
                id
            }
        };
        self.ids.push(id);
        Ok(())
    }

    fn add_source(&mut self, new: NewSource) -> Result<String, EditError> {
        let id = self.new_id(List::Sources, new.id, &new.name)?;
        let key = match new.write_key {
            Some(key) => key.expose().to_owned(),
            None => fresh_key()?,
        };
        let entries = vec![
            ("id", Value::from(&id)),
            ("name", new.name.into()),
            ("write_key", key.into()),
            ("destinations", new.destinations.iter().collect()),
        ];
        self.document.add(List::Sources, entries);
        Ok(id)
    }

    fn new_write_key(&mut self, id: String) -> Result<String, EditError> {
        set(
            self.table(List::Sources, &id)?,
            "write_key",
            fresh_key()?.into(),
        );
        self.touched(List::Sources, &id, "write_key");
        Ok(id)
    }

    fn change(
        &mut self,
        list: List,
        id: String,
        changes: &KeyChanges,
    ) -> Result<String, EditError> {
        changes.write(self.table(list, &id)?);
        for (key, _) in changes.iter() {
            self.touched(list, &id, key.name);
        }
        Ok(id)
    }

    fn add_destination(&mut self, new: NewDestination) -> Result<String, EditError> {
        let mut settings = new.settings;
        let name = settings.keys.text(key::NAME).unwrap_or_default().to_owned();
        let id = self.new_id(List::Destinations, new.id, &name)?;
        let entries = vec![
            ("id", Value::from(&id)),
            ("name", name.into()),
            ("type", "redis".into()),
        ];
        self.document.add(List::Destinations, entries);
        settings
            .keys
            .retain(|changed, _| changed.name != key::NAME.name);
        self.change_destination(id, &settings)
    }

    fn change_destination(
        &mut self,
        id: String,
        change: &DestinationChange,
    ) -> Result<String, EditError> {
        expand::url(self.table(List::Destinations, &id)?, &change.keys);
        let id = self.change(List::Destinations, id, &change.keys)?;
        if let Some(sources) = &change.sources {
            let known = self.document.ids(List::Sources);
            if let Some(unknown) = sources.iter().find(|source| !known.contains(source)) {
                return Err(not_found(List::Sources, unknown));
            }
            self.feed(&id, sources);
        }
        Ok(id)
    }

    fn table(&mut self, list: List, id: &str) -> Result<&mut dyn TableLike, EditError> {
        self.document
            .find(list, id)
            .ok_or_else(|| not_found(list, id))
    }

    fn remove(&mut self, list: List, id: String) -> Result<String, EditError> {
        self.table(list, &id)?;
        self.document.remove(list, &id);
        Ok(id)
    }

    /// Lets exactly these sources feed a destination.
    fn feed(&mut self, destination: &str, sources: &[String]) {
        for source in self.document.ids(List::Sources) {
            let Some(table) = self.document.find(List::Sources, &source) else {
                continue;
            };
            let mut fed = list_of(table, "destinations");
            let (feeds, is_to) = (
                fed.iter().any(|id| id == destination),
                sources.contains(&source),
            );
            if feeds == is_to {
                continue;
            }
            if is_to {
                fed.push(destination.to_owned());
            } else {
                fed.retain(|id| id != destination);
            }
            set_list(table, "destinations", &fed);
            self.touched(List::Sources, &source, "destinations");
        }
    }

    fn new_id(
        &mut self,
        list: List,
        wanted: Option<String>,
        name: &str,
    ) -> Result<String, EditError> {
        let taken = self.document.ids(list);
        match wanted {
            None => Ok(generate::id_from_name(name, list.kind(), &taken)),
            Some(id) if taken.contains(&id) => Err(EditError::Exists {
                kind: list.kind(),
                id,
            }),
            Some(id) => Ok(id),
        }
    }

    fn touched(&mut self, list: List, id: &str, key: &'static str) {
        self.touched.push((list, id.to_owned(), key));
    }
}

fn list_of(table: &dyn TableLike, key: &str) -> Vec<String> {
    let array = table.get(key).and_then(toml_edit::Item::as_array);
    let texts = array.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// What an edit is about is not there.
fn not_found(list: List, id: &str) -> EditError {
    EditError::NotFound {
        kind: list.kind(),
        id: id.to_owned(),
    }
}

fn fresh_key() -> Result<String, EditError> {
    generate::write_key().map_err(EditError::NoRandom)
}

#[cfg(test)]
mod tests;
