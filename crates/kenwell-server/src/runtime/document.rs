//! The file's text as tables that can be changed: comments, order and spelling of the rest stay.

use super::list::{self, set};
use toml_edit::{
    ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, TomlError, Value,
};

/// One of the two lists of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Sources,
    Destinations,
}

/// The file's text, taken apart.
pub(crate) struct Document {
    document: DocumentMut,
}

impl List {
    /// The list's key.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sources => "sources",
            Self::Destinations => "destinations",
        }
    }

    /// What is in it.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Sources => "source",
            Self::Destinations => "destination",
        }
    }
}

impl Document {
    pub(super) fn parse(text: &str) -> Result<Self, TomlError> {
        let mut document: DocumentMut = text.parse()?;
        // Comments with nothing below them count as what comes last; here they are what comes first.
        if document.is_empty() {
            let comments = document.trailing().as_str().unwrap_or_default().to_owned();
            document.set_trailing("");
            document.decor_mut().set_prefix(comments);
        }
        Ok(Self { document })
    }

    /// A new file that begins with these comments.
    pub(crate) fn begin(comments: &str) -> Self {
        let mut document = DocumentMut::new();
        document.decor_mut().set_prefix(comments);
        Self { document }
    }

    /// Sets a key at the top.
    pub(crate) fn set(&mut self, key: &str, value: Value) {
        set(self.document.as_table_mut(), key, value);
    }

    pub(crate) fn text(&self) -> String {
        self.document.to_string()
    }

    /// The ids of a list, in the order of the file.
    pub(super) fn ids(&mut self, list: List) -> Vec<String> {
        let tables = self.tables(list);
        let id = |table: &&mut dyn TableLike| Some(table.get("id")?.as_str()?.to_owned());
        tables.iter().filter_map(id).collect()
    }

    /// The table with this id.
    pub(super) fn find(&mut self, list: List, id: &str) -> Option<&mut dyn TableLike> {
        let mut tables = self.tables(list).into_iter();
        tables.find(|table| has_id(*table, id))
    }

    /// The table with this id as it stands in the file, with the comments above it; empty when there is none.
    pub(super) fn table_text(&self, list: List, id: &str) -> String {
        let alone = match self.document.get(list.name()) {
            Some(Item::ArrayOfTables(tables)) => {
                let table = tables.iter().find(|table| has_id(*table, id));
                table.map(|table| {
                    let tables: ArrayOfTables = [table.clone()].into_iter().collect();
                    let mut alone = DocumentMut::new();
                    alone.insert(list.name(), Item::ArrayOfTables(tables));
                    alone.to_string()
                })
            }
            Some(Item::Value(Value::Array(array))) => {
                let mut tables = array.iter().filter_map(Value::as_inline_table);
                let table = tables.find(|table| has_id(*table, id));
                table.map(|table| format!("{}\n", table.to_string().trim()))
            }
            _ => None,
        };
        alone.unwrap_or_default()
    }

    /// The value of a key in the table with this id, as it stands in the file.
    pub(super) fn value_text(&mut self, list: List, id: &str, key: &str) -> Option<String> {
        let value = self.find(list, id)?.get(key)?.as_value()?;
        Some(value.to_string().trim().to_owned())
    }

    /// A new table at the end of a list.
    pub(crate) fn add(&mut self, list: List, entries: Vec<(&'static str, Value)>) {
        let item = self.document.entry(list.name());
        match item.or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new())) {
            Item::ArrayOfTables(tables) => {
                let mut table: Table = entries.into_iter().collect();
                table.decor_mut().set_prefix("\n");
                tables.push(table);
            }
            Item::Value(Value::Array(array)) => {
                let table: InlineTable = entries.into_iter().collect();
                list::push(array, table.into());
            }
            // The loader refuses anything else, so there is nothing else.
            _ => {}
        }
    }

    /// Takes the table with this id out of a list, with the comments above it.
    pub(super) fn remove(&mut self, list: List, id: &str) {
        match self.document.get_mut(list.name()) {
            Some(Item::ArrayOfTables(tables)) => tables.retain(|table| !has_id(table, id)),
            Some(Item::Value(Value::Array(array))) => array.retain(|value| {
                let table = value.as_inline_table();
                !table.is_some_and(|table| has_id(table, id))
            }),
            _ => {}
        }
    }

    fn tables(&mut self, list: List) -> Vec<&mut dyn TableLike> {
        match self.document.get_mut(list.name()) {
            Some(Item::ArrayOfTables(tables)) => {
                let tables = tables.iter_mut();
                tables.map(|table| table as &mut dyn TableLike).collect()
            }
            Some(Item::Value(Value::Array(array))) => {
                let tables = array.iter_mut().filter_map(Value::as_inline_table_mut);
                tables.map(|table| table as &mut dyn TableLike).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn has_id(table: &dyn TableLike, id: &str) -> bool {
    table.get("id").and_then(Item::as_str) == Some(id)
}
