//! Why a field has its value: from the API and from the command line, with the journal and without.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Redis, Server, post};

fn start(redis: &Redis, settings: &str) -> Server {
    Server::with(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{}\"\n{settings}\n",
        redis.address()
    ))
}

const BY_TIME: &str = "order = \"event_time\"\nnull_traits = \"delete\"";

/// A user's event that happened at so many seconds past noon.
fn identify(server: &Server, user: &str, second: u32, traits: &Value) {
    let body = json!({ "userId": user, "originalTimestamp": at(second), "traits": traits });
    let reply = post(&server.gateway, "/v1/identify", body.to_string());
    assert_eq!(reply.status, 200);
    server.settle("profiles");
}

fn at(second: u32) -> String {
    format!("2026-01-31T12:00:{second:02}.000Z")
}

fn asked(server: &Server, path: &str) -> Value {
    let reply = server.ask("GET", &format!("/api/v1/profiles/profiles/{path}"), "");
    assert_eq!(reply.status, 200, "{}", reply.text());
    serde_json::from_str(&reply.text()).unwrap()
}

/// What the command line prints, which must end well.
fn printed(server: &Server, words: &[&str]) -> String {
    let output = server.cli(&[&["profile", "why"], words].concat());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn field<'a>(report: &'a Value, name: &str) -> &'a Value {
    let fields = report["fields"].as_array().unwrap();
    fields.iter().find(|it| it["field"] == name).unwrap()
}

/// State, value, event time and offset of each field.
fn summary(report: &Value) -> Vec<Value> {
    let fields = report["fields"].as_array().unwrap().iter();
    let told = |it: &Value| {
        json!([
            it["field"],
            it["state"],
            it["value"],
            it["event_time"],
            it["offset"]
        ])
    };
    fields.map(told).collect()
}

#[test]
fn each_field_tells_its_event_through_late_events_removals_and_replays() {
    let redis = Redis::start();
    let server = start(&redis, BY_TIME);
    redis.command::<()>(&["HSET", "user:ada", "before", "x"]);
    identify(&server, "ada", 20, &json!({ "plan": "pro", "n": 1 }));
    identify(&server, "ada", 10, &json!({ "plan": "late", "m": 2 }));
    identify(&server, "eve", 25, &json!({ "plan": "hers", "n": 9 }));
    identify(&server, "ada", 30, &json!({ "n": null }));
    let expected = [
        json!(["before", "unknown", "x", null, null]),
        json!(["m", "set", "2", at(10), 1]),
        json!(["n", "removed", null, at(30), 3]),
        json!(["plan", "set", "pro", at(20), 0]),
    ];
    let report = asked(&server, "ada/why");
    assert_eq!(summary(&report), expected);
    let plan = field(&report, "plan");
    assert_eq!(plan["source"], "web");
    assert_eq!(plan["event"]["traits"], json!({ "plan": "pro", "n": 1 }));
    assert_eq!(plan["notes"], json!([]));
    let note = "set before order = event_time, or by somebody else";
    assert_eq!(field(&report, "before")["notes"], json!([note]));
    // The command line reads the files of the journal that the server has open.
    let same: Value = serde_json::from_str(&printed(&server, &["ada", "--json"])).unwrap();
    assert_eq!(same, report);
    // Everything once more.
    let body = json!({ "from": "1970-01-01T00:00:00Z" }).to_string();
    let reply = server.ask("POST", "/api/v1/destinations/profiles/replay", &body);
    assert_eq!(reply.status, 200, "{}", reply.text());
    server.settle("profiles");
    assert_eq!(asked(&server, "ada/why"), report);
}

