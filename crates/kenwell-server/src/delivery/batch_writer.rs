//! Writing a batch over several connections, one for each lane.

use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::{join_all, select_all};
use kenwell::{
    connection::Connection,
    profile::{FoldedUpdate, Writer},
};
use kenwell_journal::Offset;
use tokio::{task::JoinSet, time::sleep};

use super::{
    backoff::Backoff, batch::Batch, deferred_updates::DeferredUpdates, lane::Lane,
    outcome_recorder::OutcomeRecorder,
};
use crate::clock;

/// A batch of no more updates goes over the first lane alone: each further lane would cost a write, a read, and the
/// wake-ups for them, here and in Redis.
const ONE_LANE_UPDATES: usize = 256;

/// What a batch is written with.
pub(super) struct BatchWriter {
    lanes: Vec<Lane>,
    recorder: OutcomeRecorder,
    spread: Spread,
}

/// Which lanes a batch goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spread {
    /// Each user's update over the user's own lane.
    OwnLanes,
    /// Everything over the first lane.
    FirstLane,
}

impl BatchWriter {
    /// A writer that has written nothing yet.
    pub(super) fn new(lanes: Vec<Lane>, recorder: OutcomeRecorder) -> Self {
        Self {
            lanes,
            recorder,
            spread: Spread::OwnLanes,
        }
    }

    /// Begins to write what the lanes defer, beside everything else, until the tasks are ended.
    pub(super) fn spawn_deferred(&self) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for lane in &self.lanes {
            let updates = Arc::clone(&lane.deferred);
            // It has the connection of the lane, so that nothing of one user is under way on two.
            let writer = lane.writer.beside();
            tasks.spawn(write_deferred(updates, writer, self.recorder.clone()));
        }
        tasks
    }

    /// Resolves when a deferred update has its outcome.
    pub(super) async fn deferred_settled(&self) {
        let settled = self
            .lanes
            .iter()
            .map(|lane| lane.deferred.settled.notified());
        select_all(settled.map(Box::pin)).await;
    }

    /// Whether no update is deferred.
    pub(super) fn has_nothing_deferred(&self) -> bool {
        self.lanes.iter().all(|lane| lane.deferred.is_empty())
    }

    /// The oldest deferred event.
    pub(super) fn oldest_deferred(&self) -> Option<Offset> {
        let oldest = self.lanes.iter().map(|lane| lane.deferred.oldest());
        oldest.flatten().min()
    }

    /// How many events were written or dead-lettered so far.
    pub(super) fn outcomes(&self) -> u64 {
        self.recorder.recorded.load(Ordering::Relaxed)
    }

    /// One of its connections.
    pub(super) fn connection(&self) -> Option<&Connection> {
        self.lanes.first().map(|lane| lane.writer.connection())
    }

    /// Writes the whole batch; returns when every update has an outcome, or is deferred. Dropped earlier, some
    /// updates may be in Redis: writing the batch again leaves the same profiles.
    pub(super) async fn write(&mut self, batch: &Arc<Batch>, updates: Vec<Vec<FoldedUpdate>>) {
        let updates = self.spread(updates).await;
        let recorder = &self.recorder;
        let lanes = self.lanes.iter().zip(updates);
        let begun = lanes.map(|(lane, updates)| lane.defer_followers(batch, updates));
        let mut pending = join_all(begun).await;
        let mut backoff = Backoff::default();
        let mut total = 0;
        loop {
            let lanes = self.lanes.iter_mut().zip(pending);
            let results = lanes.map(|(lane, pending)| lane.write(pending, recorder));
            let results = join_all(results).await;
            total += results.iter().map(|lane| lane.written).sum::<u64>();
            let error = results.iter().rev().find_map(|lane| lane.error.clone());
            pending = results.into_iter().map(|lane| lane.unsent).collect();
            let Some(error) = error else { break };
            // Redis may have no room for all of our connections: a lane that has one takes the rest.
            if let Some(open) = self.lanes.iter().position(|lane| lane.writer.is_open()) {
                let mut rest: Vec<_> = pending.iter_mut().flat_map(take).collect();
                for update in &mut rest {
                    update.is_in_other_lane = true;
                }
                forget_samples(&self.lanes).await;
                if let Some(pending) = pending.get_mut(open) {
                    *pending = rest;
                }
                continue;
            }
            recorder.health.failed(&error, error.class());
            recorder.counters.retried();
            sleep(backoff.next()).await;
        }
        // A batch of nothing but refusals says nothing good about the destination.
        if total > 0 {
            recorder.health.succeeded();
        }
        recorder.show_deferred();
        if let Some(oldest) = batch.oldest_ms {
            let age = clock::age(oldest).as_secs_f64();
            recorder.counters.observe_freshness(age);
        }
    }

    /// Updates by the lanes that write them, of what is given by the users' own lanes. A user changes lanes only while
    /// nothing of the user is under way: each batch waits for the one before it, but for what that deferred.
    async fn spread(&mut self, mut updates: Vec<Vec<FoldedUpdate>>) -> Vec<Vec<FoldedUpdate>> {
        if self.has_nothing_deferred() {
            let count: usize = updates.iter().map(Vec::len).sum();
            let spread = if count <= ONE_LANE_UPDATES {
                Spread::FirstLane
            } else {
                Spread::OwnLanes
            };
            if self.spread != spread {
                self.spread = spread;
                forget_samples(&self.lanes).await;
            }
        }
        if self.spread == Spread::FirstLane {
            let all = updates.iter_mut().flat_map(take).collect();
            if let Some(first) = updates.first_mut() {
                *first = all;
            }
        }
        updates
    }
}

/// To be called when users change lanes: what a lane remembers of a user, to write it once more, may be old by the time it
/// does.
async fn forget_samples(lanes: &[Lane]) {
    for lane in lanes {
        lane.writer.forget_sample().await;
    }
}

/// Writes the first deferred update of each key again and again, for as long as the delivery runs. Dropped, some
/// updates may be in Redis: writing them again leaves the same profiles.
async fn write_deferred(
    updates: Arc<DeferredUpdates>,
    mut writer: Writer,
    recorder: OutcomeRecorder,
) {
    let mut backoff = Backoff::default();
    loop {
        let first = updates.take_first_of_each_key();
        if first.is_empty() {
            updates.added.notified().await;
            // It was tried a moment ago.
            sleep(backoff.next()).await;
            continue;
        }
        let attempt = recorder.attempt(first, &mut writer).await;
        if attempt.written > 0 {
            backoff = Backoff::default();
        }
        let waits = attempt.again.iter().any(|(_, error)| error.is_some());
        updates.put_back(attempt.again);
        recorder.show_deferred();
        if waits {
            sleep(backoff.next()).await;
        }
    }
}
