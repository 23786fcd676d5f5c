//! Writing what a lane has deferred, beside everything else.

use std::sync::Arc;

use kenwell::profile::Writer;
use tokio::time::sleep;

use super::{
    backoff::Backoff, deferred_updates::DeferredUpdates, outcome_recorder::OutcomeRecorder,
};

/// Writes the deferred updates of a lane.
pub(super) struct DeferredWriter {
    pub(super) updates: Arc<DeferredUpdates>,
    /// It has the connection of the lane, so that nothing of one user is under way on two.
    pub(super) writer: Writer,
    pub(super) recorder: OutcomeRecorder,
}

impl DeferredWriter {
    /// Writes the first update of each key again and again, for as long as the delivery runs. Dropped, some
    /// updates may be in Redis: writing them again leaves the same profiles.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let first = self.updates.take_first_of_each_key();
            if first.is_empty() {
                self.updates.added.notified().await;
                // It was tried a moment ago.
                sleep(backoff.next()).await;
                continue;
            }
            let attempt = self.recorder.attempt(first, &mut self.writer).await;
            if attempt.written > 0 {
                backoff = Backoff::default();
            }
            let waits = attempt.again.iter().any(|(_, error)| error.is_some());
            self.updates.put_back(attempt.again);
            self.recorder.show_deferred();
            if waits {
                sleep(backoff.next()).await;
            }
        }
    }
}
