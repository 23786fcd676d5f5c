//! The loop that drains the journal into one destination.
//!
//! `backlog` counts what waits, `run` reads ahead and acknowledges, `batch` turns records into updates,
//! `lane` splits them over connections, `write` gets every update to an outcome (written, dead-lettered, or
//! tried again), and `aside` keeps what waits by itself.

mod aside;
mod backlog;
mod backoff;
mod batch;
mod damage;
mod heal;
mod lag;
mod lane;
mod queue;
mod refusal;
mod run;
mod state;
mod unacknowledged;
mod write;

pub use backlog::{Backlog, count_backlogs};
pub(crate) use heal::{
    KnownRedisFile, Loss, LossDetector, LossDetectorDependencies, PendingRestore, RunningRestore,
    forget,
};
pub use lag::Lag;
pub use queue::{DestinationQueue, initialize_queues};
pub use run::{Delivery, DeliveryDependencies};
pub use state::{DeferredEvents, Health, HealthState, MissingData};
