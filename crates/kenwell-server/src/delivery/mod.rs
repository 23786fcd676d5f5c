//! The loop that drains the journal into one destination.
//!
//! `run` has the loop, and `dependencies` sets it up. `batch_reader` reads records, `batch_builder` turns them
//! into updates, and `batch_writer` writes these over several connections, each with a `lane` of users.
//! `outcome_recorder` gets every update to an outcome (written, dead-lettered, or tried again), and
//! `deferred_updates` keeps those that wait by themselves, which `batch_writer` writes beside everything else.
//! `destination_queue` and `backlog` know what waits.

mod backlog;
mod backoff;
mod batch;
mod batch_builder;
mod batch_reader;
mod batch_writer;
mod damage_counter;
mod deferred_updates;
mod dependencies;
mod destination_queue;
mod heal;
mod health;
mod lag;
mod lane;
mod outcome_recorder;
mod pending_update;
mod ping;
mod refusal;
mod run;
mod unacknowledged_batches;

pub use backlog::{Backlog, count_backlogs};
pub use dependencies::DeliveryDependencies;
pub use destination_queue::{DestinationQueue, initialize_queues};
pub(crate) use heal::{
    KnownRedisFile, Loss, LossDetector, LossDetectorDependencies, PendingRestore, RunningRestore,
    forget,
};
pub use health::{DeferredEvents, Health, HealthState, MissingData};
pub use lag::Lag;
pub use run::Delivery;
