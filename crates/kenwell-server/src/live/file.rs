//! `kenwell.toml` on disk: read within bounds, and known by its revision.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::state::Revision;
use crate::config::{self, Config, Environment, Loaded, Problems};

/// Largest configuration file, in bytes: room for thousands of sources and destinations.
pub const MAX_FILE_BYTES: u64 = 4 << 20;

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
pub(super) struct Text {
    pub(super) text: String,
    pub(super) revision: Revision,
}

impl ConfigFile {
    /// Loads the file.
    ///
    /// # Errors
    /// All problems found.
    pub fn open(path: &Path, environment: Environment) -> Result<Self, Problems> {
        let Text { text, revision } =
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
pub(super) fn read(path: &Path) -> io::Result<Text> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let error = format!("it has more than {MAX_FILE_BYTES} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, error));
    }
    let revision = Revision::of(&bytes);
    let text = String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not valid UTF-8"))?;
    Ok(Text { text, revision })
}
