//! What Jovo's plugin has stored is loaded, and saved again byte for byte.

use std::time::Duration;

use kenwell::state::{HistoryElement, Json, SessionElement, StoredElements, Timestamp};
use serde_json::Value;

use crate::support::server::Server;
use crate::walk_of_a_save::{Clock, builder};

const RECORDED: &str = include_str!("../../../../conformance/jovo-values/values.jsonl");

/// Milliseconds after the clock's beginning.
fn time(value: &Value) -> Option<i64> {
    let time: Timestamp = value.as_str()?.parse().unwrap();
    Some(time.as_milliseconds() - 1_704_067_200_000)
}

#[tokio::test]
async fn what_jovo_has_stored_is_saved_again_byte_for_byte() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let clock = Clock::default();
    let mut with_session = 0;
    for line in RECORDED.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let (scenario, value) = (&line["scenario"], line["value"].as_str().unwrap());
        let parsed: Value = Json::parse(value.as_bytes()).unwrap().to().unwrap();
        let has = |part: &str| parsed.get(part).is_some();
        let elements = StoredElements {
            user: has("user"),
            session: has("session").then_some(SessionElement {
                expires_after: Duration::MAX,
            }),
            history: has("history").then_some(HistoryElement {
                size: usize::MAX,
                fields: None,
            }),
            created_at: has("createdAt"),
            updated_at: has("updatedAt"),
        };
        let store = builder(connection.clone(), &clock)
            .elements(elements)
            .build()
            .unwrap();
        server.cli(&["SET", "data:u", value]);
        clock.set(time(&parsed["session"]["updatedAt"]).unwrap_or(0));
        let mut record = store.load("u").await.unwrap().unwrap();
        with_session += usize::from(record.session().is_some());
        clock.set(time(&parsed["updatedAt"]).unwrap_or(0));
        store.save_if_unchanged("u", &mut record).await.unwrap();
        assert_eq!(server.cli(&["GET", "data:u"]), value, "{scenario}");
    }
    assert!(RECORDED.lines().count() > 100 && with_session > 10);
}
