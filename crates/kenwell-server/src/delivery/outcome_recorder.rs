//! An attempt to write updates, and what became of each: written, dead-lettered, or to be tried again.

use std::collections::HashMap;
use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use kenwell::{
    Class, Error,
    profile::{FoldedUpdate, Writer},
};
use kenwell_journal::{ErrorChain, Offset};
use tokio::{task::spawn_blocking, time::sleep};

use super::{
    backoff::Backoff,
    batch::Batch,
    deferred_updates::DeferredUpdates,
    health::Health,
    pending_update::{PendingUpdate, SettledUpdate},
    refusal::{concerns_fields, reason},
};
use crate::{
    dead_letters::{self, DeadLetter, OutstandingLetters, SupersedeGuard},
    envelope::Envelope,
    metrics::DestinationCounters,
};

/// Writes updates, and records what became of them: in the counters, the dead letters and the tail.
#[derive(Clone)]
pub(super) struct OutcomeRecorder {
    pub(super) health: Health,
    pub(super) counters: DestinationCounters,
    pub(super) letters: Arc<OutstandingLetters>,
    /// What each lane has deferred.
    pub(super) deferred: Vec<Arc<DeferredUpdates>>,
    /// Events that this delivery has written or dead-lettered.
    pub(super) recorded: Arc<AtomicU64>,
}

/// What an attempt leaves.
pub(super) struct Attempt {
    /// Those without an outcome, with the error, and next parts.
    pub(super) again: Vec<(PendingUpdate, Option<Error>)>,
    /// Events that were written.
    pub(super) written: u64,
}

impl OutcomeRecorder {
    /// Writes what can be written now, and records what became of it.
    pub(super) async fn attempt(
        &self,
        mut updates: Vec<PendingUpdate>,
        writer: &mut Writer,
    ) -> Attempt {
        let tail = self.counters.tail();
        if tail.watches_writes_to(self.health.destination()) {
            updates.iter_mut().for_each(PendingUpdate::watch);
        }
        let mut superseded = self.supersede_older(&updates).await;
        let results = writer.attempt(&updates).await;
        let mut again = Vec::new();
        let mut dead = Vec::new();
        let mut written = Vec::new();
        for (mut update, result) in updates.into_iter().zip(results) {
            match result {
                Ok(()) => {
                    let (settled, left) = update.settle();
                    written.push(settled);
                    again.extend(left.map(|left| (left, None)));
                }
                Err(error) if error.is_retryable() => again.push((update, Some(error))),
                Err(error) => {
                    superseded.refused(update.newest());
                    if concerns_fields(&error) && update.split() {
                        again.push((update, None));
                    } else {
                        let (settled, left) = update.settle();
                        dead.push((settled, error));
                        again.extend(left.map(|left| (left, None)));
                    }
                }
            }
        }
        let count = self.record_written(&written);
        for of_one in dead.chunk_by(|(one, _), (other, _)| Arc::ptr_eq(&one.batch, &other.batch)) {
            if let Some((SettledUpdate { batch, .. }, _)) = of_one.first() {
                self.dead_letter(batch, of_one, take(&mut superseded)).await;
            }
        }
        if superseded.has_refused() {
            self.append(Vec::new(), superseded).await;
        }
        Attempt {
            again,
            written: count,
        }
    }

    /// Shows what is deferred.
    pub(super) fn show_deferred(&self) {
        let deferred = self.deferred.iter().map(|deferred| deferred.reasons());
        self.health.set_deferred(deferred);
    }

    /// Takes what is about to be written from the letters of older events, so that no retry of theirs puts
    /// it back. Nothing may be written before, so it is tried until it succeeds.
    async fn supersede_older(&self, updates: &[PendingUpdate]) -> SupersedeGuard {
        let mut backoff = Backoff::default();
        loop {
            let superseded = self.letters.supersede_older(updates, PendingUpdate::newest);
            let error = match superseded.await {
                Ok(superseded) => return superseded,
                Err(error) => error,
            };
            let class = match error {
                dead_letters::Error::Busy { .. } => Class::Transient,
                _ => Class::Configuration,
            };
            self.health.failed(&ErrorChain(&error), class);
            sleep(backoff.next()).await;
        }
    }

