//! What is counted and measured, in the text format of Prometheus.
//!
//! `table` describes every metric, and from it come the page (`registry`), the dashboard, and the table of the guide;
//! `alerts` has the rules. `source_counters` and `destination_counters` are what gateway and delivery count with;
//! `event_counts` are a destination's counts at one moment; `page_figures` are what is looked at when the page is made.

mod alerts;
mod dashboard;
mod description;
mod destination_counters;
mod destination_families;
mod destination_series;
mod event_counts;
mod labels;
mod page_figures;
mod page_gauges;
mod plain_text;
mod process;
mod quantiles;
mod reason_counters;
#[cfg(test)]
mod reference;
mod refused_requests;
mod registration;
mod registry;
mod source_counters;
mod table;
mod wait_metrics;

pub(crate) use alerts::rules;
pub(crate) use dashboard::dashboard;
pub(crate) use description::Description;
pub use destination_counters::DestinationCounters;
pub use event_counts::EventCounts;
pub use page_figures::{
    CertificateExpiry, CertificateOwner, DestinationFigures, DiskSpace, PageFigures, STATES,
};
pub(crate) use plain_text::plain_text;
pub use quantiles::Quantiles;
pub(crate) use reason_counters::NOT_AN_ENVELOPE;
pub use reason_counters::REFUSALS;
pub(crate) use refused_requests::{Refused, RefusedRequests};
pub use registry::Metrics;
pub use source_counters::SourceCounters;
pub(crate) use table::METRICS;
pub(crate) use wait_metrics::Waited;
