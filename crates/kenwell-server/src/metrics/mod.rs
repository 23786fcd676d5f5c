//! What is counted and measured, in the text format of Prometheus.

mod counters;
mod labels;
mod quantiles;
mod reasons;
mod registry;
mod shown;
mod source;

pub use counters::{DestinationCounters, EventCounts};
pub use quantiles::Quantiles;
pub use reasons::REFUSALS;
pub use registry::Metrics;
pub(crate) use registry::NOT_AN_ENVELOPE;
pub use source::SourceCounters;
