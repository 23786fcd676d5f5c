//! The gauges that are set whenever the page is made, and know nothing in between.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{
    description::Description,
    labels::{self, Labels},
    page_figures::{CertificateExpiry, CertificateOwner, DestinationFigures, PageFigures, STATES},
    registration::{register, to_gauge},
    table,
};

/// The gauges of [`PageFigures`].
pub(super) struct PageGauges {
    accepting: Gauge,
    in_force: Gauge,
    loaded_at: Gauge,
    state: Family<Labels<2>, Gauge>,
    needs_operator: Family<Labels<1>, Gauge>,
    lag: Family<Labels<1>, Gauge<f64, AtomicU64>>,
    journal_bytes: Gauge,
    journal_max_bytes: Gauge,
    damaged_records: Counter,
    corrupt_records: Gauge,
    disk_available: Gauge,
    disk_size: Gauge,
    listener_certificates: Family<Labels<1>, Gauge>,
    destination_certificates: Family<Labels<2>, Gauge>,
}

impl PageGauges {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let mut gauge = |of: &Description| -> Gauge { register(registry, of) };
        let accepting = gauge(table::ACCEPTING);
        let in_force = gauge(table::CONFIG_RELOADED);
        let loaded_at = gauge(table::CONFIG_RELOADED_AT);
        let journal_bytes = gauge(table::JOURNAL_BYTES);
        let journal_max_bytes = gauge(table::JOURNAL_MAX_BYTES);
        let corrupt_records = gauge(table::CORRUPT_RECORDS);
        let disk_available = gauge(table::DISK_AVAILABLE);
        let disk_size = gauge(table::DISK_SIZE);
        Self {
            accepting,
            in_force,
            loaded_at,
            journal_bytes,
            journal_max_bytes,
            corrupt_records,
            disk_available,
            disk_size,
            state: register(registry, table::STATE),
            needs_operator: register(registry, table::NEEDS_OPERATOR),
            lag: register(registry, table::LAG),
            damaged_records: register(registry, table::DAMAGED_RECORDS),
            listener_certificates: register(registry, table::LISTENER_CERTIFICATE),
            destination_certificates: register(registry, table::DESTINATION_CERTIFICATE),
        }
    }

    /// Shows these figures and no others: what is gone meanwhile leaves no line. One page at a time.
    pub(super) fn set(&self, figures: &PageFigures) {
        self.accepting.set(figures.is_accepting.into());
        self.in_force.set(figures.is_configuration_in_force.into());
        let loaded_at = figures.configuration_loaded_at;
        let loaded_at = loaded_at.map_or(0, jiff::Timestamp::as_second);
        self.loaded_at.set(loaded_at);

        let journal = &figures.journal;
        self.journal_bytes.set(to_gauge(journal.disk_bytes));
        self.journal_max_bytes.set(to_gauge(journal.max_bytes));
        self.corrupt_records.set(to_gauge(journal.corrupt_records));
        let damaged = self.damaged_records.inner();
        damaged.store(journal.corrupt_records, Ordering::Relaxed);
        if let Some(disk) = figures.disk {
            self.disk_available.set(to_gauge(disk.available));
            self.disk_size.set(to_gauge(disk.size));
        }

        self.state.clear();
        self.needs_operator.clear();
        self.lag.clear();
        for figures in &figures.destinations {
            self.set_destination(figures);
        }
        self.listener_certificates.clear();
        self.destination_certificates.clear();
        for certificate in &figures.certificates {
            self.set_certificate(certificate);
        }
    }

    fn set_destination(&self, figures: &DestinationFigures) {
        let labels = [labels::destination(&figures.id)];
        for state in STATES {
            let [destination] = labels.clone();
            let labels = [destination, ("state", state.to_owned())];
            let is_in_it = state == figures.state;
            self.state.get_or_create_owned(&labels).set(is_in_it.into());
        }
        let needs_operator = self.needs_operator.get_or_create_owned(&labels);
        needs_operator.set(figures.needs_operator.into());
        self.lag
            .get_or_create_owned(&labels)
            .set(figures.lag_seconds);
    }

    fn set_certificate(&self, certificate: &CertificateExpiry) {
        let gauge = match &certificate.owner {
            CertificateOwner::Listener(name) => {
                let labels = [("listener", (*name).to_owned())];
                self.listener_certificates.get_or_create_owned(&labels)
            }
            CertificateOwner::Destination { id, setting } => {
                let setting = ("setting", (*setting).to_owned());
                let labels = [labels::destination(id), setting];
                self.destination_certificates.get_or_create_owned(&labels)
            }
        };
        gauge.set(certificate.expires_at);
    }
}
