//! The sources of this moment, swapped for others without a request in between noticing.

use std::sync::{Arc, PoisonError, RwLock};

use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use super::sources::Sources;

/// The sources that may send now.
pub struct SourceTable {
    current: RwLock<Generation>,
}

/// One version of the sources, and the appends that were routed by it.
struct Generation {
    sources: Arc<Sources>,
    appends: TaskTracker,
}

/// The sources by which one request is routed. As long as it lives, [`SourceTable::replace`] waits.
pub(super) struct SourceLease {
    pub(super) sources: Arc<Sources>,
    pub(super) token: TaskTrackerToken,
}

impl SourceTable {
    /// A table that begins with these.
    pub fn new(sources: Sources) -> Self {
        Self {
            current: RwLock::new(Generation::new(sources)),
        }
    }

    /// The sources of this moment.
    pub fn now(&self) -> Arc<Sources> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current.sources)
    }

    /// The sources that decide where a request's events go.
    pub(super) fn lease(&self) -> SourceLease {
        // Both under the lock: a replacement waits for every token given out before.
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        SourceLease {
            sources: Arc::clone(&current.sources),
            token: current.appends.token(),
        }
    }

    /// From now on these decide. Returns once everything that was routed by the sources before is in the
    /// journal, or was refused.
    pub async fn replace(&self, sources: Sources) {
        let before = {
            let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *current, Generation::new(sources)).appends
        };
        before.close();
        before.wait().await;
    }
}

impl Generation {
    fn new(sources: Sources) -> Self {
        Self {
            sources: Arc::new(sources),
            appends: TaskTracker::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, path::Path, pin::pin, task::Poll};

    use super::*;
    use crate::{
        config::{Config, Environment},
        metrics::Metrics,
    };

    fn sources() -> Sources {
        let loaded = Config::parse(Path::new("k.toml"), "", &Environment::default()).unwrap();
        Sources::new(&loaded.config, &Metrics::new(), None)
    }

    #[tokio::test]
    async fn a_replacement_waits_for_what_was_routed_before() {
        let source_table = SourceTable::new(sources());
        let lease = source_table.lease();
        let mut replaced = pin!(source_table.replace(sources()));
        let waits = poll_fn(|context| Poll::Ready(replaced.as_mut().poll(context).is_pending()));
        assert!(waits.await);
        // Requests that begin now are decided by the new ones already.
        assert!(!Arc::ptr_eq(&source_table.now(), &lease.sources));
        drop(lease);
        replaced.await;
    }
}
