//! What a delivery needs, and how it is set up.

use std::sync::Arc;

use kenwell::connection::Connection;
use kenwell_journal::Journal;

use super::{
    batch_builder::BatchBuilder, batch_reader::BatchReader, batch_writer::BatchWriter,
    damage_counter::DamageCounter, destination_queue::DestinationQueue, health::Health, lag::Lag,
    lane::Lane, outcome_recorder::OutcomeRecorder, run::Delivery,
    unacknowledged_batches::UnacknowledgedBatches,
};
use crate::{
    config::{Config, Destination},
    dead_letters::DeadLetters,
    installation,
};

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

impl Delivery {
    /// A delivery that goes on where the destination's cursor stands.
    ///
    /// # Errors
    /// Those of [`Journal::reader`].
    pub fn new(
        dependencies: &DeliveryDependencies<'_>,
        journal: &Journal,
    ) -> Result<Self, kenwell_journal::Error> {
        let &DeliveryDependencies {
            config,
            destination,
            queue,
            health,
            lag,
            dead_letters,
            ..
        } = dependencies;
        let builder = BatchBuilder::new(config, destination, queue.counters.tail());
        let connection = dependencies.named_connection();
        let lanes = 0..config.delivery.lanes.max(1);
        let writers = lanes.map(|_| destination.writer(connection.another()));
        let lanes: Vec<_> = writers
            .map(|writer| Lane::new(writer, queue.counters.applied()))
            .collect();
        let recorder = OutcomeRecorder {
            deferred: lanes
                .iter()
                .map(|lane| Arc::clone(&lane.deferred))
                .collect(),
            recorded: Arc::default(),
            health: health.clone(),
            counters: queue.counters.clone(),
            letters: dead_letters.outstanding(&destination.id, &builder.layout),
        };
        let reader = BatchReader::new(journal, &destination.id, config.delivery.batch_records)?;
        queue.counters.applied().begin(reader.position());
        Ok(Self {
            reader,
            builder,
            writer: BatchWriter::new(lanes, recorder),
            unacknowledged: UnacknowledgedBatches::default(),
            damage: DamageCounter::new(journal, queue.end),
            queue: queue.clone(),
            health: health.clone(),
            lag: lag.clone(),
        })
    }
}

impl DeliveryDependencies<'_> {
    /// The connection under a name that tells Redis whose it is, so that the next run can end it. Without the
    /// installation's id, which is a file in the data directory, it has no name and still delivers.
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
}
