//! Dead letters: listed, retried, discarded, while the server goes on.

use serde_json::{Value, json};

use super::support::{code, ok};
use crate::support::{Redis, Server, metric, post};

/// Sends events that Redis refuses, one for each user, in this order: several under way at once may be refused
/// in any.
fn refused(server: &Server, redis: &Redis, users: &[&str]) {
    for user in users {
        redis.command::<()>(&["SET", &format!("user:{user}"), "no hash"]);
        let event = format!(r#"{{"userId":"{user}","traits":{{"<i>":"{user}"}}}}"#);
        assert_eq!(post(&server.gateway, "/v1/identify", event).status, 200);
        server.settle("profiles");
    }
}

fn list(server: &Server, query: &str) -> Value {
    ok(&server.ask("GET", &format!("/api/v1/dead-letters{query}"), ""))
}

#[test]
fn they_are_listed_by_reason_and_in_pages() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    refused(&server, &redis, &["a", "b", "c"]);
    let page = list(&server, "?limit=2");
    assert_eq!(page["total"], 3);
    let by_reason = json!([{ "destination": "profiles", "reason": "WRONGTYPE", "count": 3 }]);
    assert_eq!(page["by_reason"], by_reason);
    let letter = &page["letters"][0];
    assert_eq!(
        (&letter["user_id"], &letter["source"]),
        (&json!("a"), &json!("web"))
    );
    assert_eq!(
        (&letter["key"], &letter["reason"]),
        (&json!("user:a"), &json!("WRONGTYPE"))
    );
    assert_eq!(letter["event"]["traits"], json!({ "<i>": "a" }));
    let next = page["next"].as_str().unwrap().replace('/', "%2F");
    let rest = list(&server, &format!("?limit=2&after={next}"));
    assert_eq!(rest["letters"][0]["user_id"], "c");
    assert_eq!(
        (&rest["next"], rest["letters"].as_array().unwrap().len()),
        (&Value::Null, 1)
    );
    assert_eq!(list(&server, "?reason=NOPERM")["total"], 0);
    assert_eq!(
        list(&server, "?destination=profiles&reason=WRONGTYPE")["total"],
        3
    );
    let gone = server.ask("GET", "/api/v1/dead-letters?after=profiles%2F9-9", "");
    assert_eq!((gone.status, &*code(&gone)), (400, "bad_request"));
}

#[test]
fn they_are_retried_and_discarded_one_by_one_or_all() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    refused(&server, &redis, &["a", "b", "c", "d"]);
    let ids: Vec<Value> = list(&server, "")["letters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|letter| letter["id"].clone())
        .collect();
    let act = |verb: &str, body: Value| {
        server.ask(
            "POST",
            &format!("/api/v1/dead-letters/{verb}"),
            &body.to_string(),
        )
    };
    let still = ok(&act(
        "retry",
        json!({ "destination": "profiles", "ids": [ids[0]] }),
    ));
    assert_eq!(
        (&still["retried"], &still["still_failing"]),
        (&json!(0), &json!(1))
    );

    redis.command::<()>(&["DEL", "user:a", "user:b"]);
    let one = ok(&act(
        "retry",
        json!({ "destination": "profiles", "ids": [ids[1]] }),
    ));
    assert_eq!(
        (&one["retried"], &one["still_failing"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(redis.fields("user:b")["<i>"], "b");
    assert!(
        redis.fields("user:a").is_empty(),
        "nobody asked for that one"
    );
    let gone = ok(&act(
        "discard",
        json!({ "destination": "profiles", "ids": [ids[2]] }),
    ));
    assert_eq!(gone["discarded"], 1);
    let rest = ok(&act(
        "retry",
        json!({ "destination": "profiles", "reason": "WRONGTYPE" }),
    ));
    assert_eq!(
        (&rest["retried"], &rest["still_failing"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(redis.fields("user:a")["<i>"], "a");
    // What comes meanwhile is kept.
    refused(&server, &redis, &["e"]);
    let all = ok(&act(
        "discard",
        json!({ "destination": "profiles", "all": true }),
    ));
    assert_eq!(
        (&all["discarded"], &list(&server, "")["total"]),
        (&json!(2), &json!(0))
    );

    let page = server.metrics();
    let counted = |name: &str| metric(&page, name, "profiles");
    assert_eq!(counted("kenwell_destination_dead_letters_written_total"), 2);
    assert_eq!(
        counted("kenwell_destination_dead_letters_discarded_total"),
        3
    );
    assert_eq!(counted("kenwell_destination_dead_lettered_total"), 5);
    let overview = ok(&server.ask("GET", "/api/v1/overview", ""));
    assert_eq!(overview["destinations"][0]["balanced"], true);
    for wrong in [
        json!({ "destination": "profiles" }),
        json!({ "destination": "profiles", "ids": [] }),
        json!({ "destination": "profiles", "all": true, "reason": "x" }),
    ] {
        let reply = act("discard", wrong.clone());
        assert_eq!(
            (reply.status, &*code(&reply)),
            (400, "bad_request"),
            "{wrong}"
        );
    }
    assert_eq!(
        act("retry", json!({ "destination": "x", "all": true })).status,
        404
    );
}

#[test]
fn a_redis_that_is_away_keeps_them_all() {
    let mut redis = Redis::start();
    let server = Server::start(&redis);
    refused(&server, &redis, &["a", "b"]);
    redis.kill();
    let body = r#"{"destination":"profiles","all":true}"#;
    let told = ok(&server.ask("POST", "/api/v1/dead-letters/retry", body));
    assert_eq!(
        (&told["retried"], &told["still_failing"]),
        (&json!(0), &json!(2))
    );
    assert!(
        told["error"].as_str().unwrap().contains("cannot connect"),
        "{told}"
    );
    assert_eq!(list(&server, "")["total"], 2);
}
