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

pub use backlog::{Backlog, count};
pub(crate) use heal::{Guard, Loss, Memory, Owed, Post, Restoring, forget};
pub use lag::Lag;
pub use queue::{DestinationQueue, enter_backlogs};
pub use run::{Delivery, Plan};
pub use state::{Health, Notice, SetAside, State};
