//! The loop itself: read ahead, write, acknowledge; stop at the edge of a batch.

use std::{pin::pin, time::Duration};

use foldhash::fast::RandomState;
use kenwell::{
    connection::Connection,
    profile::{Flattener, Layout, Prefix},
};
use kenwell_journal::{Journal, Limit, Reader};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{
    backoff::Backoff,
    batch::{Batch, Recipe, Supply},
    state::Health,
    write::Pen,
};
use crate::{
    config::{Config, Destination},
    dead_letters::DeadLetters,
    metrics::Ledger,
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
}

/// Where batches come from.
struct Intake {
    reader: Reader,
    limit: Limit,
    rest: Option<Supply>,
    recipe: Recipe,
}

impl Delivery {
    /// A delivery that goes on where the destination's cursor stands. What waits in the journal is
    /// entered in the destination's books.
    pub fn new(
        config: &Config,
        destination: &Destination,
        journal: &Journal,
        ledger: Ledger,
        dead_letters: DeadLetters,
    ) -> anyhow::Result<Self> {
        let first = Connection::new(destination.connection.clone())?;
        let lanes = config.delivery.lanes.max(1);
        let mut connections: Vec<_> = (1..lanes).map(|_| first.another()).collect();
        connections.push(first);
        let reader = journal.reader(&destination.id)?;
        let stats = journal.stats();
        let waiting = stats
            .cursors
            .iter()
            .find(|cursor| cursor.name == destination.id);
        ledger.accept(waiting.map_or(0, |cursor| cursor.pending));
        let fed = |source: &&crate::config::Source| source.destinations.contains(&destination.id);
        let recipe = Recipe {
            sources: config
                .sources
                .iter()
                .filter(fed)
                .map(|source| source.id.clone())
                .collect(),
            layout: Layout {
                prefix: Prefix::parse(&destination.prefix),
                workspace_id: config.workspace_id.clone(),
                destination_id: destination.id.clone(),
            },
            lanes,
            hasher: RandomState::default(),
            backlog_end: stats.next_offset,
            flattener: Flattener::default(),
        };
        let pen = Pen {
            connections,
            health: Health::new(&destination.id).of(&destination.connection),
            ledger,
            dead_letters,
        };
        let limit = Limit {
            records: config.delivery.batch_records,
            bytes: BATCH_BYTES,
        };
        Ok(Self {
            intake: Intake {
                reader,
                limit,
                rest: None,
                recipe,
            },
            pen,
        })
    }

    /// How the destination is doing.
    pub fn health(&self) -> Health {
        self.pen.health.clone()
    }

    /// Delivers until `stop`, and then to the end of the batch under way.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ahead: Option<Batch> = None;
        loop {
            let batch = if let Some(batch) = ahead.take() {
                batch
            } else {
                tokio::select! {
                    () = stop.cancelled() => return,
                    batch = self.intake.next() => batch,
                }
            };
            ahead = match self.write_and_read_ahead(&batch, &stop).await {
                Written::Whole { ahead } => ahead,
                Written::Stopped => return,
            };
            batch.settle(&self.pen.ledger);
            self.acknowledge(&batch).await;
            if stop.is_cancelled() {
                return;
            }
        }
    }

    /// Writes `batch` and meanwhile prepares the one behind it, which must not be sent before.
    async fn write_and_read_ahead(&mut self, batch: &Batch, stop: &CancellationToken) -> Written {
        let mut ahead = None;
        let mut writing = pin!(self.pen.write(batch));
        loop {
            tokio::select! {
                biased;
                () = &mut writing => return Written::Whole { ahead },
                next = self.intake.next(), if ahead.is_none() => ahead = Some(next),
                () = stopped(stop, &self.pen.health) => return Written::Stopped,
            }
        }
    }

    /// Moves the cursor behind `batch`. As long as that fails the batch is not acknowledged, and
    /// would be sent again after a restart, which changes nothing in Redis.
    async fn acknowledge(&mut self, batch: &Batch) {
        if let Err(error) = self.intake.reader.ack(batch.end).await {
            tracing::error!(destination.id = self.pen.health.destination(), %error, "the delivery's cursor could not be moved; what was delivered will be delivered again after a restart");
        }
    }
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
