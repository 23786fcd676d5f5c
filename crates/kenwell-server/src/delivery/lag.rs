//! How far a destination is behind, in time.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;

use crate::clock;

/// When the oldest event that is just being delivered was received.
#[derive(Debug, Clone, Default)]
pub struct Lag {
    /// Milliseconds since 1970 UTC; 0 when nothing is being delivered.
    oldest: Arc<AtomicU64>,
}

impl Lag {
    /// The age of the oldest event under way; `None` when there is none, as far as anybody has looked.
    pub fn now(&self) -> Option<Duration> {
        let oldest = self.oldest.load(Ordering::Relaxed);
        (oldest != 0).then(|| clock::age(oldest))
    }

    /// Notes the oldest event of the batch under way, or that there is none.
    pub(super) fn note(&self, oldest_ms: Option<u64>) {
        self.oldest.store(oldest_ms.unwrap_or(0), Ordering::Relaxed);
    }
}
