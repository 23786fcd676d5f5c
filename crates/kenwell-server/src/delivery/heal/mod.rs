//! A Redis that came back with less than was delivered is noticed, and what it lost is delivered again.
//!
//! `loss_detector` keeps the markers in Redis up to date and reads them, each with what is known of its
//! `watched_shard`; `marker_comparison` decides what a marker says; `known_redis` is the file with what is
//! remembered of each Redis, and `reports` says it to people. Going back in the journal is the runtime's part,
//! because the delivery has to stop for it.

mod dependencies;
mod known_redis;
mod loss_detector;
mod marker_comparison;
mod reports;
mod watched_shard;

pub(crate) use dependencies::LossDetectorDependencies;
pub(crate) use known_redis::{KnownRedisFile, PendingRestore, RunningRestore, forget};
pub(crate) use loss_detector::LossDetector;
pub(crate) use marker_comparison::Loss;
