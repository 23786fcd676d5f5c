//! The tables of the file that an edit changes, as people may see them: without secrets.

use std::io;

use super::{
    Runtime, config_file,
    document::{Document, List},
    edit::Edit,
    error::EditError,
    list::set,
};
use crate::config::{DESTINATION, Key, SOURCE};

/// What stands for a secret.
const HIDDEN: &str = "(hidden)";
/// What stands for a secret that is another one than before.
const CHANGED: &str = "(hidden, changed)";

/// The tables that an edit changes, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangedTables {
    /// As they are.
    pub before: String,
    /// As they would be.
    pub after: String,
}

impl Runtime {
    /// What this edit would make of the file. Nothing is written, and a file that is read-only will do.
    ///
    /// # Errors
    /// [`EditError`], as [`Runtime::edit`] would give.
    pub fn changed_tables(&self, edit: Edit) -> Result<ChangedTables, EditError> {
        let path = self.inner.file.path();
        let before = config_file::read(path).map_err(EditError::io("read", path))?;
        let edited = self.edited_file(&before, vec![edit])?;
        let parse = |text| {
            let document = Document::parse(text).map_err(io::Error::other);
            document.map_err(EditError::io("edited", path))
        };
        Ok(changed(
            &mut parse(&before.text)?,
            &mut parse(&edited.text)?,
        ))
    }
}

/// The tables in which two versions of the file differ.
fn changed(before: &mut Document, after: &mut Document) -> ChangedTables {
    let mut changed = ChangedTables::default();
    for list in [List::Sources, List::Destinations] {
        let mut ids = before.ids(list);
        ids.extend(
            after
                .ids(list)
                .into_iter()
                .filter(|id| !ids.contains(id))
                .collect::<Vec<_>>(),
        );
        for id in ids {
            hide_secrets(list, &id, before, after);
            let (was, is) = (before.table_text(list, &id), after.table_text(list, &id));
            if was != is {
                changed.before.push_str(&was);
                changed.after.push_str(&is);
            }
        }
    }
    changed
}

fn hide_secrets(list: List, id: &str, before: &mut Document, after: &mut Document) {
    let keys: &[Key] = match list {
        List::Sources => SOURCE,
        List::Destinations => DESTINATION,
    };
    for key in keys.iter().filter(|key| key.is_secret()) {
        let was = before.value_text(list, id, key.name);
        let is = after.value_text(list, id, key.name);
        for (document, text, shown) in [
            (&mut *before, &was, HIDDEN),
            (&mut *after, &is, if was == is { HIDDEN } else { CHANGED }),
        ] {
            if text.is_some()
                && let Some(table) = document.find(list, id)
            {
                set(table, key.name, shown.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(before: &str, after: &str) -> ChangedTables {
        let mut before = Document::parse(before).unwrap();
        changed(&mut before, &mut Document::parse(after).unwrap())
    }

    const FILE: &str = "data_dir = \"x\"\n\n[[sources]]\nid = \"web\"\nwrite_key = \"key\"\n\n# ours\n[[destinations]]\nid = \"a\"\naddress = \"r:1\" # near\npassword = \"s3cret\"\n\n[[destinations]]\nid = \"b\"\nurl = \"redis://u:s3cret@r\"\n";

    #[test]
    fn only_what_differs_is_shown_and_no_secret() {
        let changed = of(FILE, &FILE.replace("r:1", "r:2"));
        assert!(changed.before.contains("# ours\n[[destinations]]\nid = \"a\"\naddress = \"r:1\" # near\npassword = \"(hidden)\"\n"), "{changed:?}");
        assert_eq!(changed.after, changed.before.replace("r:1", "r:2"));
        assert!(!changed.before.contains("web") && !changed.before.contains("data_dir"));
        assert_eq!(of(FILE, FILE), ChangedTables::default());
    }

    #[test]
    fn a_secret_that_changes_is_said_to_and_one_in_a_url_is_hidden() {
        let changed = of(FILE, &FILE.replace("s3cret", "another"));
        assert!(!format!("{changed:?}").contains("s3cret") && !changed.after.contains("another"));
        assert_eq!(changed.after.matches("\"(hidden, changed)\"").count(), 2);
        let added = of(
            FILE,
            &format!("{FILE}\n[[destinations]]\nid = \"c\"\npassword = \"new\"\n"),
        );
        assert_eq!(added.before, "");
        assert!(
            added
                .after
                .contains("id = \"c\"\npassword = \"(hidden, changed)\"")
        );
    }

    #[test]
    fn inline_tables_are_shown_as_they_stand() {
        let file = "destinations = [{ id = \"a\", address = \"r:1\", password = \"s3cret\" }]\n";
        let changed = of(file, &file.replace("r:1", "r:2"));
        assert!(
            changed
                .after
                .contains("address = \"r:2\", password = \"(hidden)\""),
            "{changed:?}"
        );
    }
}
