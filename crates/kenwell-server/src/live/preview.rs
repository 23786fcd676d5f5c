//! What an edit would make of the configuration, without making it.

use super::{
    Live,
    edit::{Applied, Edit},
    error::EditError,
    file,
};
use crate::config::Config;

impl Live {
    /// The configuration as it would be with this edit, checked like any other. Nothing is written, and a
    /// file that is read-only will do.
    ///
    /// # Errors
    /// [`EditError`], as [`Live::edit`] would give.
    pub fn preview(&self, edit: Edit) -> Result<(Config, Applied), EditError> {
        let file = &self.inner.file;
        let path = file.path();
        let before = file::read(path).map_err(|source| EditError::Io {
            action: "read",
            path: path.to_path_buf(),
            source,
        })?;
        let (text, applied) = self.rewrite(&before, vec![edit])?;
        let loaded = Config::parse(path, &text, file.environment())
            .map_err(|problems| EditError::Invalid(Box::new(problems)))?;
        Ok((loaded.config, applied))
    }
}
