//! The servers that Kenwell is tried with.

use std::path::{Path, PathBuf};

/// A program that speaks Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// The system's `redis-server`.
    Redis,
    /// The oldest Redis that is promised to work.
    Redis62,
    /// A Redis that knows a time to live of fields.
    Redis82,
    Valkey,
}

impl Flavour {
    /// Where the program is. The tests of its absence are those that fail with the words below.
    pub fn program(self) -> PathBuf {
        let (variable, name) = match self {
            Self::Redis => return "redis-server".into(),
            Self::Redis62 => ("REDIS_6_2_SERVER", "redis-server-6.2"),
            Self::Redis82 => ("REDIS_8_2_SERVER", "redis-server-8.2"),
            Self::Valkey => ("VALKEY_SERVER", "valkey-server"),
        };
        if let Some(path) = std::env::var_os(variable) {
            return path.into();
        }
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let path = target.join("test-servers").join(name);
        assert!(
            path.exists(),
            "{} is missing; bring it: conformance/servers/install (or set {variable} to a {name} of yours)",
            path.display()
        );
        path
    }
}
