//! Profiles: what identify events write into a user's hash, and reading it back.

mod clocks;
mod control;
mod event;
mod event_time;
mod experiment;
mod expiry;
mod fields;
mod flattener;
mod fold;
mod ignored;
mod js;
mod json_order;
mod json_text;
mod layout;
mod limits;
mod marker;
mod merge;
mod object_keys;
mod overlap;
mod prefix;
mod ruled;
mod rules;
mod script;
mod server_limits;
mod server_results;
mod stamp;
mod store;
mod update;
mod writer;

pub use crate::exceeded::Exceeded;
pub use clocks::{Change, ClockGroup, Clocks, clocks_key};
pub use event_time::{MAX_AHEAD, moment_ms};
pub use experiment::ROUNDS;
pub use expiry::Expiry;
pub use flattener::{Flattener, update};
pub use fold::{Fold, FoldedUpdate};
pub use ignored::Ignored;
pub(crate) use json_order::{Reorder, array_index};
pub use layout::Layout;
pub use limits::{MAX_DEPTH, MAX_FLATTENED_BYTES};
pub use marker::{Marker, MarkerState, Server, Shard};
pub use merge::at_and_above;
pub use overlap::overlaps;
pub use prefix::Prefix;
pub use rules::{Nested, NullTraits, Order, Rules};
pub use stamp::{Receipt, Stamp};
pub use store::{
    MAX_FIELDS, MAX_PIPELINE_BYTES, StoredFields, apply, delete, expires_in, read, read_clocks,
};
pub(crate) use store::{key_expires_in, stored_fields};
pub use update::{NamedChange, ProfileUpdate};
pub use writer::Writer;
