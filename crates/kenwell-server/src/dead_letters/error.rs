//! Why dead letters could not be written or read.

use std::path::PathBuf;

/// An error of the dead-letter log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The log has reached `dead_letters.max_bytes`; retrying or removing letters makes room.
    #[error(
        "the dead letters of \"{destination}\" have reached {max_bytes} bytes: run `kenwell dead-letters retry`, \
         or raise dead_letters.max_bytes"
    )]
    Full {
        /// Whose log it is.
        destination: String,
        /// The limit.
        max_bytes: u64,
    },
    /// Another process is retrying this destination's letters.
    #[error("another retry of \"{destination}\" is running: wait until it is done")]
    Busy {
        /// Whose log it is.
        destination: String,
    },
    /// The file was changed by hand while a retry went through it.
    #[error("the dead letters of \"{destination}\" were changed meanwhile: retry again")]
    Changed {
        /// Whose log it is.
        destination: String,
    },
    /// A line is not a dead letter; somebody or something else changed the file.
    #[error("{path}:{line} is not a dead letter", path = path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What the JSON reader says.
        #[source]
        source: serde_json::Error,
    },
    /// The file system refused.
    #[error("cannot {action} {path}", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// Whether the same call may succeed later without anybody changing the files.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Full { .. } | Self::Busy { .. } | Self::Changed { .. } | Self::Io { .. } => true,
            Self::Corrupt { .. } => false,
        }
    }
}
