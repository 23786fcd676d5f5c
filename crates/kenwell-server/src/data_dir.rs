//! `data_dir`: everything that Kenwell keeps, for its user alone.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use kenwell_journal::files;

/// Kenwell's files that lie in `data_dir` itself. Other files there may be anybody's, such as the configuration, and are
/// left alone.
const FILES: [&str; 5] = [
    "admin-key",
    "installation-id",
    "journal-id",
    "dev.lock",
    "history.json",
];
/// Directories in it in which all files are Kenwell's. The journal looks after its own.
const DIRECTORIES: [&str; 2] = ["dead-letters", "redis"];

/// Makes the directory when there is none, and takes from everybody but its owner the rights to it and to what of ours
/// lies there. Where that is refused it is logged as a WARN.
///
/// # Errors
/// It cannot be made.
pub(crate) fn prepare(data_dir: &Path) -> io::Result<()> {
    files::make_directory(data_dir)?;
    files::restrict(data_dir, |name| {
        FILES.iter().any(|ours| name == OsStr::new(ours))
    });
    for directory in DIRECTORIES.map(|name| data_dir.join(name)) {
        if directory.is_dir() {
            files::restrict(&directory, |_| true);
        }
    }
    Ok(())
}
