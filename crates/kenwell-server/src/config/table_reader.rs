//! Reading one table of the file, with what the environment says on top.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file_reader::FileReader;
use super::input::{Input, ValueError, with_article};
use super::keys::{Key, Kind, LISTS, SECTIONS, TOP};
use super::parse;
use super::problem::Place;
use super::suggestion::nearest;
use super::values::{Value, Values};

/// One table: `[gateway]`, one of `[[sources]]`, or the file's top. All of its keys are read when it is made.
pub(super) struct TableReader<'a> {
    pub(super) file: &'a FileReader<'a>,
    /// `gateway`, `sources.web`; empty at the top.
    path: String,
    /// `KENWELL_GATEWAY_`, `KENWELL_SOURCES_WEB_`.
    variables: String,
    table: Option<&'a DeTable<'a>>,
    place: Place,
    /// What is given, and the defaults. A wrong value is none.
    pub(super) values: Values,
    /// Where each key was given, and by which key: what belongs to one may stand in `url`.
    given: BTreeMap<&'static str, (Place, &'static str)>,
}

/// The variable that wins over a key of one of the tables `[[list]]`.
pub(crate) fn variable(list: &str, id: &str, key: &str) -> String {
    let name = format!("{list}_{id}_{key}").to_uppercase();
    format!("KENWELL_{}", name.replace('-', "_"))
}

impl<'a> TableReader<'a> {
    /// The file's top.
    pub(super) fn top(file: &'a FileReader<'a>, table: &'a DeTable<'a>) -> Self {
        let top = Self {
            file,
            path: String::new(),
            variables: "KENWELL_".into(),
            table: Some(table),
            place: file.place(),
            values: defaults(file, "", TOP),
            given: BTreeMap::new(),
        };
        top.read()
    }

    /// The table `[name]`, empty when the file has none.
    pub(super) fn section(&self, name: &'static str, keys: &'static [Key]) -> Self {
        let mut section = Self {
            file: self.file,
            path: name.to_owned(),
            variables: format!("{}{}_", self.variables, name.to_uppercase()),
            table: None,
            place: self.place.clone(),
            values: defaults(self.file, name, keys),
            given: BTreeMap::new(),
        };
        if let Some(value) = self.lookup(name) {
            section.place = self.file.document.place(&value.span());
            section.table = value.get_ref().as_table();
            if section.table.is_none() {
                let found = with_article(value.get_ref().type_str());
                let error = ValueError::new(
                    format!("expected a table, found {found}"),
                    format!("write a line [{name}] with its settings below"),
                );
                self.file.error(section.place.clone(), name, error);
            }
        }
        section.read()
    }

    /// The tables `[[name]]`, each known by its `id` where that is text. `None` when there is something else.
    pub(super) fn list(&self, name: &'static str, keys: &'static [Key]) -> Option<Vec<Self>> {
        let Some(value) = self.lookup(name) else {
            return Some(Vec::new());
        };
        let items = match value.get_ref() {
            DeValue::Array(items) if items.iter().all(|item| item.get_ref().is_table()) => items,
            other => {
                let found = with_article(other.type_str());
                let error = ValueError::new(
                    format!("expected a list of tables, found {found}"),
                    format!("write a line [[{name}]], in two pairs of brackets, above each one"),
                );
                let place = self.file.document.place(&value.span());
                self.file.error(place, name, error);
                return None;
            }
        };
        let defaults = defaults(self.file, name, keys);
        let items = items.iter().enumerate().filter_map(|(index, item)| {
            let table = item.get_ref().as_table()?;
            let id = table.get("id").and_then(|id| id.get_ref().as_str());
            let item = Self {
                file: self.file,
                path: id.map_or_else(|| format!("{name}[{index}]"), |id| format!("{name}.{id}")),
                variables: variable(name, id.unwrap_or_default(), ""),
                table: Some(table),
                place: self.file.document.place(&item.span()),
                values: defaults.clone(),
                given: BTreeMap::new(),
            };
            Some(item.read())
        });
        Some(items.collect())
    }

    /// Reads every key, and complains about what is wrong, missing and unknown.
    fn read(mut self) -> Self {
        for key in self.values.keys() {
            let variable = format!("{}{}", self.variables, key.name.to_uppercase());
            let mut of_variable = None;
            if key.variable {
                of_variable = self.file.environment.get(&variable);
                self.file.consulted.borrow_mut().insert(variable.clone());
            }
            let (place, input) = if let Some(text) = of_variable {
                (Place::Variable(variable), Input::Variable(text))
            } else if let Some(value) = self.lookup(key.name) {
                let place = self.file.document.place(&value.span());
                (place, Input::Toml(value.get_ref()))
            } else {
                if key.required {
                    self.missing(key);
                }
                continue;
            };
            self.given.insert(key.name, (place, key.name));
            match parse::value(self.file, key, &input) {
                Ok(value) => self.values.set(key, value),
                Err(error) => {
                    self.values.remove(key);
                    self.complain(key, error);
                }
            }
        }
        self.unknown_keys();
        self
    }

