//! What is counted and measured, in the text format of Prometheus.

mod ledger;
mod registry;

pub use ledger::Ledger;
pub use registry::{Metrics, SourceCounters};