    /// Counts and shows what was written; how many events that are.
    fn record_written(&self, written: &[SettledUpdate]) -> u64 {
        let count = written.iter().map(SettledUpdate::events).sum();
        self.counters.written(count);
        self.recorded.fetch_add(count, Ordering::Relaxed);
        for of_one in written.chunk_by(|one, other| Arc::ptr_eq(&one.batch, &other.batch)) {
            if let Some(SettledUpdate { batch, .. }) = of_one.first() {
                self.publish(batch, || of_one.iter().map(|it| (&it.update, None)));
            }
        }
        count
    }

    /// Makes dead letters of the events of refused updates, durably, and counts and shows them.
    async fn dead_letter(
        &self,
        batch: &Batch,
        dead: &[(SettledUpdate, Error)],
        superseded: SupersedeGuard,
    ) {
        let letters = self.letters(batch, dead);
        for letter in &letters {
            let offset = Offset(letter.offset);
            self.counters.applied().leave_out(offset..offset.plus(1));
        }
        self.append(letters, superseded).await;
        for (settled, error) in dead {
            let count = settled.events();
            self.counters.dead_lettered(reason(error), count);
            self.recorded.fetch_add(count, Ordering::Relaxed);
        }
        let reasons: Vec<_> = dead.iter().map(|(_, error)| error.to_string()).collect();
        self.publish(batch, || {
            let updates = dead.iter().map(|(settled, _)| &settled.update);
            updates.zip(reasons.iter().map(|reason| Some(&**reason)))
        });
    }

    /// Writes letters durably, and gives back to older ones what refused writes had taken from them. Without
    /// that there is no outcome, so it is tried until it succeeds.
    async fn append(&self, letters: Vec<DeadLetter>, mut superseded: SupersedeGuard) {
        let mut backoff = Backoff::default();
        loop {
            let (log, letters) = (Arc::clone(&self.letters), letters.clone());
            // Dropped after a failure: a retry must be able to make room. Older letters then stay without
            // what was taken from them.
            let superseded = take(&mut superseded);
            match spawn_blocking(move || log.append(&letters, &superseded)).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => {
                    let error = ErrorChain(&error);
                    self.health.failed(&error, Class::Configuration);
                }
                Err(error) => self.health.failed(&error, Class::Transient),
            }
            sleep(backoff.next()).await;
        }
    }

    /// Shows in the tail what became of these updates, if anybody looks.
    fn publish<'a, I>(&self, batch: &Batch, updates: impl FnOnce() -> I)
    where
        I: Iterator<Item = (&'a FoldedUpdate, Option<&'a str>)>,
    {
        let tail = self.counters.tail();
        if tail.has_subscribers() {
            batch.publish(tail, self.health.destination(), updates());
        }
    }

    /// One letter for each event of the refused updates, in journal order.
    fn letters(&self, batch: &Batch, dead: &[(SettledUpdate, Error)]) -> Vec<DeadLetter> {
        let at = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
        let refused: HashMap<_, _> = dead
            .iter()
            .flat_map(|(settled, error)| {
                let items = settled.update.items().iter();
                items.map(move |item| (*item, (&settled.update, error)))
            })
            .collect();
        let records = batch.records(&refused);
        records
            .filter_map(|(offset, record, why)| Some((offset, Envelope::decode(record).ok()?, why)))
            .map(|(offset, envelope, (folded, error))| DeadLetter {
                at,
                destination: self.health.destination().to_owned(),
                offset: offset.0,
                source: envelope.source.to_owned(),
                key: String::from_utf8_lossy(folded.update().key()).into_owned(),
                reason: error.to_string(),
                received_at: envelope.received_at_ms,
                sent_at: envelope.sent_at_ms,
                event: envelope.event.to_vec(),
            })
            .collect()
    }
}
