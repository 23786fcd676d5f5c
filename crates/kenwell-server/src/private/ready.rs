//! `/ready`: whether events are accepted, and which destination waits and why.

use serde_json::{Value, json};

use crate::{delivery::State, live::RunningDestination};

/// The page, and whether the gateway takes events. A destination that is down makes the server
/// degraded, not unready: its events are kept.
pub(super) fn page(accepting: bool, destinations: &[RunningDestination]) -> (bool, String) {
    let enabled = || {
        let all = destinations.iter().filter_map(|destination| {
            let health = destination.health.as_ref()?;
            Some((destination, health.state()))
        });
        all.filter(|(destination, _)| !destination.settings.paused)
    };
    let list: Vec<Value> = destinations.iter().map(destination).collect();
    let status = match (accepting, enabled().all(|(_, state)| state == State::Up)) {
        (false, _) => "not accepting events",
        (true, false) => "degraded",
        (true, true) => "ready",
    };
    let page = json!({ "status": status, "accepting": accepting, "destinations": list });
    (accepting, format!("{page}\n"))
}

fn destination(destination: &RunningDestination) -> Value {
    let id = destination.id();
    let Some(health) = &destination.health else {
        return json!({ "id": id, "state": "disabled" });
    };
    if destination.settings.paused {
        return json!({ "id": id, "state": "paused" });
    }
    match health.state() {
        State::Up => json!({ "id": id, "state": "up" }),
        State::Waiting {
            since,
            error,
            needs_operator,
        } => json!({
            "id": id,
            "state": "waiting",
            "since": since.to_string(),
            "error": error,
            "needs_operator": needs_operator,
        }),
    }
}
