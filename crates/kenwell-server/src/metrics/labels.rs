//! The labels of the metrics.

use prometheus_client::encoding::EncodeLabelSet;

/// The labels of a request.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) route: &'static str,
    pub(super) status: u16,
}

/// The label of a request's time.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct RouteLabels {
    pub(super) route: &'static str,
}

/// A reason alone.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct ReasonLabels {
    pub(super) reason: &'static str,
}

/// The labels of a wait.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct WaitLabels {
    pub(super) of: &'static str,
    pub(super) result: &'static str,
}

/// Names of labels with their values: the source or the destination, and for some metrics the reason.
pub(super) type Labels<const COUNT: usize> = [(&'static str, String); COUNT];

/// The label of a source.
pub(super) fn source(id: &str) -> (&'static str, String) {
    ("source", id.to_owned())
}

/// The label of a destination.
pub(super) fn destination(id: &str) -> (&'static str, String) {
    ("destination", id.to_owned())
}
