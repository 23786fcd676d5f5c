//! The delivery's loop: read, build, write, settle, acknowledge. It stops at the edge of a batch.

use std::{mem::take, pin::pin, sync::Arc, time::Duration};

use kenwell::profile::FoldedUpdate;
use kenwell_journal::ErrorChain;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{
    batch::Batch, batch_builder::BatchBuilder, batch_reader::BatchReader,
    batch_writer::BatchWriter, damage_counter::DamageCounter, destination_queue::DestinationQueue,
    health::Health, lag::Lag, ping::ping_until_answered,
    unacknowledged_batches::UnacknowledgedBatches,
};

/// How long a stopping delivery waits for Redis to answer the batch under way.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// How often it looks meanwhile whether Redis went away.
const STOP_POLL: Duration = Duration::from_millis(20);

/// One destination's delivery: it drains the journal into its Redis.
pub struct Delivery {
    pub(super) reader: BatchReader,
    pub(super) builder: BatchBuilder,
    pub(super) writer: BatchWriter,
    pub(super) unacknowledged: UnacknowledgedBatches,
    pub(super) damage: DamageCounter,
    pub(super) queue: DestinationQueue,
    pub(super) health: Health,
    pub(super) lag: Lag,
}

/// How writing a batch ended.
enum WriteEnd {
    /// Every update has its outcome, or is deferred. The batch behind it may have been read meanwhile.
    Complete { read_ahead: Option<Batch> },
    /// The delivery stops and Redis is away: the batch stays in the journal.
    CutOff,
}

impl Delivery {
    /// Delivers until `stop`, and then to the end of the batch under way.
    pub async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => return,
            () = self.queue.backlog_counted() => {}
        }
        let mut deferred_tasks = self.writer.spawn_deferred();
        let mut read_ahead = None;
        // Read the next records, and build one update of each user from them.
        while let Some(mut batch) = self.next_batch(read_ahead.take(), &stop).await {
            self.lag.note(batch.oldest_ms);
            self.unacknowledged.push(&batch);

            // Write, and meanwhile read the batch behind it.
            let updates = take(&mut batch.updates);
            let batch = Arc::new(batch);
            match self.write_and_read_ahead(&batch, updates, &stop).await {
                WriteEnd::Complete { read_ahead: next } => read_ahead = next,
                WriteEnd::CutOff => break,
            }

            // Settle. The writer has counted the outcomes that Redis gave; the others are counted here.
            self.settle(&batch);
            if !self.count_damage(&stop).await {
                break;
            }

            // Acknowledge, and answer those who wait: what they were told is not written again after a crash.
            self.acknowledge().await;
            self.queue.counters.applied().settle(batch.end);
            if stop.is_cancelled() {
                break;
            }
        }
        self.lag.note(None);
        deferred_tasks.shutdown().await;
        self.health.set_deferred([]);
        // The next delivery reads these events again, and gives them an outcome again.
        let repeated = self.unacknowledged.outcomes(self.writer.outcomes());
        self.queue.counters.replay(repeated);
    }

    /// The batch that was read ahead, or the next one once there is one. While there is none, deferred events
    /// that got their outcome are acknowledged, and a Redis that is not known to be up is asked. `None` when
    /// `stop` came first.
    async fn next_batch(
        &mut self,
        read_ahead: Option<Batch>,
        stop: &CancellationToken,
    ) -> Option<Batch> {
        if read_ahead.is_some() {
            return read_ahead;
        }
        self.lag.note(None);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                batch = read_and_build(&mut self.reader, &mut self.builder) => return Some(batch),
                () = ping_until_answered(self.writer.connection(), &self.health), if !self.health.is_up() => {}
                () = self.writer.deferred_settled(), if !self.unacknowledged.is_empty() => {
                    if !self.count_damage(stop).await {
                        return None;
                    }
                    self.acknowledge().await;
                }
            }
        }
    }

    /// Writes `batch` and meanwhile reads and builds the one behind it, if there is much for it. That must not be written
    /// before.
    async fn write_and_read_ahead(
        &mut self,
        batch: &Arc<Batch>,
        updates: Vec<Vec<FoldedUpdate>>,
        stop: &CancellationToken,
    ) -> WriteEnd {
        let mut read_ahead = None;
        let mut writing = pin!(self.writer.write(batch, updates));
        loop {
            tokio::select! {
                biased;
                () = &mut writing => return WriteEnd::Complete { read_ahead },
                next = read_ahead_and_build(&mut self.reader, &mut self.builder), if read_ahead.is_none() => {
                    read_ahead = Some(next);
                }
                () = cut_off(stop, &self.health) => return WriteEnd::CutOff,
            }
        }
    }

    /// Counts the events of a written batch that had nothing for the destination.
    fn settle(&mut self, batch: &Batch) {
        batch.count_ignored(&self.queue.counters);
        self.unacknowledged.add_ignored(batch.ignored());
        if batch.damaged {
            self.damage.note();
            for lost in batch.lost() {
                self.queue.counters.applied().leave_out(lost);
            }
        }
    }

    /// Counts as lost what damage took before the end of the last batch, once everything that can be read
    /// before it has its outcome: a deferred event has none, and is not lost either. False when `stop` came
    /// first.
    async fn count_damage(&mut self, stop: &CancellationToken) -> bool {
        let end = self.unacknowledged.end();
        let Some(end) = end.filter(|_| self.writer.has_nothing_deferred()) else {
            return true;
        };
        let destination = self.health.destination();
        let feeds = |source: &str| self.builder.is_fed_by(source);
        tokio::select! {
            biased;
            () = self.damage.count(&self.queue.counters, destination, end, feeds) => true,
            () = stop.cancelled() => false,
        }
    }

    /// Moves the cursor behind the batches of which everything has its outcome. As long as that fails they
    /// are not acknowledged, and would be written again after a restart, which changes nothing in Redis.
    async fn acknowledge(&mut self) {
        let oldest_deferred = self.writer.oldest_deferred();
        let Some(end) = self.unacknowledged.end_before(oldest_deferred) else {
            return;
        };
        match self.reader.acknowledge(end).await {
            Ok(()) => self.unacknowledged.acknowledged(end),
            Err(error) => {
                tracing::error!(destination.id = self.health.destination(), error = %ErrorChain(&error), "the delivery's cursor could not be moved; what was delivered will be delivered again after a restart");
            }
        }
    }
}

/// Reads the next records and builds a batch of them. Dropped before it is done, it has taken nothing.
async fn read_and_build(reader: &mut BatchReader, builder: &mut BatchBuilder) -> Batch {
    let records = reader.next().await;
    let (batch, remaining) = builder.build(records);
    reader.put_back(remaining);
    batch
}

/// The same once it is worth it while another batch is written.
async fn read_ahead_and_build(reader: &mut BatchReader, builder: &mut BatchBuilder) -> Batch {
    reader.worth_reading_ahead().await;
    read_and_build(reader, builder).await
}

/// Resolves after `stop` when the batch under way should not be waited for: Redis is away, or it is so slow
/// that the batch does not end in time.
async fn cut_off(stop: &CancellationToken, health: &Health) {
    stop.cancelled().await;
    let deadline = Instant::now() + STOP_TIMEOUT;
    while !health.is_waiting() && Instant::now() < deadline {
        sleep(STOP_POLL).await;
    }
}
