//! The keys of one table of the file: set, taken out, or left as they are written.

use kenwell::connection::Secret;
use toml_edit::{TableLike, Value};

use super::{
    document::{Document, List, set},
    edit::Change,
    error::EditError,
    list::set_list,
};

/// The keys of one table under change.
pub(super) struct Keys<'a> {
    pub(super) table: &'a mut dyn TableLike,
    pub(super) touched: Vec<&'static str>,
}

impl<'a> Keys<'a> {
    pub(super) fn of(document: &'a mut Document, list: List, id: &str) -> Result<Self, EditError> {
        let table = document.find(list, id);
        Ok(Self {
            table: table.ok_or_else(|| not_found(list, id))?,
            touched: Vec::new(),
        })
    }

    pub(super) fn change<T: Clone + Into<Value>>(&mut self, key: &'static str, change: &Change<T>) {
        match change {
            Change::Keep => return,
            Change::Remove => {
                self.table.remove(key);
            }
            Change::To(value) => set(self.table, key, value.clone().into()),
        }
        self.touched.push(key);
    }

    pub(super) fn secret(&mut self, key: &'static str, change: &Change<Secret>) {
        self.change(key, &change.as_ref().map(Secret::expose));
    }

    pub(super) fn list(&mut self, key: &'static str, wanted: &[String]) {
        set_list(self.table, key, wanted);
        self.touched.push(key);
    }
}

/// What an edit is about is not there.
pub(super) fn not_found(list: List, id: &str) -> EditError {
    EditError::NotFound {
        kind: list.kind(),
        id: id.to_owned(),
    }
}
