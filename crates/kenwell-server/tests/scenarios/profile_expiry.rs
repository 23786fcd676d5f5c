//! Profiles that expire, as the settings of their destination say.

use serde_json::json;

use crate::support::{Redis, Server, post};

fn tables(redis: &Redis, settings: &str) -> String {
    format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{}\"\n{settings}\n",
        redis.address()
    )
}

fn identify(server: &Server, user: &str) {
    let event = json!({ "userId": user, "traits": { "a": 1 } });
    let reply = post(&server.gateway, "/v1/identify", event.to_string());
    assert_eq!(reply.status, 200);
    server.settle("profiles");
}

/// Seconds; -1 for ever.
fn expires_in(redis: &Redis, key: &str) -> i64 {
    redis.command(&["TTL", key])
}

#[test]
fn each_event_renews_the_ttl_and_a_change_of_it_holds_from_the_next_event_on() {
    let redis = Redis::start();
    let server = Server::with(&tables(&redis, "ttl = \"7d\""));
    identify(&server, "u1");
    let week = 7 * 86_400;
    assert!((week - 3_600..=week).contains(&expires_in(&redis, "user:u1")));
    let _: i64 = redis.command(&["EXPIRE", "user:u1", "60"]);
    identify(&server, "u1");
    assert!((week - 3_600..=week).contains(&expires_in(&redis, "user:u1")));

    let change = |ttl: serde_json::Value| {
        let change = json!({ "ttl": ttl }).to_string();
        let reply = server.ask("PATCH", "/api/v1/destinations/profiles", &change);
        (reply.status, reply.text())
    };
    assert_eq!(change(json!("2h")).0, 200);
    identify(&server, "u1");
    assert!((3_600..=7_200).contains(&expires_in(&redis, "user:u1")));
    let (status, text) = change(json!("20000d"));
    assert!(status == 422 && text.contains("3650d"), "{text}");
    assert_eq!(change(json!(null)).0, 200);
    identify(&server, "u2");
    assert_eq!(expires_in(&redis, "user:u2"), -1);
}
