//! The last hour in steps: how much was accepted, and what became of it.

mod audit;
mod ring;
mod sampler;

pub use audit::{Audit, AuditEntry};
pub use ring::{History, MAX_SAMPLES, STEP, Sample};
pub use sampler::sample;
