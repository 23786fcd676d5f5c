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
    /// Where the program is.
    pub fn program(self) -> PathBuf {
        match self {
            Self::Redis => "redis-server".into(),
            Self::Redis62 => installed("REDIS_6_2_SERVER", "redis-server-6.2"),
            Self::Redis82 => installed("REDIS_8_2_SERVER", "redis-server-8.2"),
            Self::Valkey => installed("VALKEY_SERVER", "valkey-server"),
        }
    }
}

/// Where the module RedisJSON is, for `--loadmodule`.
pub fn redis_json() -> String {
    let path = installed("REDISJSON_MODULE", "rejson.so");
    path.to_str().unwrap().to_owned()
}

/// Where something is that is brought for the tests. Those of its absence are the ones that fail with the words below.
fn installed(variable: &str, name: &str) -> PathBuf {
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
