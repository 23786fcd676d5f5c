//! A share of the users, written in order over a connection of its own; what cannot be written now is deferred.

use std::sync::Arc;

use kenwell::{
    Error,
    profile::{FoldedUpdate, Writer},
};
use tokio::time::sleep;

use super::{
    backoff::Backoff,
    batch::Batch,
    deferred_updates::DeferredUpdates,
    outcome_recorder::{Attempt, OutcomeRecorder},
    pending_update::PendingUpdate,
};

/// Attempts before an update is deferred that failed together with others.
const MIN_ATTEMPTS: u32 = 2;

/// A share of the users, written in order.
pub(super) struct Lane {
    pub(super) writer: Writer,
    pub(super) deferred: Arc<DeferredUpdates>,
}

/// What came of a lane's share of a batch.
#[derive(Default)]
pub(super) struct LaneResult {
    /// Events that were written.
    pub(super) written: u64,
    /// Updates that were never sent, because there is no connection.
    pub(super) unsent: Vec<PendingUpdate>,
    /// Why there is none.
    pub(super) error: Option<Error>,
}

impl Lane {
    /// A lane that writes with this, over a connection of its own.
    pub(super) fn new(writer: Writer) -> Self {
        Self {
            writer,
            deferred: Arc::default(),
        }
    }

    /// Defers those updates of which an earlier one of the same key is deferred, behind that one. The others
    /// are to be written now.
    pub(super) async fn defer_followers(
        &self,
        batch: &Arc<Batch>,
        updates: Vec<FoldedUpdate>,
    ) -> Vec<PendingUpdate> {
        let mut pending = Vec::with_capacity(updates.len());
        for update in updates {
            let update = PendingUpdate::new(batch, update);
            pending.extend(self.defer_behind_earlier(update).await);
        }
        pending
    }

    /// Writes updates until all have their outcome or are deferred, or there is no connection for what was not
    /// sent yet. A user's update is on one connection only and is never overtaken: a deferred one keeps what
    /// comes later behind it, and the next batch waits for the rest of this one.
    pub(super) async fn write(
        &mut self,
        mut pending: Vec<PendingUpdate>,
        recorder: &OutcomeRecorder,
    ) -> LaneResult {
        let mut backoff = Backoff::default();
        let mut result = LaneResult::default();
        let mut attempts = 0;
        while !pending.is_empty() {
            let attempt = recorder.attempt(pending, &mut self.writer).await;
            attempts += 1;
            result.written += attempt.written;
            if attempt.written > 0 {
                backoff = Backoff::default();
            }
            let (again, error) = self.defer_what_may_be(attempt, attempts);
            pending = again;
            let Some(error) = error else { continue };
            if self.writer.is_unsent(&error) {
                result.unsent = pending;
                result.error = Some(error);
                return result;
            }
            recorder.health.failed(&error, error.class());
            recorder.counters.retried();
            recorder.show_deferred();
            sleep(backoff.next()).await;
        }
        result
    }

    /// Defers what may be of an attempt; the rest of it, to be tried again, and the latest error of that.
    fn defer_what_may_be(
        &self,
        attempt: Attempt,
        attempts: u32,
    ) -> (Vec<PendingUpdate>, Option<Error>) {
        let (mut again, mut latest) = (Vec::new(), None);
        for (update, error) in attempt.again {
            let left = match &error {
                Some(_) if self.may_defer(&update, attempts) => {
                    self.deferred.push(update, error.as_ref())
                }
                _ => Some(update),
            };
            if let Some(update) = left {
                again.push(update);
                latest = error.or(latest);
            }
        }
        (again, latest)
    }

    /// Defers an update behind earlier ones of its key, once there is room; gives it back when none are
    /// deferred.
    async fn defer_behind_earlier(&self, mut update: PendingUpdate) -> Option<PendingUpdate> {
        while self.deferred.has(update.key()) {
            update = self.deferred.push(update, None)?;
            self.deferred.room_made.notified().await;
        }
        Some(update)
    }

    /// Whether an update may wait for something that does not concern all: it is being judged, or one node
    /// of several is away. Should it concern all, what is deferred is only a part of what waits.
    fn may_defer(&self, pending: &PendingUpdate, attempts: u32) -> bool {
        let update = pending.as_ref();
        let has_been_tried = attempts >= MIN_ATTEMPTS;
        if pending.is_in_other_lane {
            // Its own lane would not know of it, and would write later updates of its user before it.
            return false;
        }
        self.writer.is_judging(update)
            || (has_been_tried && self.writer.is_suspect(update))
            || (has_been_tried && self.writer.node_of(update).is_some())
    }
}
