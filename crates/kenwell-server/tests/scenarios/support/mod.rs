//! What every scenario needs: a Redis, a server, a client, and patience with an end.

mod http;
mod inside;
mod redis;
mod server;

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

pub(crate) use self::{
    http::{Client, Reply, get, gzip, post, raw},
    inside::Inside,
    redis::Redis,
    server::{ADMIN_KEY, Server, ask, metric},
};

/// How long anything may take before a scenario gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Asks again and again until `found` gives something.
pub(crate) fn eventually<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A port that nobody listens on, outside the range from which clients get theirs. Scenarios run at
/// the same time, in one process or in many, so each process starts elsewhere and counts on.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed) + std::process::id().wrapping_mul(37);
        let port = 10_000 + u16::try_from(next % 20_000).unwrap();
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The conformance directory of the repository.
pub(crate) fn conformance(path: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../conformance")
        .join(path)
}
