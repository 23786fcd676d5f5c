//! The loop that drains the journal into one destination.
//!
//! `backlog` counts what waits, `run` reads ahead and acknowledges, `batch` turns records into updates, `write` gets every
//! update to an outcome: written, dead-lettered, or tried again.

mod aside;
mod backlog;
mod backoff;
mod batch;
mod books;
mod damage;
mod lag;
mod refusal;
mod run;
mod state;
mod unacknowledged;
mod write;

pub use backlog::{Backlog, count};
pub use books::{Books, enter_backlogs};
pub use lag::Lag;
pub use run::{Delivery, Plan};
pub use state::{Health, SetAside, State};
