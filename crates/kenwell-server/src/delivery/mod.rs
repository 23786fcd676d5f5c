//! The loop that drains the journal into one destination.
//!
//! `run` reads ahead and acknowledges, `batch` turns records into updates, `write` gets every
//! update to an outcome: written, dead-lettered, or tried again.

mod backoff;
mod batch;
mod books;
mod lag;
mod run;
mod state;
mod write;

pub use books::Books;
pub use lag::Lag;
pub use run::{Delivery, Plan};
pub use state::{Health, State};
