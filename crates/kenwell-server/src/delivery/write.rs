//! An attempt to write updates, and what became of each: written, dead-lettered, or to be tried again.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use kenwell::{
    Class, Error,
    profile::{FoldedUpdate, ProfileUpdate, Writer},
};
use kenwell_journal::Offset;
use tokio::{task::spawn_blocking, time::sleep};

use super::{
    aside::Aside,
    backoff::Backoff,
    batch::Batch,
    refusal::{concerns_fields, reason},
    state::Health,
};
use crate::{
    dead_letters::{self, DeadLetter, OutstandingLetters, SupersedeGuard},
    envelope::Envelope,
    metrics::DestinationCounters,
};

/// Where it is told what became of updates.
#[derive(Clone)]
pub(super) struct Outcomes {
    pub(super) health: Health,
    pub(super) counters: DestinationCounters,
    pub(super) letters: Arc<OutstandingLetters>,
    /// What each lane has set aside.
    pub(super) asides: Vec<Arc<Aside>>,
    /// Outcomes that this delivery has given.
    pub(super) given: Arc<AtomicU64>,
}

/// A user's update on its way.
pub(super) struct Waiting {
    batch: Arc<Batch>,
    now: FoldedUpdate,
    /// The rest of one that was refused as a whole, and is written event by event.
    later: VecDeque<FoldedUpdate>,
    /// Whether another lane than its own writes it.
    pub(super) is_lent: bool,
}

/// What an attempt leaves.
pub(super) struct Attempt {
    /// Those without an outcome, with the error, and next parts.
    pub(super) again: Vec<(Waiting, Option<Error>)>,
    /// Events that were written.
    pub(super) written: u64,
}

/// An update that has its outcome.
struct Done {
    batch: Arc<Batch>,
    update: FoldedUpdate,
}

impl AsRef<ProfileUpdate> for Waiting {
    fn as_ref(&self) -> &ProfileUpdate {
        self.now.update()
    }
}

impl Waiting {
    /// An update of a batch that nobody has tried to write yet.
    pub(super) fn new(batch: &Arc<Batch>, now: FoldedUpdate) -> Self {
        Self {
            batch: Arc::clone(batch),
            now,
            later: VecDeque::new(),
            is_lent: false,
        }
    }

    pub(super) fn key(&self) -> &[u8] {
        self.now.update().key()
    }

    fn parts(&self) -> impl Iterator<Item = &FoldedUpdate> {
        std::iter::once(&self.now).chain(&self.later)
    }

    pub(super) fn events(&self) -> usize {
        self.parts().map(|part| part.items().len()).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        self.parts().map(|part| part.update().bytes()).sum()
    }

    /// The oldest event, of one that was detached.
    pub(super) fn oldest(&self) -> Option<Offset> {
        self.batch.oldest()
    }

    /// The same with only those records of its batch that it needs.
    pub(super) fn detach(self) -> Self {
        let items: Vec<_> = self
            .parts()
            .flat_map(FoldedUpdate::items)
            .copied()
            .collect();
        Self {
            batch: Arc::new(self.batch.part(&items)),
            ..self
        }
    }

    /// The part that has its outcome, and what is left.
    fn done(mut self) -> (Done, Option<Self>) {
        let next = self.later.pop_front();
        let done = Done {
            batch: Arc::clone(&self.batch),
            update: self.now,
        };
        let left = next.map(|now| Self {
            now,
            batch: self.batch,
            later: self.later,
            is_lent: self.is_lent,
        });
        (done, left)
    }
}

impl Outcomes {
    /// Writes what can be written now, and enters what became of it.
    pub(super) async fn attempt(&self, open: Vec<Waiting>, writer: &mut Writer) -> Attempt {
        let overtaking = self.overtake(&open).await;
        let results = writer.attempt(&open).await;
        let mut again = Vec::new();
        let mut dead = Vec::new();
        let mut refused = Vec::new();
        let mut written = Vec::new();
        for (mut waiting, result) in open.into_iter().zip(results) {
            match result {
                Ok(()) => {
                    let (done, left) = waiting.done();
                    written.push(done);
                    again.extend(left.map(|left| (left, None)));
                }
                Err(error) if error.is_retryable() => again.push((waiting, Some(error))),
                Err(error) => {
                    refused.push(waiting.batch.newest(&waiting.now));
                    let mut parts = VecDeque::new();
                    if concerns_fields(&error) {
                        parts.extend(waiting.now.unfold());
                    }
                    if let Some(first) = parts.pop_front() {
                        waiting.now = first;
                        waiting.later = parts;
                        again.push((waiting, None));
                    } else {
                        let (done, left) = waiting.done();
                        dead.push((done, error));
                        again.extend(left.map(|left| (left, None)));
                    }
                }
            }
        }
        let count = written.iter().map(|done| count(&done.update)).sum();
        self.counters.written(count);
        self.given.fetch_add(count, Ordering::Relaxed);
        for of_one in written.chunk_by(|one, other| Arc::ptr_eq(&one.batch, &other.batch)) {
            if let Some(Done { batch, .. }) = of_one.first() {
                self.tell(batch, || of_one.iter().map(|done| (&done.update, None)));
            }
        }
        let mut taken = (overtaking, refused);
        for of_one in dead.chunk_by(|(one, _), (other, _)| Arc::ptr_eq(&one.batch, &other.batch)) {
            if let Some((Done { batch, .. }, _)) = of_one.first() {
                self.bury(batch, of_one, std::mem::take(&mut taken)).await;
            }
        }
        if !taken.1.is_empty() {
            self.keep(Vec::new(), taken).await;
        }
        Attempt {
            again,
            written: count,
        }
    }

