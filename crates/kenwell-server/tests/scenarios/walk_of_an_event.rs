//! The walk of an event, step by step, as ARCHITECTURE.md tells it.

use crate::support::{Client, Redis, Server, metric, post};

#[test]
fn an_event_walks_from_its_sdk_to_the_hash() {
    let redis = Redis::start();
    let server = Server::start(&redis);

    // 1-2. An SDK posts with its write key; an unknown key is refused in RudderStack's own words.
    let stranger = Client::connect(&server.gateway)
        .post_as("NO", "/v1/identify", "", b"{}")
        .unwrap();
    assert_eq!(
        (stranger.status, stranger.text().as_str()),
        (401, "invalid write key\n")
    );

    // 3-7. The body is read, its events are sorted, identifies are made durable, and only then: ok.
    let event = r#"{"userId":"anna","context":{"traits":{"plan":"free","address":{"city":"Oslo"}}},"traits":{"plan":"pro"}}"#;
    assert_eq!(post(&server.gateway, "/v1/identify", event).text(), "ok");
    let stats = server.cli(&["journal", "stats", "--json"]);
    let stats: serde_json::Value = serde_json::from_slice(&stats.stdout).unwrap();
    assert_eq!(stats["next_offset"].as_u64(), Some(1), "{stats}");

    // What is no identify costs no disk.
    assert_eq!(post(&server.gateway, "/v1/track", event).text(), "ok");
    let stats = server.cli(&["journal", "stats", "--json"]);
    let stats: serde_json::Value = serde_json::from_slice(&stats.stdout).unwrap();
    assert_eq!(stats["next_offset"].as_u64(), Some(1), "{stats}");

    // 8-12. The delivery reads, flattens, writes and acknowledges.
    server.settle("profiles");
    let page = server.metrics();
    assert_eq!(
        metric(&page, "kenwell_destination_written_total", "profiles"),
        1
    );
    assert_eq!(
        metric(
            &page,
            "kenwell_destination_freshness_seconds_count",
            "profiles"
        ),
        1
    );

    // 13. Anybody can read it with a plain command.
    let expected = [
        ("address.city".to_owned(), "Oslo".to_owned()),
        ("plan".to_owned(), "pro".to_owned()),
    ];
    assert_eq!(redis.fields("user:anna"), expected.into());
}
