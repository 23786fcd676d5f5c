//! Reading one table of the file, key by key, with what the environment says on top.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::Document;
use super::environment::Environment;
use super::problem::{Place, Problem};
use super::suggestion::nearest;
use super::value::{Input, Wrong, with_article};

/// What all sections of one file share: its text, the environment, and the problems found so far.
pub(super) struct Reading<'a> {
    pub(super) document: Document<'a>,
    /// Directory that relative paths in the file start from.
    pub(super) base: &'a Path,
    pub(super) environment: &'a Environment,
    /// Every variable name that could have had a say.
    pub(super) consulted: RefCell<BTreeSet<String>>,
    pub(super) errors: RefCell<Vec<Problem>>,
    pub(super) warnings: RefCell<Vec<Problem>>,
    /// Whether the file itself holds a password.
    pub(super) holds_password: Cell<bool>,
}

/// One table: `[gateway]`, one of `[[sources]]`, or the file's top.
pub(super) struct Section<'a> {
    pub(super) reading: &'a Reading<'a>,
    /// `gateway`, `sources.web`; empty at the top.
    path: String,
    /// `KENWELL_GATEWAY_`, `KENWELL_SOURCES_WEB_`.
    variables: String,
    table: Option<&'a DeTable<'a>>,
    place: Place,
    known: Vec<&'static str>,
}

/// A value that was read, and where it stood, for complaints that come later.
pub(super) struct Found<T> {
    pub(super) value: T,
    pub(super) place: Place,
    /// Full path of the key.
    pub(super) key: String,
}

/// The variable that wins over a key of one of the tables `[[list]]`.
pub(crate) fn variable(list: &str, id: &str, key: &str) -> String {
    let name = format!("{list}_{id}_{key}").to_uppercase();
    format!("KENWELL_{}", name.replace('-', "_"))
}

impl Reading<'_> {
    pub(super) fn error(&self, place: Place, key: &str, wrong: Wrong) {
        self.errors.borrow_mut().push(problem(place, key, wrong));
    }

    pub(super) fn warning(&self, place: Place, key: &str, wrong: Wrong) {
        self.warnings.borrow_mut().push(problem(place, key, wrong));
    }

    /// A path of the file, resolved against the file's directory.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        // Collected from its parts, so that no `.` stays in the middle.
        self.base.join(path).components().collect()
    }
}

fn problem(place: Place, key: &str, wrong: Wrong) -> Problem {
    Problem {
        place,
        key: key.to_owned(),
        what: wrong.what,
        fix: wrong.fix,
    }
}

impl<'a> Section<'a> {
    /// The file's top.
    pub(super) fn top(reading: &'a Reading<'a>, table: &'a DeTable<'a>) -> Self {
        Self {
            reading,
            path: String::new(),
            variables: "KENWELL_".into(),
            table: Some(table),
            place: Place::File(reading.document.path.to_path_buf()),
            known: Vec::new(),
        }
    }

    /// The table `[name]`, empty when the file has none.
    pub(super) fn child(&mut self, name: &'static str) -> Section<'a> {
        self.known.push(name);
        let mut child = Section {
            reading: self.reading,
            path: self.key(name),
            variables: format!("{}{}_", self.variables, name.to_uppercase()),
            table: None,
            place: self.place.clone(),
            known: Vec::new(),
        };
        if let Some((_, value)) = self.lookup(name) {
            child.place = self.reading.document.place(&value.span());
            child.table = value.get_ref().as_table();
            if child.table.is_none() {
                let wrong = Wrong::new(
                    format!(
                        "expected a table, found {}",
                        with_article(value.get_ref().type_str())
                    ),
                    format!("write a line [{name}] with its settings below"),
                );
                self.reading.error(child.place.clone(), &child.path, wrong);
            }
        }
        child
    }

    /// The tables `[[name]]`, each known by its `id` where that is text.
    pub(super) fn list(&mut self, name: &'static str) -> Vec<Section<'a>> {
        self.known.push(name);
        let Some((_, value)) = self.lookup(name) else {
            return Vec::new();
        };
        let wrong = || {
            Wrong::new(
                format!(
                    "expected a list of tables, found {}",
                    with_article(value.get_ref().type_str())
                ),
                format!("write a line [[{name}]], in two pairs of brackets, above each one"),
            )
        };
        let place = self.reading.document.place(&value.span());
        let items = match value.get_ref() {
            DeValue::Array(items) if items.iter().all(|item| item.get_ref().is_table()) => items,
            _ => {
                self.reading.error(place, name, wrong());
                return Vec::new();
            }
        };
        items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| {
                Some(self.item(name, index, item.get_ref().as_table()?, item))
            })
            .collect()
    }

    fn item(
        &self,
        name: &str,
        index: usize,
        table: &'a DeTable<'a>,
        item: &Spanned<DeValue<'_>>,
    ) -> Section<'a> {
        let id = table.get("id").and_then(|id| id.get_ref().as_str());
        let path = id.map_or_else(|| format!("{name}[{index}]"), |id| format!("{name}.{id}"));
        Section {
            reading: self.reading,
            path,
            variables: variable(name, id.unwrap_or_default(), ""),
            table: Some(table),
            place: self.reading.document.place(&item.span()),
            known: Vec::new(),
        }
    }