    /// Complains that a key is missing.
    pub(super) fn missing(&self, key: &Key) {
        let name = key.name;
        let fix = match key.kind {
            Kind::Name | Kind::Secret => {
                format!("add a line like {name} = \"…\" or {name} = \"env:NAME\"")
            }
            _ => format!("add a line like {name} = {}", key.example),
        };
        let error = ValueError::new(format!("the key \"{name}\" is missing"), fix);
        self.file.error(self.place.clone(), &self.path, error);
    }

    fn unknown_keys(&self) {
        let mut known: Vec<_> = self.values.keys().iter().map(|key| key.name).collect();
        if self.path.is_empty() {
            known.extend(SECTIONS.iter().chain(LISTS).map(|(name, _)| *name));
        }
        for key in self.table.iter().flat_map(|table| table.keys()) {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            let fix = nearest(name, known.iter().copied()).map_or_else(
                || format!("remove it; valid here: {}", known.join(", ")),
                |near| format!("did you mean \"{near}\"?"),
            );
            let place = self.file.document.place(&key.span());
            let error = ValueError::new("unknown key", fix);
            self.file.error(place, &self.path_of(name), error);
        }
    }

    /// Looks at a value that was given; one that is refused has no value.
    pub(super) fn check(
        &mut self,
        key: &Key,
        check: impl FnOnce(&Values) -> Result<(), ValueError>,
    ) {
        if self.is_given(key)
            && self.values.get(key).is_some()
            && let Err(error) = check(&self.values)
        {
            self.values.remove(key);
            self.complain(key, error);
        }
    }

    /// Takes what another key, such as `url`, says about this one.
    pub(super) fn set_by(&mut self, by: &Key, key: &Key, value: Value) {
        self.values.set(key, value);
        if let Some((place, name)) = self.given.get(by.name).cloned() {
            self.given.entry(key.name).or_insert((place, name));
        }
    }

    /// Complains about a key where it is given, otherwise where the table is.
    pub(super) fn error(&self, key: &Key, what: impl Into<String>, fix: impl Into<String>) {
        self.complain(key, ValueError::new(what, fix));
    }

    /// The same for an error that was made elsewhere.
    pub(super) fn complain(&self, key: &Key, error: ValueError) {
        let (place, path) = self.place_and_path(key);
        self.file.error(place, &path, error);
    }

    /// Says that a key is doubtful.
    pub(super) fn warning(&self, key: &Key, what: impl Into<String>, fix: impl Into<String>) {
        let (place, path) = self.place_and_path(key);
        self.file.warning(place, &path, ValueError::new(what, fix));
    }

    /// Says that the table as a whole is doubtful.
    pub(super) fn warning_of_table(&self, what: &str, fix: &str) {
        let warning = ValueError::new(what, fix);
        self.file.warning(self.place.clone(), &self.path, warning);
    }

    /// Whether a key itself is given, rightly or wrongly.
    pub(super) fn is_given(&self, key: &Key) -> bool {
        matches!(self.given.get(key.name), Some((_, by)) if *by == key.name)
    }

    /// The key with this name, if it, or `url` in its place, is given.
    pub(super) fn given(&self, name: &str) -> Option<&'static Key> {
        let keys = self.values.keys().iter();
        let mut keys = keys.filter(|key| self.given.contains_key(key.name));
        keys.find(|key| key.name == name)
    }

    /// Where a key is given, otherwise where the table is.
    pub(super) fn place_of(&self, key: &Key) -> Place {
        self.place_and_path(key).0
    }

    /// The `id` as it is written, if it is text.
    pub(super) fn written_id(&self) -> Option<&'a str> {
        self.lookup("id").and_then(|id| id.get_ref().as_str())
    }

    fn place_and_path(&self, key: &Key) -> (Place, String) {
        match self.given.get(key.name) {
            Some((place, by)) => (place.clone(), self.path_of(by)),
            None => (self.place.clone(), self.path_of(key.name)),
        }
    }

    fn path_of(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    fn lookup(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table?.get(key)
    }
}

/// What holds when nothing is given.
fn defaults(file: &FileReader<'_>, name: &'static str, keys: &'static [Key]) -> Values {
    let mut values = Values::new(name, keys);
    for key in keys {
        if let Some(Ok(default)) = key.default.map(DeValue::parse)
            && let Ok(value) = parse::value(file, key, &Input::Toml(default.get_ref()))
        {
            values.set(key, value);
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::document::Document;
    use crate::config::environment::Environment;

    #[test]
    fn every_default_is_a_value_of_its_kind() {
        let environment = Environment::default();
        let document = Document::new(Path::new("kenwell.toml"), "");
        let file = FileReader::new(document, Path::new(""), &environment);
        for (name, keys) in SECTIONS.iter().chain(LISTS).chain(&[("", TOP)]) {
            let values = defaults(&file, name, keys);
            for key in *keys {
                let has_default = values.get(key).is_some();
                assert_eq!(has_default, key.default.is_some(), "{name} {}", key.name);
            }
        }
        assert!(!file.holds_password.get());
    }
}
