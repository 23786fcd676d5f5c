//! Batches over several connections: a share of the users each, and what can't go on set aside.

use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::{join_all, select_all};
use kenwell::{
    Error,
    connection::Connection,
    profile::{FoldedUpdate, Writer},
};
use kenwell_journal::Offset;
use tokio::{task::JoinSet, time::sleep};

use super::{
    aside::Aside,
    backoff::Backoff,
    batch::Batch,
    write::{Attempt, Outcomes, Waiting},
};
use crate::clock;

/// Attempts before an update is set aside that others were not taken beside.
const PATIENCE: u32 = 2;

/// What a batch is written with.
pub(super) struct Pen {
    pub(super) lanes: Vec<Lane>,
    pub(super) outcomes: Outcomes,
}

/// A share of the users, delivered in order over a connection of its own.
pub(super) struct Lane {
    pub(super) writer: Writer,
    pub(super) aside: Arc<Aside>,
}

impl Pen {
    /// Delivers what the lanes set aside, beside everything else, until it is ended.
    pub(super) fn deliver_asides(&self) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for lane in &self.lanes {
            let (aside, outcomes) = (Arc::clone(&lane.aside), self.outcomes.clone());
            let writer = lane.writer.beside();
            tasks.spawn(async move { aside.deliver(writer, outcomes).await });
        }
        tasks
    }

    /// Resolves when something that was set aside has its outcome.
    pub(super) async fn aside_moved(&self) {
        let moved = self.lanes.iter().map(|lane| lane.aside.moved.notified());
        select_all(moved.map(Box::pin)).await;
    }

    pub(super) fn has_nothing_aside(&self) -> bool {
        self.lanes.iter().all(|lane| lane.aside.is_empty())
    }

    /// The oldest event that was set aside.
    pub(super) fn oldest_aside(&self) -> Option<Offset> {
        let oldest = self.lanes.iter().map(|lane| lane.aside.oldest());
        oldest.flatten().min()
    }

    /// Outcomes given so far.
    pub(super) fn given(&self) -> u64 {
        self.outcomes.given.load(Ordering::Relaxed)
    }

    /// Writes the whole batch; returns when every update has an outcome, or was set aside. Dropped
    /// earlier, some updates may be in Redis: sending the batch again leaves the same profiles.
    pub(super) async fn write(&mut self, batch: &Arc<Batch>, shares: Vec<Vec<FoldedUpdate>>) {
        let outcomes = &self.outcomes;
        let lanes = self.lanes.iter().zip(shares);
        let mut shares = join_all(lanes.map(|(lane, share)| lane.begin(batch, share))).await;
        let mut backoff = Backoff::default();
        let mut total = 0;
        loop {
            let lanes = self.lanes.iter_mut().zip(shares);
            let written = join_all(lanes.map(|(lane, share)| lane.write(share, outcomes))).await;
            let count: u64 = written.iter().map(|share| share.count).sum();
            total += count;
            let error = written.iter().rev().find_map(|share| share.error.clone());
            shares = written.into_iter().map(|share| share.unsent).collect();
            let Some(error) = error else { break };
            // Redis may have no room for all of our connections: those that are open take the rest.
            if let Some(open) = self.lanes.iter().position(|lane| lane.writer.is_open()) {
                let mut rest: Vec<_> = shares.iter_mut().flat_map(take).collect();
                for waiting in &mut rest {
                    waiting.is_lent = true;
                }
                if let Some(share) = shares.get_mut(open) {
                    *share = rest;
                }
                continue;
            }
            outcomes.health.failed(&error, error.class());
            outcomes.counters.retried();
            sleep(backoff.next()).await;
        }
        // A batch of nothing but refusals says nothing good about the destination.
        if total > 0 {
            outcomes.health.succeeded();
        }
        outcomes.tell_aside();
        if let Some(oldest) = batch.oldest_ms {
            outcomes.counters.fresh(clock::age(oldest).as_secs_f64());
        }
    }
}

/// What came of a lane's share.
#[derive(Default)]
struct Share {
    /// Events that were written.
    count: u64,
    /// What was never sent, because there is no connection.
    unsent: Vec<Waiting>,
    /// Why there is none.
    error: Option<Error>,
}

impl Lane {
    pub(super) fn new(connection: &Connection) -> Self {
        Self {
            writer: Writer::new(connection.another()),
            aside: Arc::default(),
        }
    }

    /// What of its share is to be written now; the rest waits behind what was set aside.
    async fn begin(&self, batch: &Arc<Batch>, share: Vec<FoldedUpdate>) -> Vec<Waiting> {
        let mut open = Vec::with_capacity(share.len());
        for now in share {
            let waiting = Waiting::new(batch, now);
            open.extend(self.behind_others(waiting).await);
        }
        open
    }

    /// Writes what is open until nothing is, or there is no connection for what was not sent yet. A user's
    /// update is on one connection only and is never overtaken: what was set aside keeps what comes later
    /// behind it, and the next batch waits for the rest of this one.
    async fn write(&mut self, mut open: Vec<Waiting>, outcomes: &Outcomes) -> Share {
        let mut backoff = Backoff::default();
        let mut share = Share::default();
        let mut attempts = 0;
        while !open.is_empty() {
            let attempt = outcomes.attempt(open, &mut self.writer).await;
            attempts += 1;
            share.count += attempt.written;
            if attempt.written > 0 {
                backoff = Backoff::default();
            }
            let latest = self.sort_out(attempt, attempts, &mut share);
            open = take(&mut share.unsent);
            let Some(error) = latest else { continue };
            if self.writer.is_unsent(&error) {
                share.unsent = open;
                share.error = Some(error);
                return share;
            }
            outcomes.health.failed(&error, error.class());
            outcomes.counters.retried();
            outcomes.tell_aside();
            sleep(backoff.next()).await;
        }
        share
    }

    /// Sets aside what may be; the rest of an attempt goes into `share`. Gives the latest error of the rest.
    fn sort_out(&self, attempt: Attempt, attempts: u32, share: &mut Share) -> Option<Error> {
        let mut latest = None;
        for (waiting, error) in attempt.again {
            let left = match &error {
                Some(_) if self.may_set_aside(&waiting, attempts) => {
                    self.aside.push(waiting, error.as_ref())
                }
                _ => Some(waiting),
            };
            if let Some(waiting) = left {
                share.unsent.push(waiting);
                latest = error.or(latest);
            }
        }
        latest
    }

    /// Puts an update behind those of its key that were set aside, when there is room; `Some` when there
    /// are none.
    async fn behind_others(&self, mut waiting: Waiting) -> Option<Waiting> {
        while self.aside.has(waiting.key()) {
            waiting = self.aside.push(waiting, None)?;
            self.aside.emptied.notified().await;
        }
        Some(waiting)
    }

    /// Whether an update may wait for something that does not concern all: it is being judged, or one node
    /// of several is away. Should it concern all, what is set aside is only a part of what waits.
    fn may_set_aside(&self, waiting: &Waiting, attempts: u32) -> bool {
        let update = waiting.as_ref();
        let has_been_tried = attempts >= PATIENCE;
        if waiting.is_lent {
            // Its own lane would not know of it.
            return false;
        }
        self.writer.is_judging(update)
            || (has_been_tried && self.writer.is_suspect(update))
            || (has_been_tried && self.writer.node_of(update).is_some())
    }
}
