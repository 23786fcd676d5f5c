//! The labels of the metrics.

use prometheus_client::encoding::EncodeLabelSet;

use super::reason_counters::ReasonLabels;

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) route: &'static str,
    pub(super) status: u16,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct SourceLabels {
    pub(super) source: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct IgnoredLabels {
    pub(super) source: String,
    pub(super) reason: &'static str,
}

impl ReasonLabels for IgnoredLabels {
    fn new(owner: &str, reason: &'static str) -> Self {
        Self {
            source: owner.to_owned(),
            reason,
        }
    }
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct DestinationLabels {
    pub(super) destination: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct OutcomeLabels {
    pub(super) destination: String,
    pub(super) reason: &'static str,
}

impl ReasonLabels for OutcomeLabels {
    fn new(owner: &str, reason: &'static str) -> Self {
        Self {
            destination: owner.to_owned(),
            reason,
        }
    }
}
