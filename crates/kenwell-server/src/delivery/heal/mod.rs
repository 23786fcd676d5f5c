//! A Redis that came back with less is noticed, and what it lost is delivered again.
//!
//! `guard` keeps the markers in Redis up to date and looks at them; `judge` says what a sighting means;
//! `known` is what is remembered of each Redis, and `told` what is said. Going back in the journal is
//! done by `runtime::heal`, because the delivery has to stop for it.

mod guard;
mod judge;
mod known;
mod told;

pub(crate) use guard::{LossDetector, LossDetectorDependencies};
pub(crate) use judge::Loss;
pub(crate) use known::{KnownRedisFile, PendingRestore, RunningRestore, forget};
