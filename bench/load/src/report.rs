//! Measurements as JSON.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::{
    drive::{Ack, Acked},
    event::Event,
    freshness::VisibleTimes,
    options::Options,
    users::Users,
    visible::Applied,
};

/// Requests that are due within it are a slice of the run: some pauses of the machine fall into it, or none.
const SLICE: Duration = Duration::from_millis(20);

/// What was sent, and with what.
pub(crate) fn sent(options: &Options, event: &Event, users: &Users) -> Map<String, Value> {
    object(json!({
        "path": options.path(),
        "events": options.events,
        "users": users.distinct(),
        "connections": options.connections,
        "events_a_request": options.events_a_request(),
        "event_bytes": event.text().len(),
        "fields": options.fields,
        "rate_limit": options.rate,
    }))
}

/// Until the last answer.
pub(crate) fn acked(options: &Options, acked: &Acked) -> Map<String, Value> {
    let mut all = object(json!({
        "acked_seconds": acked.elapsed.as_secs_f64(),
        "acked_per_second": per_second(options.events, acked.elapsed),
    }));
    let acks = &acked.times.acks;
    all.append(&mut distribution("ack", took(acks)));
    let usual = usual_p99(acks, acked.started);
    all.insert("ack_usual_p99_ms".to_owned(), milliseconds(usual).into());
    all
}

/// Until the last event was visible in Redis.
pub(crate) fn applied(options: &Options, applied: &Applied, compared: u64) -> Map<String, Value> {
    object(json!({
        "applied_seconds": applied.last.as_secs_f64(),
        "applied_per_second": per_second(options.events, applied.last),
        "first_visible_seconds": applied.first.as_secs_f64(),
        "hashes_compared": compared,
    }))
}

/// How long the watched events took to be visible, from the answer and from when they were due. One that was visible
/// before its answer counts as zero.
///
/// # Errors
/// When one of them was never seen.
pub(crate) fn freshness(
    acked: &Acked,
    visible: &VisibleTimes,
) -> anyhow::Result<Map<String, Value>> {
    let (mut from_ack, mut from_due) = (Vec::new(), Vec::new());
    for event in &acked.times.watched {
        let Some(visible) = visible.get(&event.number) else {
            anyhow::bail!("Redis never told of event {}", event.number);
        };
        from_ack.push(visible.saturating_duration_since(event.acked));
        from_due.push(visible.saturating_duration_since(event.due));
    }
    let mut all = object(json!({ "watched": from_ack.len() }));
    all.append(&mut distribution("freshness", from_ack));
    all.append(&mut distribution("due_to_visible", from_due));
    Ok(all)
}

/// `{name}_p50_ms`, `{name}_p99_ms`, `{name}_p999_ms` and `{name}_max_ms`.
fn distribution(name: &str, mut times: Vec<Duration>) -> Map<String, Value> {
    times.sort_unstable();
    [("p50", 500), ("p99", 990), ("p999", 999), ("max", 1000)]
        .into_iter()
        .map(|(rank, share)| {
            let time = milliseconds(quantile(&times, share));
            (format!("{name}_{rank}_ms"), time.into())
        })
        .collect()
}

/// The median of the p99s of the run's slices: how long answers take while the machine does not stand still.
fn usual_p99(acks: &[Ack], started: Instant) -> Duration {
    let slice =
        |ack: &Ack| ack.due.saturating_duration_since(started).as_nanos() / SLICE.as_nanos();
    let mut acks = acks.to_vec();
    acks.sort_unstable_by_key(|ack| (slice(ack), ack.took));
    let mut p99s: Vec<_> = acks
        .chunk_by(|one, next| slice(one) == slice(next))
        .map(|of_slice| quantile(&took(of_slice), 990))
        .collect();
    p99s.sort_unstable();
    quantile(&p99s, 500)
}

fn took(acks: &[Ack]) -> Vec<Duration> {
    acks.iter().map(|ack| ack.took).collect()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The smallest of the sorted times that so many of a thousand do not exceed; zero when there are none.
fn quantile(sorted: &[Duration], of_a_thousand: usize) -> Duration {
    let rank = (sorted.len() * of_a_thousand).div_ceil(1000);
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of events are far below 2^53"
)]
fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => Map::from_iter([("value".to_owned(), other)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let times: Vec<_> = (1..=2000).map(Duration::from_millis).collect();
        let at = |share| quantile(&times, share).as_millis();
        assert_eq!(
            (at(500), at(990), at(999), at(1000)),
            (1000, 1980, 1998, 2000)
        );
        assert_eq!(quantile(&[], 500), Duration::ZERO);
    }

    #[test]
    fn a_pause_spoils_its_own_slice_only() {
        let started = Instant::now();
        let mut acks = Vec::new();
        for slice in 0..5 {
            let due = started + SLICE * slice;
            let took = Duration::from_millis(if slice == 1 { 300 } else { 2 });
            acks.extend([Ack { due, took }; 40]);
        }
        assert_eq!(usual_p99(&acks, started), Duration::from_millis(2));
        assert_eq!(usual_p99(&[], started), Duration::ZERO);
    }

    #[test]
    fn the_names_say_what_it_is() {
        let found = distribution("ack", vec![Duration::from_millis(3)]);
        assert_eq!(found["ack_p999_ms"], 3.0);
        assert_eq!(found.len(), 4);
    }
}
