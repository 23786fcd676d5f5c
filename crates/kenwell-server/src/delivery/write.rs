//! Every update of a batch to its outcome: written, or dead-lettered, or tried until it is.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;
use kenwell::{
    Class, Error,
    profile::{FoldedUpdate, ProfileUpdate, Writer},
};
use tokio::{task::spawn_blocking, time::sleep};

use super::{backoff::Backoff, batch::Batch, state::Health};
use crate::{
    dead_letters::{self, DeadLetter, Outstanding, Overtaking},
    envelope::Envelope,
    metrics::{Ledger, REFUSALS},
};

/// What a batch is written with.
pub(super) struct Pen {
    /// One for each lane.
    pub(super) writers: Vec<Writer>,
    pub(super) outcomes: Outcomes,
}

/// Where it is told what became of updates.
#[derive(Clone)]
pub(super) struct Outcomes {
    pub(super) health: Health,
    pub(super) ledger: Ledger,
    pub(super) letters: Arc<Outstanding>,
}

/// A user's update on its way.
struct Waiting<'a> {
    now: Cow<'a, FoldedUpdate>,
    /// The rest of one that was refused as a whole, and is written event by event.
    later: VecDeque<FoldedUpdate>,
}

impl AsRef<ProfileUpdate> for Waiting<'_> {
    fn as_ref(&self) -> &ProfileUpdate {
        self.now.update()
    }
}

impl Waiting<'_> {
    /// What is left of it when its first part has its outcome.
    fn next(mut self) -> Option<Self> {
        let now = Cow::Owned(self.later.pop_front()?);
        Some(Self { now, ..self })
    }
}

impl Pen {
    /// Writes the whole batch; returns when every update has an outcome. Dropped earlier, some
    /// updates may be in Redis: sending the batch again leaves the same profiles.
    pub(super) async fn write(&mut self, batch: &Batch) {
        let outcomes = &self.outcomes;
        let lanes = batch.lanes.iter().zip(&mut self.writers);
        let busy = lanes.filter(|(lane, _)| !lane.is_empty());
        let written = join_all(busy.map(|(lane, writer)| outcomes.write_lane(batch, lane, writer)));
        // A batch of nothing but refusals says nothing good about the destination.
        if written.await.iter().sum::<u64>() > 0 {
            outcomes.health.succeeded();
        }
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

impl Outcomes {
    /// Writes what is open until nothing is, and tells how many events were written. A user's update is
    /// in one lane only and is never overtaken, because the next batch waits for this one.
    async fn write_lane(&self, batch: &Batch, lane: &[FoldedUpdate], writer: &mut Writer) -> u64 {
        let mut open: Vec<Waiting<'_>> = lane
            .iter()
            .map(|folded| Waiting {
                now: Cow::Borrowed(folded),
                later: VecDeque::new(),
            })
            .collect();
        let mut backoff = Backoff::default();
        let mut total = 0;
        while !open.is_empty() {
            let overtaking = self.overtake(batch, &open).await;
            let results = writer.attempt(&open).await;
            let mut again = Vec::new();
            let mut dead = Vec::new();
            let mut refused = Vec::new();
            let mut written = Vec::new();
            let mut latest = None;
            for (mut waiting, result) in open.into_iter().zip(results) {
                match result {
                    Ok(()) => {
                        written.push(waiting.now.clone());
                        again.extend(waiting.next());
                    }
                    Err(error) if error.is_retryable() => {
                        again.push(waiting);
                        latest = Some(error);
                    }
                    Err(error) => {
                        refused.push(batch.newest(&waiting.now));
                        let mut parts = VecDeque::new();
                        if concerns_fields(&error) {
                            parts.extend(waiting.now.unfold());
                        }
                        if parts.is_empty() {
                            dead.push((waiting.now.clone(), error));
                        } else {
                            waiting.later = parts;
                        }
                        again.extend(waiting.next());
                    }
                }
            }
            let count = written.iter().map(|folded| count(folded)).sum();
            total += count;
            self.ledger.written(count);
            self.tell(batch, || written.iter().map(|folded| (&**folded, None)));
            self.bury(batch, &dead, (overtaking, refused)).await;
            if count > 0 {
                backoff = Backoff::default();
            }
            if let Some(error) = latest {
                self.health.failed(&error, error.class());
                self.ledger.retried();
                sleep(backoff.next()).await;
            }
            open = again;
        }
        total
    }

    /// Takes what is about to be written from the letters of older events, so that no retry of theirs puts
    /// it back. Nothing may be written before, so it is tried until it succeeds.
    async fn overtake(&self, batch: &Batch, open: &[Waiting<'_>]) -> Overtaking {
        let mut backoff = Backoff::default();
        loop {
            let newest = |waiting: &Waiting<'_>| batch.newest(&waiting.now);
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

    /// Puts refused updates aside, durably, each with all of its events. Without that there is no
    /// outcome, so it is tried until it succeeds. What `refused` writes had taken from older letters is
    /// given back.
    async fn bury(
        &self,
        batch: &Batch,
        dead: &[(Cow<'_, FoldedUpdate>, Error)],
        (mut overtaking, refused): (Overtaking, Vec<u64>),
    ) {
        if refused.is_empty() {
            return;
        }
        let letters = self.letters(batch, dead);
        let mut backoff = Backoff::default();
        loop {
            let (log, letters, refused) =
                (Arc::clone(&self.letters), letters.clone(), refused.clone());
            // Gone after a failure: a retry must be able to make room. Older letters then stay without
            // what was taken from them.
            let overtaking = std::mem::take(&mut overtaking);
            match spawn_blocking(move || log.append(&letters, &overtaking, &refused)).await {
                Ok(Ok(())) => break,
                Ok(Err(error)) => self.health.failed(&error, Class::Configuration),
                Err(error) => self.health.failed(&error, Class::Transient),
            }
            sleep(backoff.next()).await;
        }
        if letters.is_empty() {
            return;
        }
        for (folded, error) in dead {
            self.ledger.dead_lettered(reason(error), count(folded));
        }
        let reasons: Vec<_> = dead.iter().map(|(_, error)| error.to_string()).collect();
        let refused = || {
            dead.iter()
                .map(|(folded, _)| &**folded)
                .zip(reasons.iter().map(|reason| Some(&**reason)))
        };
        self.tell(batch, refused);
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
    fn letters(&self, batch: &Batch, dead: &[(Cow<'_, FoldedUpdate>, Error)]) -> Vec<DeadLetter> {
        let at = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
        let refused: HashMap<_, _> = dead
            .iter()
            .flat_map(|(folded, error)| {
                folded
                    .items()
                    .iter()
                    .map(move |item| (*item, (&**folded, error)))
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

/// Whether a refusal for good may be about some of the fields. The others are about the key.
fn concerns_fields(error: &Error) -> bool {
    match error {
        Error::Refused { reply, .. } => !matches!(reply.code(), "WRONGTYPE" | "CROSSSLOT"),
        Error::RefusedAlone { reply, .. } => reply.code() != "NOPERM",
        _ => true,
    }
}

fn count(folded: &FoldedUpdate) -> u64 {
    u64::try_from(folded.items().len()).unwrap_or(u64::MAX)
}

/// One of [`REFUSALS`].
fn reason(error: &Error) -> &'static str {
    let known = |code: &str| REFUSALS.into_iter().find(|known| *known == code);
    match error {
        Error::Refused { reply, .. } | Error::RefusedAlone { reply, .. } => {
            known(reply.code()).unwrap_or("other")
        }
        Error::Dropped { .. } => "connection_closed",
        _ => "other",
    }
}
