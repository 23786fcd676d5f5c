//! What is counted and measured, in the text format of Prometheus.

mod ledger;
mod quantiles;
mod reasons;
mod registry;
mod shown;
mod source;

pub use ledger::{Ledger, Terms};
pub use quantiles::Quantiles;
pub use registry::Metrics;
pub use source::SourceCounters;
