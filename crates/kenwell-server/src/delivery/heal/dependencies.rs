//! What a loss detector needs.

use kenwell::profile::Marker;
use kenwell_journal::Journal;
use tokio::sync::mpsc;

use super::known_redis::KnownRedisFile;
use crate::delivery::Health;

/// What a loss detector needs.
pub(crate) struct LossDetectorDependencies {
    /// The key in Redis that says how much of the journal was applied there.
    pub(crate) marker: Marker,
    /// Where the delivery's cursor stands.
    pub(crate) journal: Journal,
    /// What is remembered of the Redis.
    pub(crate) known_redis: KnownRedisFile,
    /// How the delivery is doing, and what its Redis lacks.
    pub(crate) health: Health,
    /// Whether what was lost is restored without being asked for.
    pub(crate) heals: bool,
    /// Where a destination is named whose delivery has to go back in the journal.
    pub(crate) losses: mpsc::Sender<String>,
}

impl LossDetectorDependencies {
    /// The destination's id.
    pub(super) fn destination(&self) -> &str {
        self.health.destination()
    }

    /// How far delivery has come: everything before it has been applied and answered. `None` when the
    /// destination has no cursor.
    pub(super) fn acked(&self) -> Option<u64> {
        let stats = self.journal.stats();
        let mut cursors = stats.cursors.iter();
        let ours = cursors.find(|cursor| cursor.name == self.destination());
        ours.map(|cursor| cursor.position.0)
    }
}
