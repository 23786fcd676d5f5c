//! The sources of this moment, swapped for others without a request in between noticing.

use std::sync::{Arc, PoisonError, RwLock};

use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use super::sources::Sources;

/// Who may send now.
pub struct SourceTable {
    current: RwLock<Generation>,
}

/// One version of the sources, and the appends that were routed by it.
struct Generation {
    sources: Arc<Sources>,
    appends: TaskTracker,
}

/// The sources that decide about one request. As long as it lives, [`SourceTable::replace`] waits.
pub(super) struct Entry {
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
        let sheet = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&sheet.sources)
    }

    /// The sources that are to decide where a request's events go.
    pub(super) fn enter(&self) -> Entry {
        // Both under the lock: whoever replaces the sheet waits for every token given out before.
        let sheet = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Entry {
            sources: Arc::clone(&sheet.sources),
            token: sheet.appends.token(),
        }
    }

    /// From now on these decide. Returns once everything that was routed by the sources before is in the
    /// journal, or was refused.
    pub async fn replace(&self, sources: Sources) {
        let before = {
            let mut sheet = self.current.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *sheet, Generation::new(sources)).appends
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
        let entry = source_table.enter();
        let mut replaced = pin!(source_table.replace(sources()));
        let waits = poll_fn(|context| Poll::Ready(replaced.as_mut().poll(context).is_pending()));
        assert!(waits.await);
        // Requests that begin now are decided by the new ones already.
        assert!(!Arc::ptr_eq(&source_table.now(), &entry.sources));
        drop(entry);
        replaced.await;
    }
}
