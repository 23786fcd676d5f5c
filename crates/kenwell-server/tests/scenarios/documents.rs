//! Profiles that are JSON documents, through the server: written, read back, refused, retried, and the way back.

use serde_json::{Value, json};

use crate::support::library::flavour::redis_json;
use crate::support::{Node, Redis, Server, eventually, metric, post};

fn tables(address: &str) -> String {
    format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{address}\"\njson = true\n"
    )
}

fn send(server: &Server, traits: &[Value]) {
    let events: Vec<_> = traits
        .iter()
        .map(|traits| json!({ "type": "identify", "userId": "u", "traits": traits }))
        .collect();
    let body = json!({ "batch": events }).to_string();
    assert_eq!(post(&server.gateway, "/v1/batch", body).status, 200);
}

fn ask(server: &Server, method: &str, path: &str, body: &Value) -> Value {
    let reply = server.ask(method, path, &body.to_string());
    assert_eq!(reply.status, 200, "{}", reply.text());
    serde_json::from_str(&reply.text()).unwrap()
}

#[test]
fn identifies_become_one_document_that_api_and_command_show() {
    let redis = Redis::with_json();
    let server = Server::with(&tables(&redis.address()));
    // In one batch: what is an object takes the place of what is none, and the other way round.
    send(
        &server,
        &[
            json!({ "plan": "free", "big": 9_007_199_254_740_993_i64 }),
            json!({ "plan": { "name": "pro" }, "tags": ["a"] }),
            json!({ "plan": { "seats": 5 }, "phone": null }),
        ],
    );
    server.settle("profiles");
    let expected = json!({
        "plan": { "name": "pro", "seats": 5 }, "big": 9_007_199_254_740_993_i64, "tags": ["a"], "phone": null,
    });
    assert_eq!(redis.document("user:u").unwrap(), expected);

    let found = ask(&server, "GET", "/api/v1/profiles/profiles/u", &json!({}));
    assert_eq!(found["document"], expected);
    assert_eq!(found["fields"], json!([]));
    let shown = server.cli(&["profile", "get", "u", "--json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(
        (&shown["document"], &shown["key"]),
        (&expected, &json!("user:u"))
    );
    let shown = server.cli(&["profile", "get", "u"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown.starts_with("user:u\n") && shown.contains(r#""seats":5"#),
        "{shown}"
    );

    let test = json!({ "user_id": "t", "traits": { "a": { "b": 1 } } });
    let result = ask(&server, "POST", "/api/v1/sources/web/test-event", &test);
    let result = &result["results"][0];
    assert_eq!(
        (&result["outcome"], &result["key"], &result["document"]),
        (
            &json!("written"),
            &json!("user:t"),
            &json!({ "a": { "b": 1 } })
        )
    );
    let deleted = ask(&server, "DELETE", "/api/v1/profiles/profiles/u", &json!({}));
    assert_eq!(deleted, json!({ "deleted": true }));
    assert_eq!(redis.document("user:u"), None);
}

#[test]
fn a_hash_from_before_is_a_dead_letter_and_its_retry_leaves_newer_values_alone() {
    let redis = Redis::with_json();
    let server = Server::with(&tables(&redis.address()));
    redis.command::<()>(&["HSET", "user:u", "old", "hash"]);
    send(
        &server,
        &[json!({ "plan": { "name": "old", "seats": 1 }, "city": "old" })],
    );
    server.settle("profiles");
    let page = ask(&server, "GET", "/api/v1/dead-letters", &json!({}));
    let reason = page["letters"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("WRONGTYPE"), "{reason}");
    redis.command::<()>(&["DEL", "user:u"]);
    // One sets a place below what the letter sets, the other takes the place of all below it.
    send(
        &server,
        &[
            json!({ "plan": { "name": "new" } }),
            json!({ "city": { "zip": "new" } }),
        ],
    );
    server.settle("profiles");
    let all = json!({ "destination": "profiles", "all": true });
    let told = ask(&server, "POST", "/api/v1/dead-letters/retry", &all);
    assert_eq!(told["retried"], 1);
    assert_eq!(
        redis.document("user:u").unwrap(),
        json!({ "plan": { "name": "new", "seats": 1 }, "city": { "zip": "new" } })
    );
}

#[test]
fn without_the_module_everything_waits_until_somebody_decides() {
    let redis = Redis::start();
    let server = Server::with(&tables(&redis.address()));
    send(&server, &[json!({ "plan": { "name": "pro" } })]);
    let path = "/api/v1/destinations/profiles";
    let error = eventually("the destination to say what is wrong", || {
        let status = ask(&server, "GET", path, &json!({}));
        Some(status.to_string()).filter(|text| text.contains("RedisJSON"))
    });
    assert!(error.contains("remove `json`"), "{error}");
    let dead = "kenwell_destination_dead_lettered_total";
    assert_eq!(
        metric(&server.metrics(), dead, "destination=\"profiles\""),
        0
    );
    ask(&server, "PATCH", path, &json!({ "json": false }));
    server.settle("profiles");
    assert_eq!(redis.fields("user:u")["plan.name"], "pro");
}

#[test]
fn documents_that_a_restart_has_lost_are_delivered_again() {
    let module = redis_json();
    let mut node = Node::start(&["--loadmodule", &module]);
    let server = Server::with(&tables(&node.address()));
    send(&server, &[json!({ "a": 1, "b": null }), json!({ "c": 1 })]);
    server.settle("profiles");
    eventually("the marker", || {
        let keys = node.cli(&["KEYS", "kenwell:applied:*"]);
        let is_there = |key: &str| node.cli(&["HGET", key, "position"]) == "2";
        keys.lines().any(is_there).then_some(())
    });
    node.kill();
    node.revive();
    eventually("the document to be back", || {
        let text = node.cli(&["JSON.GET", "user:u"]);
        let document: Value = serde_json::from_str(&text).unwrap_or_default();
        (document == json!({ "a": 1, "b": null, "c": 1 })).then_some(())
    });
}
