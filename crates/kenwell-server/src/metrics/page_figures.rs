//! What the page shows besides what is counted: looked at whenever the page is made.

use jiff::Timestamp;

/// What the page shows besides what is counted, as of now.
#[derive(Debug, Clone, Default)]
pub struct PageFigures {
    /// The journal's.
    pub journal: kenwell_journal::Stats,
    /// Whether the gateway takes events.
    pub is_accepting: bool,
    /// Whether the configuration file as it is now is what runs.
    pub is_configuration_in_force: bool,
    /// When what runs was taken over; `None` shows 0.
    pub configuration_loaded_at: Option<Timestamp>,
    /// The disk of the data directory; `None` when the system does not say.
    pub disk: Option<DiskSpace>,
    /// The destinations, those included that are not configured and have events waiting.
    pub destinations: Vec<DestinationFigures>,
    /// When certificates expire.
    pub certificates: Vec<CertificateExpiry>,
}

impl From<kenwell_journal::Stats> for PageFigures {
    fn from(journal: kenwell_journal::Stats) -> Self {
        Self {
            journal,
            ..Self::default()
        }
    }
}

/// How much room a disk has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    /// Bytes that we may still write.
    pub available: u64,
    /// Bytes at all.
    pub size: u64,
}

/// How a destination is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct DestinationFigures {
    /// Its id.
    pub id: String,
    /// One of [`STATES`].
    pub state: &'static str,
    /// Whether somebody has to change a setting, or to decide.
    pub needs_operator: bool,
    /// Age of its oldest event that is not applied, in seconds; 0 when there is none.
    pub lag_seconds: f64,
}

/// When a certificate expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateExpiry {
    /// Whose it is.
    pub owner: CertificateOwner,
    /// In seconds since 1970.
    pub expires_at: i64,
}

/// Whose a certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateOwner {
    /// The listener of this name shows it.
    Listener(&'static str),
    /// It belongs to a destination.
    Destination {
        /// The destination's id.
        id: String,
        /// The setting that holds it; `address` for what its servers show.
        setting: &'static str,
    },
}

/// Every state that a destination can be in.
pub const STATES: [&str; 8] = [
    "connecting",
    "up",
    "waiting",
    "restoring",
    "incomplete",
    "paused",
    "disabled",
    "retired",
];