    /// Shows what waits by itself.
    pub(super) fn tell_aside(&self) {
        let asides = self.asides.iter().map(|aside| aside.reasons());
        self.health.set_aside(asides);
    }

    /// Takes what is about to be written from the letters of older events, so that no retry of theirs puts
    /// it back. Nothing may be written before, so it is tried until it succeeds.
    async fn overtake(&self, open: &[Waiting]) -> SupersedeGuard {
        let mut backoff = Backoff::default();
        loop {
            let newest = |waiting: &Waiting| waiting.batch.newest(&waiting.now);
            let error = match self.letters.supersede_older(open, newest).await {
                Ok(overtaking) => return overtaking,
                Err(error) => error,
            };
            let class = match error {
                dead_letters::Error::Busy { .. } => Class::Transient,
                _ => Class::Configuration,
            };
            self.health.failed(&error, class);
            sleep(backoff.next()).await;
        }
    }

    /// Puts refused updates aside, durably, each with all of its events.
    async fn bury(&self, batch: &Batch, dead: &[(Done, Error)], taken: (SupersedeGuard, Vec<u64>)) {
        self.keep(self.letters(batch, dead), taken).await;
        for (done, error) in dead {
            let count = count(&done.update);
            self.counters.dead_lettered(reason(error), count);
            self.given.fetch_add(count, Ordering::Relaxed);
        }
        let reasons: Vec<_> = dead.iter().map(|(_, error)| error.to_string()).collect();
        let refused = || {
            dead.iter()
                .map(|(done, _)| &done.update)
                .zip(reasons.iter().map(|reason| Some(&**reason)))
        };
        self.tell(batch, refused);
    }

    /// Writes letters durably, and gives back to older ones what refused writes had taken from them. Without
    /// that there is no outcome, so it is tried until it succeeds.
    async fn keep(
        &self,
        letters: Vec<DeadLetter>,
        (mut overtaking, refused): (SupersedeGuard, Vec<u64>),
    ) {
        let mut backoff = Backoff::default();
        loop {
            let log = Arc::clone(&self.letters);
            let (letters, refused) = (letters.clone(), refused.clone());
            // Gone after a failure: a retry must be able to make room. Older letters then stay without
            // what was taken from them.
            let overtaking = std::mem::take(&mut overtaking);
            match spawn_blocking(move || log.append(&letters, &overtaking, &refused)).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => self.health.failed(&error, Class::Configuration),
                Err(error) => self.health.failed(&error, Class::Transient),
            }
            sleep(backoff.next()).await;
        }
    }

    /// Shows what became of these updates, if anybody looks.
    fn tell<'a, I>(&self, batch: &Batch, updates: impl FnOnce() -> I)
    where
        I: Iterator<Item = (&'a FoldedUpdate, Option<&'a str>)>,
    {
        let tail = self.counters.tail();
        if tail.has_subscribers() {
            batch.tell(tail, self.health.destination(), updates());
        }
    }

    /// One letter for each event of the refused updates, in journal order.
    fn letters(&self, batch: &Batch, dead: &[(Done, Error)]) -> Vec<DeadLetter> {
        let at = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
        let refused: HashMap<_, _> = dead
            .iter()
            .flat_map(|(done, error)| {
                let items = done.update.items().iter();
                items.map(move |item| (*item, (&done.update, error)))
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
                event: envelope.event.to_vec(),
            })
            .collect()
    }
}

fn count(folded: &FoldedUpdate) -> u64 {
    u64::try_from(folded.items().len()).unwrap_or(u64::MAX)
}
