//! What edits would make of the configuration, without making them.

use std::io;

use super::{
    Runtime,
    config_file::{self, FileText},
    document::Document,
    edit::{Applied, Edit},
    error::EditError,
    named,
    recipient::GivenSecrets,
    rewrite::Rewrite,
};
use crate::config::{self, Config, Loaded, Problems};

/// The file as it would be, checked like any other.
pub(super) struct EditedFile {
    pub(super) text: String,
    pub(super) loaded: Loaded,
    pub(super) applied: Applied,
}

impl Runtime {
    /// The configuration as it would be with this edit, checked like any other. Nothing is written, and a
    /// file that is read-only will do.
    ///
    /// # Errors
    /// [`EditError`], as [`Runtime::edit`] would give.
    pub fn preview(&self, edit: Edit) -> Result<(Config, Applied), EditError> {
        let path = self.inner.file.path();
        let before = config_file::read(path).map_err(EditError::io("read", path))?;
        let edited = self.edited_file(&before, vec![edit])?;
        Ok((edited.loaded.config, edited.applied))
    }

    /// What the file would say, if whoever edits over the network may have it so.
    pub(super) fn edited_file(
        &self,
        before: &FileText,
        mut edits: Vec<Edit>,
    ) -> Result<EditedFile, EditError> {
        let file = &self.inner.file;
        let (path, environment) = (file.path(), file.environment());
        let invalid = |problems: Problems| EditError::Invalid(Box::new(problems));
        // A file that cannot be used as it is has to be mended by who broke it.
        let now = Config::parse(path, &before.text, environment).map_err(invalid)?;
        let document = Document::parse(&before.text).map_err(io::Error::other);
        let mut document = document.map_err(EditError::io("edited", path))?;
        let running = self.config();
        let allowed = &running.private.allowed_references;
        let named = named::check(&mut edits, &mut document, &now.config, allowed, path);
        let named = named.map_err(invalid)?;
        let given: Vec<_> = edits.iter().map(GivenSecrets::of).collect();
        let mut rewrite = Rewrite::new(document);
        for edit in edits {
            rewrite.make(edit)?;
        }
        let text = rewrite.text();
        let shadowed = rewrite.touched.into_iter().filter_map(|(list, id, key)| {
            let variable = config::variable(list.name(), &id, key);
            environment.get(&variable)?;
            Some((format!("{}.{id}.{key}", list.name()), variable))
        });
        let applied = Applied {
            shadowed: shadowed.collect(),
            ids: rewrite.ids,
        };
        let loaded = Config::parse(path, &text, environment)
            .map_err(|problems| invalid(named.without_details(problems, path, &applied.ids)))?;
        let changed = given.iter().zip(&applied.ids);
        let problems = changed.filter_map(|(given, id)| {
            let given = given.as_ref()?;
            given.problem(id, &now.config, &loaded.config, environment, path)
        });
        let errors: Vec<_> = problems.collect();
        if !errors.is_empty() {
            return Err(invalid(errors.into()));
        }
        Ok(EditedFile {
            text,
            loaded,
            applied,
        })
    }
}
