//! The last hour, day and week in steps: how much was accepted, and what became of it.

mod audit;
mod file;
mod range;
mod ring;
mod sample;
mod sampler;
mod steps;

pub use audit::{Audit, AuditEntry};
pub use range::Range;
pub use sample::Sample;
pub use sampler::sample;
pub use steps::History;
