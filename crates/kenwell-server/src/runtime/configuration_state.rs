//! What is known about the configuration file: which version, whether it can be written, what is wrong.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    path::PathBuf,
    sync::LazyLock,
};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::config::{Destination, Problem, Source};

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

    /// The revision of one source: another one when one of its settings is.
    pub fn of_source(source: &Source) -> Self {
        Self::of(format!("{source:?}{}", source.write_key.expose()).as_bytes())
    }

    /// The revision of one destination: another one when one of its settings is, but not when it is paused or goes on.
    /// What it says of secrets means something as long as the server runs, so that nobody can try secrets on it.
    pub fn of_destination(destination: &Destination) -> Self {
        static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let secrets: Vec<_> = destination.secrets().collect();
        let secrets = (!secrets.is_empty()).then(|| HASHER.hash_one(secrets));
        Self::of(format!("{} {secrets:?}", destination.settings_text()).as_bytes())
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, Environment};

    const FILE: &str = "[[sources]]\nid = \"web\"\nwrite_key = \"k\"\n\n[[destinations]]\nid = \"a\"\naddress = \"r:1\"\npassword = \"one\"\n";

    fn revisions(text: &str) -> (Revision, Revision) {
        let path = Path::new("/kenwell.toml");
        let loaded = Config::parse(path, text, &Environment::default()).unwrap();
        let config = loaded.config;
        (
            Revision::of_source(&config.sources[0]),
            Revision::of_destination(&config.destinations[0]),
        )
    }

    #[test]
    fn a_setting_changes_the_revision_of_what_it_belongs_to_and_nothing_else_does() {
        let (source, destination) = revisions(FILE);
        for other in ["address = \"r:2\"", "address = \"r:1\"\nprefix = \"p\""] {
            let (same, changed) = revisions(&FILE.replace("address = \"r:1\"", other));
            assert!(same == source && changed != destination, "{other}");
        }
        let (same, changed) = revisions(&FILE.replace("\"one\"", "\"two\""));
        assert!(same == source && changed != destination, "a secret");
        let (changed, same) = revisions(&FILE.replace("\"k\"", "\"l\""));
        assert!(changed != source && same == destination, "a write key");
        let paused = FILE.replace("address", "paused = true # for a while\naddress");
        assert_eq!(revisions(&paused), (source, destination));
    }
}
