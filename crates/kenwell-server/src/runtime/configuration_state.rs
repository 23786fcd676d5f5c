//! What is known about the configuration file: which version, whether it can be written, what is wrong.

use std::{fmt, path::PathBuf};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::config::Problem;

/// A version of the file: equal bytes have equal revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision(String);

impl Revision {
    /// The revision of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        // Half of it: nobody gains anything by finding two files with the same revision.
        let half = digest.first_chunk().copied().unwrap_or_default();
        Self(format!("{:032x}", u128::from_be_bytes(half)))
    }

    /// A revision that somebody was given, and now sends back.
    pub fn given(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As text: letters and digits only.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What is known about the configuration file.
#[derive(Debug, Clone)]
pub struct ConfigurationState {
    /// Where it is.
    pub path: PathBuf,
    /// The version last read, also when it cannot be used.
    pub revision: Revision,
    /// Why it cannot be edited here; `None` when it can.
    pub read_only: Option<String>,
    /// Why the version last read is not the running one; empty when it is.
    pub problems: Vec<Problem>,
    /// Settings that differ from the running ones and take effect at the next start only.
    pub needs_restart: Vec<String>,
    /// When the running configuration was taken over.
    pub loaded_at: Timestamp,
}
