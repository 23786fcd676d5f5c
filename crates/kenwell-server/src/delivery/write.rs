//! Every update of a batch to its outcome: written, or dead-lettered, or tried until it is.

use std::collections::HashMap;

use futures_util::future::join_all;
use jiff::Timestamp;
use kenwell::{
    Class, Error,
    connection::Connection,
    profile::{self, FoldedUpdate},
};
use tokio::{task::spawn_blocking, time::sleep};

use super::{backoff::Backoff, batch::Batch, state::Health};
use crate::{
    dead_letters::{DeadLetter, DeadLetters},
    envelope::Envelope,
    metrics::Ledger,
};

/// How often in a row a lane may lose its connection before its updates are sent one by one, to find
/// the one that Redis closes the connection over.
const LOSSES: u32 = 3;

/// What a batch is written with.
pub(super) struct Pen {
    /// One for each lane.
    pub(super) connections: Vec<Connection>,
    pub(super) health: Health,
    pub(super) ledger: Ledger,
    pub(super) dead_letters: DeadLetters,
}

impl Pen {
    /// Writes the whole batch; returns when every update has an outcome. Dropped earlier, some
    /// updates may be in Redis: sending the batch again leaves the same profiles.
    pub(super) async fn write(&self, batch: &Batch) {
        let lanes = batch.lanes.iter().zip(&self.connections);
        let busy = lanes.filter(|(lane, _)| !lane.is_empty());
        join_all(busy.map(|(lane, connection)| self.write_lane(batch, lane, connection))).await;
        // A batch with nothing to write says nothing about Redis.
        if batch.lanes.iter().any(|lane| !lane.is_empty()) {
            self.health.succeeded();
        }
        if let Some(oldest) = batch.oldest_ms {
            let now = Timestamp::now().as_millisecond();
            let age = now.saturating_sub_unsigned(oldest).max(0);
            #[expect(
                clippy::cast_precision_loss,
                reason = "an age in milliseconds is far below 2^53"
            )]
            self.ledger.fresh(age as f64 / 1_000.0);
        }
    }

    /// Sends what is open until nothing is. A user's update is in one lane only and is never
    /// overtaken, because the next batch waits for this one.
    async fn write_lane(&self, batch: &Batch, lane: &[FoldedUpdate], connection: &Connection) {
        let mut open: Vec<&FoldedUpdate> = lane.iter().collect();
        let mut backoff = Backoff::default();
        let mut losses = 0;
        loop {
            let results = if losses < LOSSES {
                profile::apply(connection, &open).await
            } else {
                one_by_one(connection, &open).await
            };
            losses = if results.iter().any(is_loss) {
                losses + 1
            } else {
                0
            };
            let mut again = Vec::new();
            let mut dead = Vec::new();
            let mut written = Vec::new();
            let mut latest = None;
            for (folded, result) in open.into_iter().zip(results) {
                match result {
                    Ok(()) => written.push(folded),
                    Err(error) if error.is_retryable() => {
                        again.push(folded);
                        latest = Some(error);
                    }
                    Err(error) => dead.push((folded, error)),
                }
            }
            self.ledger
                .written(written.iter().copied().map(count).sum());
            self.tell(batch, || written.into_iter().map(|folded| (folded, None)));
            self.bury(batch, &dead).await;
            let Some(error) = latest else { return };
            self.health.failed(&error, error.class());
            self.ledger.retried();
            sleep(backoff.next()).await;
            open = again;
        }
    }

    /// Puts refused updates aside, durably, each with all of its events. Without that there is no
    /// outcome, so it is tried until it succeeds.
    async fn bury(&self, batch: &Batch, dead: &[(&FoldedUpdate, Error)]) {
        if dead.is_empty() {
            return;
        }
        let letters = self.letters(batch, dead);
        let mut backoff = Backoff::default();
        loop {
            let (log, destination, copy) = (
                self.dead_letters.clone(),
                self.health.destination().to_owned(),
                letters.clone(),
            );
            match spawn_blocking(move || log.append(&destination, &copy)).await {
                Ok(Ok(())) => break,
                Ok(Err(error)) => self.health.failed(&error, Class::Configuration),
                Err(error) => self.health.failed(&error, Class::Transient),
            }
            sleep(backoff.next()).await;
        }
        for (folded, error) in dead {
            self.ledger.dead_lettered(reason(error), count(folded));
        }
        let reasons: Vec<_> = dead.iter().map(|(_, error)| error.to_string()).collect();
        let refused = || {
            dead.iter()
                .map(|(folded, _)| *folded)
                .zip(reasons.iter().map(|reason| Some(&**reason)))
        };
        self.tell(batch, refused);
        let (destination, letters) = (self.health.destination(), letters.len());
        tracing::warn!(
            destination.id = destination,
            letters,
            "Redis refused events for good; they are in the dead-letter log: kenwell dead-letters list"
        );
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
    fn letters(&self, batch: &Batch, dead: &[(&FoldedUpdate, Error)]) -> Vec<DeadLetter> {
        let at = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
        let refused: HashMap<_, _> = dead
            .iter()
            .flat_map(|(folded, error)| {
                folded
                    .items()
                    .iter()
                    .map(move |item| (*item, (*folded, error)))
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

/// Sends each update alone, and gives one result for each. When Redis is away, those that are left
/// get the error of the first that noticed.
async fn one_by_one(connection: &Connection, updates: &[&FoldedUpdate]) -> Vec<Result<(), Error>> {
    let mut results = Vec::with_capacity(updates.len());
    for update in updates {
        let result = profile::apply_alone(connection, update).await;
        let away = matches!(&result, Err(error) if error.is_retryable());
        results.push(result.clone());
        if away {
            results.resize(updates.len(), result);
            break;
        }
    }
    results
}

/// Whether the connection broke while this was under way.
fn is_loss(result: &Result<(), Error>) -> bool {
    matches!(result, Err(Error::Lost { .. }))
}

fn count(folded: &FoldedUpdate) -> u64 {
    u64::try_from(folded.items().len()).unwrap_or(u64::MAX)
}

/// A bounded set of names for metrics: Redis' error codes as far as we know them.
fn reason(error: &Error) -> &'static str {
    match error {
        Error::Refused { reply, .. } => match reply.code() {
            "WRONGTYPE" => "WRONGTYPE",
            "NOPERM" => "NOPERM",
            "ERR" => "ERR",
            _ => "other",
        },
        Error::Dropped { .. } => "connection_closed",
        _ => "other",
    }
}
