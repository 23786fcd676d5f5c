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
    let mut page = json!({ "status": status, "accepting": accepting, "destinations": list });
    let insecure = destinations.iter().filter(|health| health.is_insecure());
    let ids: Vec<_> = insecure.map(Health::destination).collect();
    if !ids.is_empty()
        && let Some(page) = page.as_object_mut()
    {
        let note = format!(
            "skip_verify is on for {}: any certificate is accepted, so anyone on the way to Redis can read and change what is sent",
            ids.join(", ")
        );
        page.insert("insecure".to_owned(), note.into());
    }
    (accepting, format!("{page}\n"))
}

fn destination(health: &Health) -> Value {
    let mut entry = match health.state() {
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
    };
    if health.is_insecure()
        && let Some(entry) = entry.as_object_mut()
    {
        entry.insert("insecure".to_owned(), true.into());
    }
    entry
}

#[cfg(test)]
mod tests {
    use kenwell::connection::Settings;

    use super::*;

    #[test]
    fn a_waiting_destination_degrades_but_does_not_unready() {
        let (accepting, page) = page(true, &[Health::new("profiles")]);
        assert!(accepting && page.contains("\"status\":\"ready\""), "{page}");
        assert!(!page.contains("insecure"), "{page}");
    }

    #[test]
    fn a_destination_that_verifies_nothing_is_pointed_out() {
        let mut settings = Settings::new("h:1");
        settings.secure = true;
        settings.skip_verify = true;
        let (of, others) = (Health::new("a").of(&settings), Health::new("b"));
        let (_, page) = page(true, &[of, others]);
        let page: Value = serde_json::from_str(&page).unwrap();
        let note = page["insecure"].as_str().unwrap();
        assert!(note.contains("skip_verify is on for a:"), "{note}");
        assert_eq!(page["destinations"][0]["insecure"], true);
        assert_eq!(page["destinations"][1].get("insecure"), None);
        assert_eq!(page["status"], "ready");
    }
}
