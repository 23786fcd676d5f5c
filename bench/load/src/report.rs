//! Measurements as JSON.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{drive::Acked, event::Event, options::Options};

/// Everything measured, and what it was measured with.
pub(crate) fn report(
    options: &Options,
    event: &Event,
    acked: Acked,
    applied: Duration,
    checked: u64,
) -> Value {
    let mut latencies = acked.latencies;
    latencies.sort_unstable();
    json!({
        "path": options.mode.path(),
        "events": options.events,
        "users": options.users.min(options.events),
        "connections": options.connections,
        "events_a_request": options.events_a_request(),
        "event_bytes": event.text().len(),
        "fields": options.fields,
        "rate_limit": options.rate,
        "acked_seconds": acked.elapsed.as_secs_f64(),
        "acked_per_second": per_second(options.events, acked.elapsed),
        "ack_p50_ms": milliseconds(percentile(&latencies, 50)),
        "ack_p99_ms": milliseconds(percentile(&latencies, 99)),
        "ack_max_ms": milliseconds(percentile(&latencies, 100)),
        "applied_seconds": applied.as_secs_f64(),
        "applied_per_second": per_second(options.events, applied),
        "hashes_compared": checked,
    })
}

/// The smallest of the sorted times that `percent` of them do not exceed; zero when there are none.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of events are far below 2^53"
)]
fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        let at = |percent| percentile(&times, percent).as_millis();
        assert_eq!((at(50), at(99), at(100)), (100, 198, 200));
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }
}