#[test]
fn one_field_tells_what_its_event_replaced() {
    let redis = Redis::start();
    let server = start(&redis, BY_TIME);
    identify(&server, "ada", 20, &json!({ "plan": "pro", "n": 1 }));
    identify(&server, "ada", 10, &json!({ "plan": "late" }));
    identify(&server, "eve", 25, &json!({ "plan": "hers" }));
    identify(&server, "ada", 30, &json!({ "plan": "team", "n": null }));
    identify(&server, "ada", 40, &json!({ "n": 4 }));
    for (name, value, before, offset) in [
        ("plan", json!("team"), json!("pro"), 0),
        ("n", json!("4"), Value::Null, 3),
    ] {
        let report = asked(&server, &format!("ada/why?field={name}"));
        let told = field(&report, name);
        assert_eq!(told["value"], value);
        assert_eq!(told["replaced"]["value"], before, "{told}");
        assert_eq!(told["replaced"]["offset"], offset);
        let same = printed(&server, &["ada", name, "--json"]);
        assert_eq!(serde_json::from_str::<Value>(&same).unwrap(), report);
    }
    let text = printed(&server, &["ada", "plan", "--event"]);
    assert!(text.starts_with("user:ada\n  plan  team\n"), "{text}");
    assert!(text.contains(&format!("happened {}", at(30))), "{text}");
    assert!(text.contains("replaced pro: happened"), "{text}");
    assert!(text.contains(r#""plan":"team""#), "{text}");
    // The first event of all replaced nothing that is known.
    let first = asked(&server, "eve/why?field=plan");
    assert_eq!(field(&first, "plan")["replaced"], Value::Null);
    // What others have deleted or overwritten.
    redis.command::<()>(&["HDEL", "user:ada", "n"]);
    redis.command::<()>(&["HSET", "user:ada", "plan", "by hand"]);
    let report = asked(&server, "ada/why");
    assert_eq!(field(&report, "n")["state"], "missing");
    let notes = field(&report, "plan")["notes"].to_string();
    assert!(notes.contains("somebody else has written it"), "{notes}");
    let unknown = server.cli(&["profile", "why", "ada", "nothing"]);
    assert_eq!(unknown.status.code(), Some(3));
    let reply = server.ask("GET", "/api/v1/profiles/profiles/nobody/why", "");
    assert_eq!(reply.status, 404, "{}", reply.text());
}

#[test]
fn in_the_order_of_arrival_it_says_which_setting_would_tell() {
    let redis = Redis::start();
    let server = start(&redis, "");
    identify(&server, "ada", 20, &json!({ "plan": "pro" }));
    let reply = server.ask("GET", "/api/v1/profiles/profiles/ada/why", "");
    assert_eq!(reply.status, 409);
    let error: Value = serde_json::from_str(&reply.text()).unwrap();
    assert_eq!(error["error"]["code"], "not_by_time");
    assert_eq!(error["error"]["setting"], "order");
    let output = server.cli(&["profile", "why", "ada"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("fix: set order = \"event_time\""), "{said}");
}

#[test]
fn without_the_journal_the_times_are_told_and_no_other_event_is_shown() {
    let redis = Redis::start();
    let mut server = start(&redis, BY_TIME);
    identify(&server, "ada", 20, &json!({ "plan": "pro" }));
    server.terminate();
    fs::remove_dir_all(server.data_dir().join("journal")).unwrap();
    let check = |report: &Value| {
        let plan = field(report, "plan");
        assert_eq!(plan["event_time"], at(20));
        assert_eq!(
            (&plan["event"], &plan["replaced"]),
            (&Value::Null, &Value::Null)
        );
        let notes = plan["notes"].to_string();
        assert!(notes.contains("not in this journal"), "{notes}");
    };
    let report = printed(&server, &["ada", "plan", "--json"]);
    check(&serde_json::from_str(&report).unwrap());
    // At the same offset there is another event now.
    server.restart();
    identify(&server, "eve", 30, &json!({ "plan": "hers" }));
    check(&asked(&server, "ada/why?field=plan"));
    let report = printed(&server, &["ada", "plan", "--json"]);
    check(&serde_json::from_str(&report).unwrap());
}
