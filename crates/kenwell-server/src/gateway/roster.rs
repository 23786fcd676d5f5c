//! The sources of this moment, swapped for others without a request in between noticing.

use std::sync::{Arc, PoisonError, RwLock};

use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use super::sources::Sources;

/// Who may send now.
pub struct Roster {
    current: RwLock<Sheet>,
}

/// One version of the sources, and the appends that were routed by it.
struct Sheet {
    sources: Arc<Sources>,
    appends: TaskTracker,
}

/// The sources that decide about one request. As long as it lives, [`Roster::replace`] waits.
pub(super) struct Entry {
    pub(super) sources: Arc<Sources>,
    pub(super) token: TaskTrackerToken,
}

impl Roster {
    /// A roster that begins with these.
    pub fn new(sources: Sources) -> Self {
        Self {
            current: RwLock::new(Sheet::new(sources)),
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
            std::mem::replace(&mut *sheet, Sheet::new(sources)).appends
        };
        before.close();
        before.wait().await;
    }
}

impl Sheet {
    fn new(sources: Sources) -> Self {
        Self {
            sources: Arc::new(sources),
            appends: TaskTracker::new(),
        }
    }
}
