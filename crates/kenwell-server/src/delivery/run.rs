//! The loop itself: read ahead, write, acknowledge; stop at the edge of a batch.

use std::{mem::take, pin::pin, sync::Arc, time::Duration};

use foldhash::fast::RandomState;
use kenwell::{
    connection::Connection,
    profile::{Flattener, FoldedUpdate},
};
use kenwell_journal::{Journal, Limit, Offset, Reader};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{
    backoff::Backoff,
    batch::{Batch, Recipe, Supply},
    damage::Damage,
    lag::Lag,
    lane::{Lane, Pen},
    queue::DestinationQueue,
    state::Health,
    unacknowledged::Unacknowledged,
    write::Outcomes,
};
use crate::{
    config::{Config, Destination, Source},
    dead_letters::DeadLetters,
    installation,
};

/// Bytes of records after which a batch ends, whatever its count.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// How long a stopping delivery waits for Redis to answer the batch under way.
const EDGE: Duration = Duration::from_secs(5);
/// How often it looks whether Redis went away meanwhile.
const POLL: Duration = Duration::from_millis(20);

/// One destination's delivery.
pub struct Delivery {
    intake: Intake,
    pen: Pen,
    lag: Lag,
    queue: DestinationQueue,
    damage: Damage,
}

/// What a delivery needs to know and to have.
pub struct DeliveryDependencies<'a> {
    /// The configuration that the destination belongs to.
    pub config: &'a Config,
    /// The destination.
    pub destination: &'a Destination,
    /// The way to its Redis.
    pub connection: &'a Connection,
    /// Its queue, open.
    pub queue: &'a DestinationQueue,
    /// Where it says how it is doing.
    pub health: &'a Health,
    /// Where it says how far behind it is.
    pub lag: &'a Lag,
    /// Where events go that Redis refuses for good.
    pub dead_letters: &'a DeadLetters,
}

/// Where batches come from.
struct Intake {
    reader: Reader,
    limit: Limit,
    rest: Option<Supply>,
    recipe: Recipe,
}

impl Delivery {
    /// A delivery that goes on where the destination's cursor stands.
    ///
    /// # Errors
    /// Those of [`Journal::reader`].
    pub fn new(
        plan: &DeliveryDependencies<'_>,
        journal: &Journal,
    ) -> Result<Self, kenwell_journal::Error> {
        let DeliveryDependencies { config, .. } = plan;
        let lanes = 0..config.delivery.lanes.max(1);
        let connection = plan.named_connection();
        let lanes: Vec<_> = lanes.map(|_| Lane::new(&connection)).collect();
        let recipe = plan.recipe();
        let id = &plan.destination.id;
        let pen = Pen {
            outcomes: Outcomes {
                asides: lanes.iter().map(|lane| Arc::clone(&lane.aside)).collect(),
                given: Arc::default(),
                health: plan.health.clone(),
                counters: plan.queue.counters.clone(),
                letters: plan.dead_letters.outstanding(id, &recipe.layout),
            },
            lanes,
        };
        let limit = Limit {
            records: config.delivery.batch_records,
            bytes: BATCH_BYTES,
        };
        Ok(Self {
            intake: Intake {
                reader: journal.reader(id)?,
                limit,
                rest: None,
                recipe,
            },
            pen,
            lag: plan.lag.clone(),
            queue: plan.queue.clone(),
            damage: Damage::new(journal, plan.queue.end),
        })
    }

