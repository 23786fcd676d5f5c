//! Why the configuration changes, for the log and the audit log.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    audit::{AuditEntry, AuditLog, AuditResult, Who},
    time,
};

/// Why the file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReloadReason {
    /// Somebody asks for it.
    Asked,
    /// It changed, and nobody has written to it for this long.
    Changed { unchanged: Duration },
    /// What was in the way of the version last read may be gone.
    Retry,
}

/// Who wants a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChangeCause {
    /// Somebody asks for it over the private plane.
    Edit,
    /// Somebody has edited the file, or asks to have it read again.
    File(ReloadReason),
}

impl ChangeCause {
    /// In words, for the log.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Edit => "an edit over the private plane",
            Self::File(ReloadReason::Asked) => "the file was to be read again",
            Self::File(ReloadReason::Changed { .. }) => "the file was edited",
            Self::File(ReloadReason::Retry) => "what was in the way of the file is gone",
        }
    }

    /// Notes that a file was taken over, with the names of the settings that changed. An edit is noted by the private
    /// plane, which knows who made it.
    pub(super) fn note(self, log: &AuditLog, settings: Vec<String>, is_done: bool) {
        if self == Self::Edit {
            return;
        }
        log.note(AuditEntry {
            at: time::text(Timestamp::now()),
            who: Who::File,
            address: None,
            deed: "take_over_file".to_owned(),
            about: None,
            settings,
            result: if is_done {
                AuditResult::Done
            } else {
                AuditResult::Failed
            },
            status: None,
        });
    }
}
