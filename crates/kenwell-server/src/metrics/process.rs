//! What every process shows, by the names that Prometheus' own libraries use.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};
use rustix::{
    param::page_size,
    process::{Resource, getrlimit},
    time::{ClockId, clock_gettime},
};

use super::{
    registration::{register, to_gauge},
    table,
};

/// The process' gauges. Where the system does not tell, they stay at 0.
pub(super) struct ProcessMetrics {
    cpu_seconds: Counter<f64, AtomicU64>,
    resident_bytes: Gauge,
    virtual_bytes: Gauge,
    open_fds: Gauge,
    max_fds: Gauge,
}

impl ProcessMetrics {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let this = Self {
            cpu_seconds: register(registry, table::CPU_SECONDS),
            resident_bytes: register(registry, table::RESIDENT_BYTES),
            virtual_bytes: register(registry, table::VIRTUAL_BYTES),
            open_fds: register(registry, table::OPEN_FDS),
            max_fds: register(registry, table::MAX_FDS),
        };
        // The metrics are made when the process starts. `/proc` would say it in ticks since the boot.
        let started: Gauge<f64, AtomicU64> = register(registry, table::START_TIME);
        started.set(Timestamp::now().as_duration().as_secs_f64());
        this
    }

    /// Shows everything as of now.
    pub(super) fn set(&self) {
        self.cpu_seconds
            .inner()
            .store(cpu_seconds().to_bits(), Ordering::Relaxed);
        if let Some([total, resident]) = pages() {
            let size = u64::try_from(page_size()).unwrap_or(0);
            self.virtual_bytes.set(to_gauge(total.saturating_mul(size)));
            self.resident_bytes
                .set(to_gauge(resident.saturating_mul(size)));
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            // The one that is read by is among them.
            let open = u64::try_from(open.count()).unwrap_or(0);
            self.open_fds.set(to_gauge(open.saturating_sub(1)));
        }
        let most = getrlimit(Resource::Nofile).current;
        self.max_fds.set(most.map_or(i64::MAX, to_gauge));
    }
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    std::time::Duration::try_from(time).map_or(0.0, |time| time.as_secs_f64())
}

/// Pages of addresses, and pages in memory.
fn pages() -> Option<[u64; 2]> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    let mut numbers = text.split(' ').map(str::parse);
    Some([numbers.next()?.ok()?, numbers.next()?.ok()?])
}

#[cfg(test)]
mod tests {
    use crate::metrics::{Metrics, PageFigures};

    #[test]
    fn the_page_shows_the_process() {
        let page = Metrics::new().page(&PageFigures::default()).unwrap();
        let value = |name: &str| -> f64 {
            let line = page.lines().find(|line| line.starts_with(name)).unwrap();
            line.rsplit(' ').next().unwrap().parse().unwrap()
        };
        assert!(value("process_cpu_seconds_total ") > 0.0);
        assert!(value("process_start_time_seconds ") > 1.7e9);
        assert!(value("process_max_fds ") >= value("process_open_fds "));
        #[cfg(target_os = "linux")]
        {
            assert!(value("process_open_fds ") >= 3.0);
            let resident = value("process_resident_memory_bytes ");
            assert!(resident > 1e5 && value("process_virtual_memory_bytes ") > resident);
        }
    }
}