    /// Delivers until `stop`, and then to the end of the batch under way.
    pub async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => return,
            () = self.queue.entered() => {}
        }
        let mut asides = self.pen.deliver_asides();
        let mut ahead: Option<Batch> = None;
        let mut open = Unacknowledged::default();
        loop {
            let mut batch = if let Some(batch) = ahead.take() {
                batch
            } else {
                self.lag.note(None);
                tokio::select! {
                    biased;
                    () = stop.cancelled() => break,
                    batch = self.intake.next() => batch,
                    () = reach(&self.pen), if !self.pen.outcomes.health.is_up() => continue,
                    () = self.pen.aside_moved(), if !open.is_empty() => {
                        if !self.finish(&mut open, &stop).await {
                            break;
                        }
                        continue;
                    }
                }
            };
            self.lag.note(batch.oldest_ms);
            open.push(&batch);
            let shares = take(&mut batch.lanes);
            let batch = Arc::new(batch);
            let written = self.write_and_read_ahead(&batch, shares, &stop).await;
            let Written::Whole { ahead: next } = written else {
                break;
            };
            ahead = next;
            batch.settle(&self.queue.counters);
            open.given += batch.ignored();
            if batch.damaged {
                self.damage.note();
            }
            if !self.finish(&mut open, &stop).await || stop.is_cancelled() {
                break;
            }
        }
        asides.shutdown().await;
        self.pen.outcomes.health.set_aside([]);
        // Who delivers next reads these again, and gives them an outcome again.
        self.queue.counters.replay(open.outcomes(self.pen.given()));
    }

    /// Enters what was lost to damage, and moves the cursor, as far as everything has its outcome. Whether the
    /// delivery is to go on: not when `stop` came first.
    async fn finish(&mut self, open: &mut Unacknowledged, stop: &CancellationToken) -> bool {
        // What was set aside has no outcome yet: it is not behind the last batch, and not lost either.
        let end = open.end().filter(|_| self.pen.has_nothing_aside());
        if let Some(end) = end
            && !self.account_for_damage(end, stop).await
        {
            return false;
        }
        self.acknowledge(open).await;
        true
    }

    /// Enters what was lost to damage before `end`, up to which everything that can be read has its outcome.
    /// Whether the delivery is to go on: not when `stop` came first.
    async fn account_for_damage(&mut self, end: Offset, stop: &CancellationToken) -> bool {
        let recipe = &self.intake.recipe;
        let feeds = |source: &str| recipe.sources.contains(source);
        let (counters, destination) =
            (&self.queue.counters, self.pen.outcomes.health.destination());
        let mut backoff = Backoff::default();
        loop {
            let accounted = self.damage.account(counters, destination, end, feeds);
            let accounted = tokio::select! {
                () = stop.cancelled() => return false,
                accounted = accounted => accounted,
            };
            let Err(error) = accounted else { return true };
            let attempts = backoff.attempts();
            tracing::error!(destination.id = destination, %error, attempts, "the journal could not be read to count what damage cost; trying again");
            sleep(backoff.next()).await;
        }
    }

    /// Writes `batch` and meanwhile prepares the one behind it, which must not be sent before.
    async fn write_and_read_ahead(
        &mut self,
        batch: &Arc<Batch>,
        shares: Vec<Vec<FoldedUpdate>>,
        stop: &CancellationToken,
    ) -> Written {
        let mut ahead = None;
        let health = self.pen.outcomes.health.clone();
        let mut writing = pin!(self.pen.write(batch, shares));
        loop {
            tokio::select! {
                biased;
                () = &mut writing => return Written::Whole { ahead },
                next = self.intake.next(), if ahead.is_none() => ahead = Some(next),
                () = stopped(stop, &health) => return Written::Stopped,
            }
        }
    }

    /// Moves the cursor behind the batches of which everything has its outcome. As long as that fails they
    /// are not acknowledged, and would be sent again after a restart, which changes nothing in Redis.
    async fn acknowledge(&mut self, open: &mut Unacknowledged) {
        let Some(end) = open.end_before(self.pen.oldest_aside()) else {
            return;
        };
        match self.intake.reader.ack(end).await {
            Ok(()) => open.acknowledged(end),
            Err(error) => {
                tracing::error!(destination.id = self.pen.outcomes.health.destination(), %error, "the delivery's cursor could not be moved; what was delivered will be delivered again after a restart");
            }
        }
    }
}

impl DeliveryDependencies<'_> {
    /// The connection under a name that tells Redis whose it is. Without the name, which needs a file in the
    /// data directory, an earlier run's connections could not be ended, and that is all.
    fn named_connection(&self) -> Connection {
        let id = &self.destination.id;
        match installation::id(&self.config.data_dir) {
            Ok(installation) => self.connection.named(&format!("{installation}:{id}")),
            Err(error) => {
                tracing::warn!(destination.id = id, %error, "the installation's id cannot be kept in data_dir; if a connection of an earlier run is still open at Redis, what it carries could overwrite newer values");
                self.connection.another()
            }
        }
    }

    fn recipe(&self) -> Recipe {
        let Self {
            config,
            destination,
            ..
        } = self;
        let feeds = |source: &&Source| source.destinations.contains(&destination.id);
        let sources = config.sources.iter().filter(feeds);
        Recipe {
            sources: sources.map(|source| source.id.clone()).collect(),
            layout: config.layout(destination),
            lanes: config.delivery.lanes.max(1),
            hasher: RandomState::default(),
            flattener: Flattener::default(),
            tail: self.queue.counters.tail().clone(),
        }
    }
}

/// Asks for a sign of life until there is one, while there is nothing to write: so that a destination that
/// gets no events is known to be up or not.
async fn reach(pen: &Pen) {
    let (health, Some(lane)) = (&pen.outcomes.health, pen.lanes.first()) else {
        return std::future::pending().await;
    };
    let mut backoff = Backoff::default();
    while let Err(error) = lane.writer.connection().ping().await {
        if matches!(&error, kenwell::Error::Refused { reply, .. } if reply.code() == "NOPERM") {
            break; // It let us in, and answers.
        }
        health.failed(&error, error.class());
        sleep(backoff.next()).await;
    }
    health.succeeded();
}

/// Resolves after `stop` when the batch under way should not be waited for: Redis is away, or it is
/// so slow that the edge of the batch is not near.
async fn stopped(stop: &CancellationToken, health: &Health) {
    stop.cancelled().await;
    let patience = Instant::now() + EDGE;
    while !health.is_waiting() && Instant::now() < patience {
        sleep(POLL).await;
    }
}

enum Written {
    /// Every update has its outcome.
    Whole { ahead: Option<Batch> },
    /// Redis is away and the server stops: the batch stays in the journal.
    Stopped,
}

impl Intake {
    /// The next batch. A journal that cannot be read is tried again: its records are still there.
    /// Dropped earlier, nothing is lost.
    async fn next(&mut self) -> Batch {
        let mut backoff = Backoff::default();
        let supply = loop {
            if let Some(rest) = self.rest.take() {
                break rest;
            }
            match self.reader.next(self.limit).await {
                Ok(records) => break Supply::new(records),
                Err(kenwell_journal::Error::Closed) => std::future::pending().await,
                Err(error) => {
                    let (destination, attempts) =
                        (&self.recipe.layout.destination_id, backoff.attempts());
                    tracing::error!(destination.id = destination, %error, attempts, "the journal could not be read; trying again");
                    sleep(backoff.next()).await;
                }
            }
        };
        let (batch, rest) = self.recipe.prepare(supply);
        self.rest = rest;
        batch
    }
}
