//! What the page shows of the journal.

use prometheus_client::{metrics::gauge::Gauge, registry::Registry};

use super::registration::{register, to_gauge};

/// The journal's figures.
pub(super) struct JournalGauges {
    bytes: Gauge,
    max_bytes: Gauge,
    corrupt_records: Gauge,
}

impl JournalGauges {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("journal");
        Self {
            bytes: register(
                registry,
                "bytes",
                "Bytes that the journal occupies on disk, preallocated ones included",
            ),
            max_bytes: register(registry, "max_bytes", "Bytes that the journal may occupy"),
            corrupt_records: register(
                registry,
                "corrupt_records",
                "Damaged records skipped since the start",
            ),
        }
    }

    pub(super) fn set(&self, stats: &kenwell_journal::Stats) {
        self.bytes.set(to_gauge(stats.disk_bytes));
        self.max_bytes.set(to_gauge(stats.max_bytes));
        self.corrupt_records.set(to_gauge(stats.corrupt_records));
    }
}
