//! One thing that was looked at, how it is, and what to do about it.

use std::fmt;

use crate::printable;

/// The most bytes of a sentence; servers and certificates have a part in it.
const MAX_SAYS: usize = 2_000;

/// What is looked at, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Check {
    /// What the settings say, without asking anybody.
    Settings,
    /// The host's name has addresses.
    Name,
    /// Something listens there.
    Connect,
    /// The encryption, and the server's certificate.
    Tls,
    /// User and password.
    Login,
    /// What the user may do.
    Rights,
    /// The database can be selected.
    Database,
    /// Standalone, or a cluster, as the settings say.
    Topology,
    /// Master, or a replica that refuses writes.
    Role,
    /// Which server, and how old.
    Version,
    /// Whether profiles are thrown away when memory is short.
    Eviction,
    /// Whether profiles survive a restart of the server.
    Persistence,
    /// Whether a Redis that came back with less is noticed.
    Marker,
    /// A key was written, read and deleted.
    Probe,
    /// How long an answer takes.
    RoundTrip,
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// Fine.
    Ok,
    /// Works, with a risk that the operator should know.
    Warning,
    /// Does not work.
    Failed,
    /// Could not be looked at, or does not apply.
    Skipped,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// How it is.
    pub status: Status,
    /// A sentence.
    pub says: String,
    /// What to do; it names the setting. Set for whatever failed or is a risk.
    pub cure: Option<String>,
}

impl Check {
    /// All of them, in the order in which they are made.
    pub const ALL: [Self; 15] = [
        Self::Settings,
        Self::Name,
        Self::Connect,
        Self::Tls,
        Self::Login,
        Self::Rights,
        Self::Database,
        Self::Topology,
        Self::Role,
        Self::Version,
        Self::Eviction,
        Self::Persistence,
        Self::Marker,
        Self::Probe,
        Self::RoundTrip,
    ];

    /// A stable name: lower case, `_` between words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Name => "name",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Login => "login",
            Self::Rights => "rights",
            Self::Database => "database",
            Self::Topology => "topology",
            Self::Role => "role",
            Self::Version => "version",
            Self::Eviction => "eviction",
            Self::Persistence => "persistence",
            Self::Marker => "marker",
            Self::Probe => "probe",
            Self::RoundTrip => "round_trip",
        }
    }

    pub(super) fn ok(self, says: impl Into<String>) -> Finding {
        self.finding(Status::Ok, says.into(), None)
    }

    pub(super) fn skipped(self, says: impl Into<String>) -> Finding {
        self.finding(Status::Skipped, says.into(), None)
    }

    pub(super) fn warning(self, says: impl Into<String>, cure: impl Into<String>) -> Finding {
        self.finding(Status::Warning, says.into(), Some(cure.into()))
    }

    pub(super) fn failed(self, says: impl Into<String>, cure: impl Into<String>) -> Finding {
        self.finding(Status::Failed, says.into(), Some(cure.into()))
    }

    fn finding(self, status: Status, says: String, cure: Option<String>) -> Finding {
        let shown = |text: String| {
            let begin = text.get(..text.floor_char_boundary(MAX_SAYS));
            printable(begin.unwrap_or_default()).into_owned()
        };
        Finding {
            check: self,
            status,
            says: shown(says),
            cure: cure.map(shown),
        }
    }
}

impl Finding {
    /// The same with something to do.
    pub(super) fn with_cure(self, cure: impl Into<String>) -> Self {
        Self {
            cure: Some(cure.into()),
            ..self
        }
    }
}

impl Status {
    /// `ok`, `warning`, `failed` or `skipped`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}
