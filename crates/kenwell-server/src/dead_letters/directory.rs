//! The directory with the dead letters of all destinations.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use kenwell::profile::Layout;

use super::error::Error;
use super::files::io;
use super::letter::DeadLetter;
use super::letter_reader::LetterReader;
use super::log::Log;
use super::outstanding::OutstandingLetters;
use super::rewrite::Rewrite;
use crate::mutex::lock;

/// The dead letters of all destinations: one file each, `<destination>.jsonl`, a JSON object a line.
///
/// Several processes may use the same directory at once: the server appends while the command line
/// lists and retries. All calls block on files and locks: from async code, use a blocking task.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    directory: PathBuf,
    max_bytes: u64,
    destinations: Arc<Mutex<BTreeMap<String, DestinationLetters>>>,
}

/// What is known of one destination's letters.
#[derive(Debug)]
struct DestinationLetters {
    log: Arc<Log>,
    outstanding: Option<Arc<OutstandingLetters>>,
}

impl DeadLetters {
    /// Uses `directory`, which is created when missing, with room for `max_bytes` per destination.
    pub fn open(directory: &Path, max_bytes: u64) -> Result<Self, Error> {
        kenwell_journal::files::make_directory(directory).map_err(io("create", directory))?;
        Ok(Self {
            directory: directory.to_path_buf(),
            max_bytes,
            destinations: Arc::default(),
        })
    }

    /// Writes the letters, all or none; returns when they are on disk.
    ///
    /// # Errors
    /// [`Error::Full`] when they do not fit, and [`Error::Io`]; nothing was kept then.
    pub fn append(&self, destination: &str, letters: &[DeadLetter]) -> Result<(), Error> {
        self.log(destination)
            .append_letters(letters, std::iter::empty())
    }

    /// The letters of a destination as they are now, oldest first.
    pub fn list(&self, destination: &str) -> Result<LetterReader, Error> {
        self.log(destination).list()
    }

    /// Begins to go through the letters of a destination, to keep some and drop others.
    ///
    /// # Errors
    /// [`Error::Busy`] when another process does so.
    pub fn rewrite(&self, destination: &str) -> Result<Rewrite, Error> {
        Rewrite::begin(self.log(destination))
    }

    /// The outstanding letters of a destination whose keys are named like this; the same at every call with the
    /// same layout. Nothing is read yet. Does not block.
    pub fn outstanding(&self, destination: &str, layout: &Layout) -> Arc<OutstandingLetters> {
        self.with(destination, |letters| match &letters.outstanding {
            Some(known) if known.layout() == layout => Arc::clone(known),
            _ => {
                let log = Arc::clone(&letters.log);
                let new = Arc::new(OutstandingLetters::new(log, layout.clone()));
                letters.outstanding = Some(Arc::clone(&new));
                new
            }
        })
    }

    pub(super) fn log(&self, destination: &str) -> Arc<Log> {
        self.with(destination, |letters| Arc::clone(&letters.log))
    }

    fn with<T>(&self, destination: &str, use_it: impl FnOnce(&mut DestinationLetters) -> T) -> T {
        let mut open = lock(&self.destinations);
        let letters = open
            .entry(destination.to_owned())
            .or_insert_with(|| DestinationLetters {
                log: Arc::new(Log::new(&self.directory, destination, self.max_bytes)),
                outstanding: None,
            });
        use_it(letters)
    }
}
