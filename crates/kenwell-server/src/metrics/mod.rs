//! What is counted and measured, in the text format of Prometheus.

mod ledger;
mod reasons;
mod registry;
mod source;

pub use ledger::Ledger;
pub use registry::Metrics;
pub use source::SourceCounters;