    /// Reads a key that only the file can give.
    pub(super) fn read_here<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&Input<'_>) -> Result<T, Wrong>,
    ) -> Option<Found<T>> {
        self.known.push(key);
        let (_, value) = self.lookup(key)?;
        let place = self.reading.document.place(&value.span());
        self.parsed(key, place, &Input::Toml(value.get_ref()), parse)
    }

    /// Reads a key; an environment variable of its name wins over the file.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&Input<'_>) -> Result<T, Wrong>,
    ) -> Option<Found<T>> {
        let variable = self.variable(key);
        let given = self.reading.environment.get(&variable);
        self.reading.consulted.borrow_mut().insert(variable.clone());
        match given {
            Some(text) => {
                self.known.push(key);
                self.parsed(
                    key,
                    Place::Variable(variable),
                    &Input::Variable(text),
                    parse,
                )
            }
            None => self.read_here(key, parse),
        }
    }

    /// Like [`Section::read`], with a value for when the key is not given.
    pub(super) fn read_or<T>(
        &mut self,
        key: &'static str,
        default: T,
        parse: impl FnOnce(&Input<'_>) -> Result<T, Wrong>,
    ) -> T {
        self.read(key, parse).map_or(default, |found| found.value)
    }

    /// Complains that a key is missing, unless it is there (and was wrong in another way).
    pub(super) fn require(&self, key: &'static str, fix: impl Into<String>) {
        if self.place_of(key).is_none() {
            let wrong = Wrong::new(format!("the key \"{key}\" is missing"), fix);
            self.reading.error(self.place.clone(), &self.path, wrong);
        }
    }

    /// Complains about every key that nobody asked for.
    pub(super) fn finish(self) {
        let Some(table) = self.table else { return };
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            if self.known.contains(&name) {
                continue;
            }
            let fix = nearest(name, self.known.iter().copied()).map_or_else(
                || format!("remove it; valid here: {}", self.known.join(", ")),
                |near| format!("did you mean \"{near}\"?"),
            );
            let place = self.reading.document.place(&key.span());
            let wrong = Wrong::new("unknown key", fix);
            self.reading.error(place, &self.key(name), wrong);
        }
    }

    /// The full path of a key of this section.
    pub(super) fn key(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Where a key is given, if it is.
    pub(super) fn place_of(&self, key: &str) -> Option<Place> {
        let variable = self.variable(key);
        if self.reading.environment.get(&variable).is_some() {
            return Some(Place::Variable(variable));
        }
        let (_, value) = self.lookup(key)?;
        Some(self.reading.document.place(&value.span()))
    }

    /// Where the section starts.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// The section's own path.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    fn variable(&self, key: &str) -> String {
        format!("{}{}", self.variables, key.to_uppercase())
    }

    fn lookup(
        &self,
        key: &str,
    ) -> Option<(
        &'a Spanned<std::borrow::Cow<'a, str>>,
        &'a Spanned<DeValue<'a>>,
    )> {
        self.table?.get_key_value(key)
    }

    fn parsed<T>(
        &self,
        key: &str,
        place: Place,
        input: &Input<'_>,
        parse: impl FnOnce(&Input<'_>) -> Result<T, Wrong>,
    ) -> Option<Found<T>> {
        let key = self.key(key);
        match parse(input) {
            Ok(value) => Some(Found { value, place, key }),
            Err(wrong) => {
                self.reading.error(place, &key, wrong);
                None
            }
        }
    }
}
