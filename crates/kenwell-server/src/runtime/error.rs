//! Why a change or a replay did not happen.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::config::Problems;

/// Why an edit was not made. The file and what runs are as they were, except with [`EditError::NotApplied`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The file is not the version that the edit was made for, or not the one last read.
    #[error("{} was changed meanwhile: look at it again and repeat the edit", .path.display())]
    ChangedMeanwhile {
        /// The file.
        path: PathBuf,
    },
    /// What the edit is about is not what the edit was made for.
    #[error("the {kind} \"{id}\" was changed meanwhile: look at it again and repeat the edit")]
    OtherMeanwhile {
        /// `source` or `destination`.
        kind: &'static str,
        /// Its id.
        id: String,
    },
    /// The file or its directory cannot be written.
    #[error("the configuration is read-only: {reason}")]
    ReadOnly {
        /// What stands in the way, and what to do about it.
        reason: String,
    },
    /// With the edit the configuration could not be used.
    #[error("{0}")]
    Invalid(Box<Problems>),
    /// There is nothing to change.
    #[error("there is no {kind} \"{id}\"")]
    NotFound {
        /// `source` or `destination`.
        kind: &'static str,
        /// The id that was asked for.
        id: String,
    },
    /// An id is taken.
    #[error("there is a {kind} \"{id}\" already: choose another id")]
    Exists {
        /// `source` or `destination`.
        kind: &'static str,
        /// The id that was asked for.
        id: String,
    },
    /// The file could not be read or written.
    #[error("{} could not be {action}", .path.display())]
    Io {
        /// `read`, `edited` or `written`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A write key could not be made.
    #[error("the system has no random bytes for a write key")]
    NoRandom(#[source] io::Error),
    /// The file is not what runs, and must not come into force by an edit of something else.
    #[error("the configuration file is not in force, so it cannot be edited here: {}", first(.0))]
    NotInForce(Box<Problems>),
    /// A destination would be removed though events wait for it, more than are given up.
    #[error(
        "{} for the destination \"{id}\": let it drain, disable it to keep what waits, or give up as many",
        events_wait(*.events)
    )]
    EventsWait {
        /// The destination.
        id: String,
        /// How many events wait for it.
        events: u64,
    },
    /// It is not known yet how many events wait for a destination.
    #[error(
        "the events that wait for the destination \"{id}\" are being counted: try again in a moment"
    )]
    NotCounted {
        /// The destination.
        id: String,
    },
    /// A destination would get events, but its place in the journal cannot be made.
    #[error("the place of the destination \"{id}\" in the journal cannot be made")]
    NotOpened {
        /// The destination.
        id: String,
        /// Why.
        #[source]
        source: kenwell_journal::Error,
    },
    /// The file has the edit, what runs has it in part: the journal is closed, or its disk fails.
    #[error(
        "the file was changed, but the change could not be carried out completely; it is tried again by itself"
    )]
    NotApplied(#[source] kenwell_journal::Error),
}

/// Why there is no replay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// There is no such destination.
    #[error("there is no destination \"{0}\"")]
    NotFound(String),
    /// It gets nothing, so there is nothing to replay to.
    #[error("the destination \"{0}\" is disabled: enable it first")]
    Disabled(String),
    /// The journal could not be read, or its cursor not be moved.
    #[error("the journal could not be read")]
    Journal(#[from] kenwell_journal::Error),
}

/// "1 event waits", "3 events wait".
pub(crate) fn events_wait(events: u64) -> String {
    match events {
        1 => "1 event waits".to_owned(),
        events => format!("{events} events wait"),
    }
}

fn first(problems: &Problems) -> String {
    let first = problems.errors.first();
    first.map_or_else(String::new, |problem| {
        format!("{}; {}", problem.what, problem.fix)
    })
}

impl EditError {
    /// A failure to have the file `read`, `edited` or `written`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
