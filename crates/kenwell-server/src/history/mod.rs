//! The last hour in steps: how much was accepted, and what became of it.

mod balance;
mod ring;
mod sampler;

pub use balance::{BalanceCheck, BalanceEntry};
pub use ring::{History, MAX_SAMPLES, STEP, Sample};
pub use sampler::sample;
