//! What is told of one deed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most characters of an id that is told.
const MAX_ID: usize = 128;

/// One deed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// When it ended.
    pub(crate) at: String,
    /// Who did it: `admin_key` (a program that sent it), `session` (a browser that is signed in), or `file`
    /// (whoever edits the configuration file).
    pub(crate) who: Who,
    /// The address that the request came from; null for the file.
    pub(crate) address: Option<String>,
    /// What was done: the name of the operation in this description (`operationId`), `take_over_file`, or
    /// `sign_in_by_link`.
    #[schema(example = "change_destination")]
    pub(crate) deed: String,
    /// The id of the source or destination that it was about.
    pub(crate) about: Option<String>,
    /// The settings that were to change, by name.
    pub(crate) settings: Vec<String>,
    /// `done`, `refused` (4xx), `failed` (5xx), or `interrupted` (the client went away before it was answered;
    /// what was begun is carried out all the same).
    pub(crate) result: AuditResult,
    /// The status of the answer; null where there was none.
    pub(crate) status: Option<u16>,
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Who {
    /// A program that sent the admin key.
    AdminKey,
    /// A browser that is signed in.
    Session,
    /// Whoever edits the configuration file.
    File,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AuditResult {
    /// It was done.
    Done,
    /// The request could not be carried out as it was.
    Refused,
    /// Something else was in its way.
    Failed,
    /// Nobody heard the answer.
    Interrupted,
}

impl AuditEntry {
    /// Writes it to the log, for whoever collects logs.
    pub(super) fn log(&self) {
        let (who, result) = (self.who.as_str(), self.result.as_str());
        let settings = self.settings.join(", ");
        tracing::info!(
            target: "audit",
            who,
            address = self.address.as_deref().unwrap_or_default(),
            deed = self.deed,
            about = self.about.as_deref().unwrap_or_default(),
            settings,
            result,
            status = self.status.unwrap_or_default(),
            "audit"
        );
    }

    /// An id as it is told: whatever a request says, it is bounded.
    pub(crate) fn id(text: &str) -> String {
        text.chars().take(MAX_ID).collect()
    }
}

impl Who {
    fn as_str(self) -> &'static str {
        match self {
            Self::AdminKey => "admin_key",
            Self::Session => "session",
            Self::File => "file",
        }
    }
}

impl AuditResult {
    /// What a status says.
    pub(crate) fn of(status: u16) -> Self {
        match status {
            ..400 => Self::Done,
            400..500 => Self::Refused,
            _ => Self::Failed,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}
