//! What is counted and measured, in the text format of Prometheus.
//!
//! `registry` has every metric and makes the page. `source_counters` and `destination_counters` are what gateway
//! and delivery count with; `event_counts` are a destination's counts at one moment.

mod destination_counters;
mod destination_families;
mod destination_series;
mod event_counts;
mod journal_gauges;
mod labels;
mod quantiles;
mod reason_counters;
mod registration;
mod registry;
mod source_counters;
mod wait_metrics;

pub use destination_counters::DestinationCounters;
pub use event_counts::EventCounts;
pub use quantiles::Quantiles;
pub(crate) use reason_counters::NOT_AN_ENVELOPE;
pub use reason_counters::REFUSALS;
pub use registry::Metrics;
pub use source_counters::SourceCounters;
pub(crate) use wait_metrics::Waited;
