//! Measurements as JSON.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::{
    drive::Acked, event::Event, freshness::VisibleTimes, options::Options, users::Users,
    visible::Applied,
};

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
    all.append(&mut distribution("ack", acked.times.acks.clone()));
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
            let time = quantile(&times, share).as_secs_f64() * 1000.0;
            (format!("{name}_{rank}_ms"), time.into())
        })
        .collect()
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
    fn the_names_say_what_it_is() {
        let found = distribution("ack", vec![Duration::from_millis(3)]);
        assert_eq!(found["ack_p999_ms"], 3.0);
        assert_eq!(found.len(), 4);
    }
}
