//! The last hour, day and week in steps: how much was accepted, and what became of it.

mod balance;
mod file;
mod range;
mod ring;
mod sample;
mod sampler;
mod steps;

pub use balance::{BalanceCheck, BalanceEntry};
pub use range::Range;
pub use sample::Sample;
pub use sampler::sample;
pub use steps::History;
