//! A durable, segmented log with group commit, cursors and retention.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod active;
mod batch;
mod cursor;
mod directory;
mod disk;
mod error;
#[cfg(test)]
mod failures;
mod frame;
mod identity;
mod inspect;
mod journal;
mod number;
mod offset;
mod options;
mod place;
mod queue;
mod reader;
mod records;
mod recovery;
mod retention;
mod run;
mod scan;
mod segment;
mod shared;
mod source;
mod stats;
mod survey;
mod sync;
mod tail;
mod writer;

pub use batch::Batch;
pub use error::Error;
pub use inspect::inspect;
pub use journal::{Journal, open};
pub use offset::Offset;
pub use options::{
    Clock, Durability, MAX_BATCH_BYTES, MAX_RECORD_BYTES, MIN_SEGMENT_BYTES, MIN_SEGMENTS, Options,
};
pub use reader::{Limit, Reader};
pub use records::{Iter, Records};
pub use recovery::Recovery;
pub use stats::{CursorStats, Stats};
