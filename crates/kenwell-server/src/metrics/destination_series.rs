//! What the page shows of one destination's counters: set as a whole whenever the page is made.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

use super::description::Description;
use super::event_counts::CounterValues;
use super::reason_counters::ReasonCounters;
use super::registration::to_gauge;
use super::table;

/// A metric of a destination, and its value.
type Metric = (&'static Description, fn(&CounterValues) -> u64);

/// What only goes up.
pub(super) const COUNTERS: [Metric; 7] = [
    (table::DESTINATION_ACCEPTED, |it| it.events.accepted),
    (table::WRITTEN, |it| it.events.written),
    (table::LOST, |it| it.events.lost),
    (table::RETRIES, |it| it.retries),
    (table::REPLAYED, |it| it.replayed),
    (table::LETTERS_WRITTEN, |it| it.letters_written),
    (table::LETTERS_DISCARDED, |it| it.letters_discarded),
];

/// What goes up and down.
pub(super) const GAUGES: [Metric; 2] = [
    (table::QUEUED, |it| it.events.queued()),
    (table::LETTERS_OUTSTANDING, |it| it.letters_outstanding),
];

/// One destination's lines on the page, all set together.
#[derive(Debug, Clone)]
pub(super) struct DestinationSeries {
    pub(super) counters: [Counter; COUNTERS.len()],
    pub(super) gauges: [Gauge; GAUGES.len()],
    pub(super) ignored: ReasonCounters,
    pub(super) dead_lettered: ReasonCounters,
}

impl DestinationSeries {
    /// Shows these values.
    pub(super) fn set(&self, values: &CounterValues) {
        for (counter, (.., value)) in self.counters.iter().zip(COUNTERS) {
            set(counter, value(values));
        }
        for (gauge, (.., value)) in self.gauges.iter().zip(GAUGES) {
            gauge.set(to_gauge(value(values)));
        }
        set_all(&self.ignored, &values.ignored);
        set_all(&self.dead_lettered, &values.dead_lettered);
    }

    /// Takes the lines by reason off the page.
    pub(super) fn remove(&self) {
        self.ignored.remove();
        self.dead_lettered.remove();
    }
}

fn set_all(reasons: &ReasonCounters, counts: &BTreeMap<&'static str, u64>) {
    for (reason, count) in counts {
        reasons.with(reason, |counter| set(counter, *count));
    }
}

fn set(counter: &Counter, count: u64) {
    counter.inner().store(count, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    /// One destination's counts of events, as the page shows them: accepted first.
    fn event_counts(page: &str) -> [u64; 6] {
        let names = [
            "accepted_total",
            "written_total",
            "ignored_total",
            "dead_lettered_total",
            "lost_total",
            "queued",
        ];
        names.map(|name| {
            let start = format!("kenwell_destination_{name}{{");
            let samples = page.lines().filter(|line| line.starts_with(&start));
            samples
                .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
                .sum()
        })
    }

    #[test]
    fn every_page_is_of_one_moment() {
        let metrics = Metrics::new();
        let counters = metrics.destination("profiles");
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|threads| {
            threads.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    counters.accept(5, kenwell_journal::Offset(5));
                    counters.written(1);
                    counters.ignored("blank_user_id");
                    counters.dead_lettered("ERR", 1);
                    counters.dead_lettered("WRONGTYPE", 1);
                    counters.lost(1);
                    counters.replay(1);
                    counters.written(1);
                }
            });
            // Two at a time: neither may change what the other shows.
            let look = || {
                let mut before = [0; 6];
                for _ in 0..1_500 {
                    let page = metrics
                        .page(&crate::metrics::PageFigures::default())
                        .unwrap();
                    let now = event_counts(&page);
                    assert_eq!(now[0], now[1..].iter().sum::<u64>(), "{page}");
                    assert!(
                        before
                            .iter()
                            .zip(now)
                            .take(5)
                            .all(|(before, now)| *before <= now)
                    );
                    before = now;
                }
            };
            let looking = [threads.spawn(look), threads.spawn(look)];
            let looked = looking.map(std::thread::ScopedJoinHandle::join);
            stop.store(true, Ordering::Relaxed);
            assert!(looked.iter().all(Result::is_ok), "a page did not balance");
        });
    }
}
