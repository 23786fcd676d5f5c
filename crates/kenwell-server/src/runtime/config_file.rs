//! `kenwell.toml` on disk: read within bounds, and known by its revision.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::configuration_state::Revision;
use crate::config::{self, Config, Environment, Loaded, Problems};

/// The configuration file and the environment on top of it.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    path: PathBuf,
    environment: Environment,
    revision: Revision,
    text: Arc<str>,
    loaded: Loaded,
}

/// The file at one moment.
pub(super) struct FileText {
    pub(super) text: String,
    pub(super) revision: Revision,
}

impl ConfigFile {
    /// Loads the file.
    ///
    /// # Errors
    /// All problems found.
    pub fn open(path: &Path, environment: Environment) -> Result<Self, Problems> {
        let FileText { text, revision } =
            read(path).map_err(|error| config::unreadable(path, &error))?;
        let loaded = Config::parse(path, &text, &environment)?;
        Ok(Self {
            path: path.to_path_buf(),
            environment,
            revision,
            text: text.into(),
            loaded,
        })
    }

    /// What it said when it was loaded.
    pub fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    pub(super) fn revision(&self) -> &Revision {
        &self.revision
    }

    pub(super) fn text(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }
}

/// The file's text now.
pub(super) fn read(path: &Path) -> io::Result<FileText> {
    let text = config::read_file(path)?;
    let revision = Revision::of(text.as_bytes());
    Ok(FileText { text, revision })
}
