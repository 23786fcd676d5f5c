//! `data_dir`: everything that Kenwell keeps, for its user alone.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use kenwell_journal::files;
use rustix::fs::statvfs;

use crate::metrics::DiskSpace;

/// Kenwell's files that lie in `data_dir` itself. Other files there may be anybody's, such as the configuration, and are
/// left alone.
const FILES: [&str; 7] = [
    "admin-key",
    "audit.jsonl",
    "audit.old.jsonl",
    "history.json",
    "installation-id",
    "journal-id",
    "dev.lock",
];
/// Directories in it in which all files are Kenwell's. The journal looks after its own.
const DIRECTORIES: [&str; 2] = ["dead-letters", "redis"];

/// How much room the disk of the directory has; `None` when the system does not say.
pub(crate) fn space(data_dir: &Path) -> Option<DiskSpace> {
    let found = statvfs(data_dir).ok()?;
    Some(DiskSpace {
        available: found.f_bavail.saturating_mul(found.f_frsize),
        size: found.f_blocks.saturating_mul(found.f_frsize),
    })
}

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
