//! What the runtimes of all destinations work with.

use std::{path::PathBuf, sync::Arc};

use kenwell_journal::{Journal, Offset};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::retired::Retired;
use crate::{dead_letters::DeadLetters, metrics::Metrics};

/// What the runtimes of all destinations work with.
pub(super) struct Dependencies {
    /// Where accepted events are.
    pub(super) journal: Journal,
    /// Where everything is counted.
    pub(super) metrics: Arc<Metrics>,
    /// Where events go that Redis refuses for good.
    pub(super) dead_letters: DeadLetters,
    /// Destinations that are not configured and have events waiting.
    pub(super) retired: Retired,
    /// Where it is kept what is known of each destination's Redis.
    pub(super) data_dir: PathBuf,
    /// Tells this Kenwell from others that use the same Redis.
    pub(super) installation: String,
    /// Takes the ids of destinations whose Redis has less than it had.
    pub(super) losses: mpsc::Sender<String>,
    /// Where deliveries run.
    pub(super) tasks: TaskTracker,
    /// Cancelled when deliveries are to end.
    pub(super) stop: CancellationToken,
}

impl Dependencies {
    /// The first record that a destination has not acknowledged; `None` when it has no cursor.
    pub(super) fn position(&self, destination: &str) -> Option<Offset> {
        let cursors = self.journal.stats().cursors;
        let cursor = cursors.iter().find(|it| it.name == destination);
        cursor.map(|cursor| cursor.position)
    }
}
