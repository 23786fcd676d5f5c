//! What every scenario needs: a Redis, a server, a client, and patience with an end.

mod http;
mod inside;
pub(crate) mod library;
mod redis;
mod server;

use std::time::{Duration, Instant};

pub(crate) use self::{
    http::{Client, Reply, get, gzip, post, raw},
    inside::{Inside, destination_change, source_change},
    library::{
        certificates::Certificates,
        cluster::{Cluster, MASTERS},
        flavour::Flavour,
        ports::free_port,
        proxy::{Act, Proxy, is},
        sentinels::Sentinels,
        server::Server as Node,
    },
    redis::Redis,
    server::{ADMIN_KEY, Server, metric},
};

/// How long anything may take before a scenario gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);
/// The longest pause between two looks: a page of metrics takes longer to make than to wait for.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Asks again and again, ever less often, until `found` gives something.
pub(crate) fn eventually<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(pause);
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// The conformance directory of the repository.
pub(crate) fn conformance(path: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../conformance")
        .join(path)
}
