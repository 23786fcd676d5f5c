//! What lies in the journal's directory, by name; and the lock on it.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::cursor::{self, CursorName};
use crate::cursor_list;
use crate::error::Error;
use crate::files::{self, UNFINISHED};
use crate::segment_header::SegmentIdentity;

/// Name of the file that the owner holds locked.
pub(crate) const LOCK: &str = "lock";
/// Ending of files of deleted segments that earlier versions kept, to write new segments into them.
const SPARE: &str = ".spare";

/// The files of a journal.
#[derive(Debug, Default)]
pub(crate) struct DirectoryListing {
    /// In the order they were written.
    pub(crate) segments: Vec<(SegmentIdentity, PathBuf)>,
    pub(crate) cursors: Vec<(CursorName, PathBuf)>,
    /// Unfinished files, and those that earlier versions kept: nothing in them is needed.
    pub(crate) leftovers: Vec<PathBuf>,
    /// Files that are not a journal's.
    pub(crate) foreign: Vec<PathBuf>,
}

/// Lists the files in `dir` by what they are.
pub(crate) fn list(dir: &Path) -> Result<DirectoryListing, Error> {
    let mut listing = DirectoryListing::default();
    for entry in std::fs::read_dir(dir).map_err(Error::io("list", dir))? {
        let entry = entry.map_err(Error::io("list", dir))?;
        let path = entry.path();
        let name = entry.file_name();
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        match name.to_str().filter(|_| is_file) {
            None => listing.foreign.push(path),
            Some(LOCK | cursor::END_MARK | cursor_list::FILE_NAME) => {}
            Some(name) => listing.sort_in(name, path),
        }
    }
    listing
        .segments
        .sort_by_key(|(identity, _)| (identity.id, identity.base));
    listing.cursors.sort();
    Ok(listing)
}

impl DirectoryListing {
    fn sort_in(&mut self, name: &str, path: PathBuf) {
        if let Some(identity) = SegmentIdentity::from_file_name(name) {
            self.segments.push((identity, path));
        } else if let Some(cursor) = cursor::name_of_file(name) {
            self.cursors.push((cursor, path));
        } else if name.ends_with(UNFINISHED) || name.ends_with(SPARE) {
            self.leftovers.push(path);
        } else {
            self.foreign.push(path);
        }
    }
}

/// Creates the directory if need be and takes its lock, which lasts as long as the returned file. Rights that others
/// have to the files there are taken away.
pub(crate) fn take_lock(dir: &Path) -> Result<File, Error> {
    files::make_directory(dir).map_err(Error::io("create", dir))?;
    let path = dir.join(LOCK);
    let file = files::open_or_make(&path).map_err(Error::io("open", &path))?;
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => {
            files::restrict(dir, |_| true);
            Ok(file)
        }
        Err(fs4::TryLockError::WouldBlock) => Err(Error::Locked {
            dir: dir.to_path_buf(),
        }),
        Err(fs4::TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
    }
}

/// Whether an instance holds the journal in `dir` open, in this process or another one. Changes nothing there.
///
/// # Errors
/// [`Error::Io`] when the lock cannot be looked at.
pub fn is_in_use(dir: &Path) -> Result<bool, Error> {
    let path = dir.join(LOCK);
    let file = match files::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        opened => opened.map_err(Error::io("open", &path))?,
    };
    match fs4::FileExt::try_lock_shared(&file) {
        Ok(()) => Ok(false),
        Err(fs4::TryLockError::WouldBlock) => Ok(true),
        Err(fs4::TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
    }
}
