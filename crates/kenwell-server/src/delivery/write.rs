//! Every update of a batch to its outcome: written, or dead-lettered, or tried until it is.

use std::collections::{HashMap, VecDeque};
use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::{join_all, select_all};
use jiff::Timestamp;
use kenwell::{
    Class, Error,
    connection::Connection,
    profile::{FoldedUpdate, ProfileUpdate, Writer},
};
use kenwell_journal::Offset;
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::sleep,
};

use super::{
    aside::Aside,
    backoff::Backoff,
    batch::Batch,
    refusal::{concerns_fields, reason},
    state::Health,
};
use crate::{
    dead_letters::{self, DeadLetter, Outstanding, Overtaking},
    envelope::Envelope,
    metrics::Ledger,
};

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

/// Where it is told what became of updates.
#[derive(Clone)]
pub(super) struct Outcomes {
    pub(super) health: Health,
    pub(super) ledger: Ledger,
    pub(super) letters: Arc<Outstanding>,
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
    is_lent: bool,
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
                shares
                    .get_mut(open)
                    .into_iter()
                    .for_each(|share| share.append(&mut rest));
                continue;
            }
            outcomes.health.failed(&error, error.class());
            outcomes.ledger.retried();
            sleep(backoff.next()).await;
        }
        // A batch of nothing but refusals says nothing good about the destination.
        if total > 0 {
            outcomes.health.succeeded();
        }
        outcomes.tell_aside();
        if let Some(oldest) = batch.oldest_ms {
            let now = Timestamp::now().as_millisecond();
            let age = now.saturating_sub_unsigned(oldest).max(0);
            #[expect(
                clippy::cast_precision_loss,
                reason = "an age in milliseconds is far below 2^53"
            )]
            outcomes.ledger.fresh(age as f64 / 1_000.0);
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
            let waiting = Waiting {
                batch: Arc::clone(batch),
                now,
                later: VecDeque::new(),
                is_lent: false,
            };
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
            outcomes.ledger.retried();
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
            || (has_been_tried && self.writer.place(update).is_some())
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
        self.ledger.written(count);
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
    async fn overtake(&self, open: &[Waiting]) -> Overtaking {
        let mut backoff = Backoff::default();
        loop {
            let newest = |waiting: &Waiting| waiting.batch.newest(&waiting.now);
            let error = match self.letters.overtake(open, newest).await {
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
    async fn bury(&self, batch: &Batch, dead: &[(Done, Error)], taken: (Overtaking, Vec<u64>)) {
        self.keep(self.letters(batch, dead), taken).await;
        for (done, error) in dead {
            let count = count(&done.update);
            self.ledger.dead_lettered(reason(error), count);
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
        (mut overtaking, refused): (Overtaking, Vec<u64>),
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
        let tail = self.ledger.tail();
        if tail.is_watched() {
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
