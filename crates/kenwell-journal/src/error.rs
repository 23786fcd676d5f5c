//! What can go wrong, with what a caller needs to decide what to do next.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a call of the journal failed.
///
/// It can be cloned, because one failed write answers every append of its group.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The journal holds as much as [`Options::max_bytes`](crate::Options::max_bytes) allows and a reader still needs
    /// all of it. Nothing was written; room appears as soon as the readers ack.
    #[error(
        "the journal is full: its {max_bytes} bytes all hold records that some cursor still needs"
    )]
    Full {
        /// The bound that was met.
        max_bytes: u64,
    },
    /// The file system has no room (or the quota is used up). Nothing was kept of the append; the journal goes on by
    /// itself once there is space.
    #[error("no space left on the disk for {}", path.display())]
    NoSpace {
        /// What could not be written.
        path: PathBuf,
    },
    /// Another instance holds the directory.
    #[error("the journal directory {} is in use by another instance", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
    /// A record, or a whole batch, is larger than a journal with these options can ever hold.
    #[error("{bytes} bytes are more than the {limit} bytes a record or batch may have")]
    RecordTooLarge {
        /// Size of the offending record or batch.
        bytes: u64,
        /// What is allowed.
        limit: u64,
    },
    /// A cursor's name must be 1 to 64 characters of `a-z`, `0-9`, `_` and `-`.
    #[error("{name:?} is not a cursor name: use 1 to 64 characters of a-z, 0-9, _ and -")]
    CursorName {
        /// The name as given.
        name: String,
    },
    /// The cursor has a [`Reader`](crate::Reader) already.
    #[error("the cursor {name:?} has a reader already")]
    CursorBusy {
        /// The cursor.
        name: String,
    },
    /// An ack for records that this reader has not handed out yet.
    #[error("cannot ack up to {up_to}: the reader has only reached {reached}")]
    AckAhead {
        /// What was to be acknowledged.
        up_to: u64,
        /// The first offset that was not handed out yet.
        reached: u64,
    },
    /// A segment was written by a newer version of this program, so nothing in the directory was touched.
    #[error("{} has format version {version}, which this version cannot read", path.display())]
    UnknownVersion {
        /// The file.
        path: PathBuf,
        /// The version it states.
        version: u16,
    },
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Arc<io::Error>,
    },
}

impl Error {
    /// Whether the same call may succeed later, with nothing changed about the call itself.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Full { .. } | Self::NoSpace { .. } | Self::Io { .. }
        )
    }

    /// Makes an error of a failed system call on `path`; a full disk gets its own variant.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { path },
            _ => Self::Io {
                action,
                path,
                source: Arc::new(source),
            },
        }
    }
}
