//! `/ready`: whether events are accepted, and which destination waits and why.

use serde_json::{Value, json};

use crate::delivery::{Health, State};

/// The page, and whether the gateway takes events. A destination that is down makes the server
/// degraded, not unready: its events are kept.
pub(super) fn page(accepting: bool, destinations: &[Health]) -> (bool, String) {
    let list: Vec<Value> = destinations.iter().map(destination).collect();
    let all_up = destinations
        .iter()
        .all(|health| health.state() == State::Up);
    let status = match (accepting, all_up) {
        (false, _) => "not accepting events",
        (true, false) => "degraded",
        (true, true) => "ready",
    };
    let page = json!({ "status": status, "accepting": accepting, "destinations": list });
    (accepting, format!("{page}\n"))
}

fn destination(health: &Health) -> Value {
    match health.state() {
        State::Up => json!({ "id": health.destination(), "state": "up" }),
        State::Waiting {
            since,
            error,
            needs_operator,
        } => json!({
            "id": health.destination(),
            "state": "waiting",
            "since": since.to_string(),
            "error": error,
            "needs_operator": needs_operator,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_destination_degrades_but_does_not_unready() {
        let (accepting, page) = page(true, &[Health::new("profiles")]);
        assert!(accepting && page.contains("\"status\":\"ready\""), "{page}");
    }
}
