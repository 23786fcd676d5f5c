//! Sources and destinations through the API: in the file, at work at once, and back.

use serde_json::json;

use super::support::{code, ok};
use crate::support::{Client, Redis, Server, eventually, post};

fn file(server: &Server) -> String {
    std::fs::read_to_string(server.config()).unwrap()
}

#[test]
fn a_source_lives_from_its_first_request_to_its_removal() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let body = r#"{"name":"My <App>","destinations":["profiles"]}"#;
    let added = server.ask("POST", "/api/v1/sources", body);
    assert_eq!(added.status, 201);
    let source = ok(&added);
    assert_eq!(
        (&source["id"], &source["name"]),
        (&json!("my-app"), &json!("My <App>"))
    );
    assert_eq!(source["write_key_from"], "file");
    let key = source["write_key"].as_str().unwrap().to_owned();
    assert!(file(&server).contains(&key));
    let send = |key: &str, user: &str| {
        let event = format!(r#"{{"userId":"{user}","traits":{{"a":1}}}}"#);
        let mut client = Client::connect(&server.gateway);
        client
            .post_as(key, "/v1/identify", "", event.as_bytes())
            .unwrap()
            .status
    };
    assert_eq!(send(&key, "u1"), 200);
    let seen = ok(&server.ask("GET", "/api/v1/sources/my-app", ""));
    assert_eq!(seen["accepted"], 1);
    assert!(seen["last_seen_at"].as_str().unwrap().ends_with('Z'));

    let rotated = ok(&server.ask("POST", "/api/v1/sources/my-app/rotate-key", ""));
    let new = rotated["write_key"].as_str().unwrap().to_owned();
    assert_eq!((send(&key, "u2"), send(&new, "u3")), (401, 200));
    let off = server.ask("PATCH", "/api/v1/sources/my-app", r#"{"enabled":false}"#);
    assert_eq!(ok(&off)["enabled"], false);
    assert_eq!(send(&new, "u4"), 404);
    assert_eq!(
        server.ask("DELETE", "/api/v1/sources/my-app", "").status,
        204
    );
    assert_eq!(send(&new, "u5"), 401);
    let gone = server.ask("GET", "/api/v1/sources/my-app", "");
    assert_eq!((gone.status, &*code(&gone)), (404, "no_source"));
    assert!(!file(&server).contains("my-app"));
}

#[test]
fn a_destination_is_tried_added_paused_resumed_replayed_and_removed() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let settings = format!(
        r#"{{"name":"Copy","address":"{}","prefix":"copy","sources":["web"]}}"#,
        redis.address()
    );
    let report = ok(&server.ask("POST", "/api/v1/destinations/test", &settings));
    assert_eq!(report["healthy"], true, "{report}");
    assert!(!file(&server).contains("copy"), "a test saves nothing");
    let added = server.ask("POST", "/api/v1/destinations", &settings);
    assert_eq!(added.status, 201, "{}", added.text());
    let again = server.ask(
        "POST",
        "/api/v1/destinations",
        &settings.replace("Copy\"", "Copy\",\"id\":\"copy\""),
    );
    assert_eq!((again.status, &*code(&again)), (409, "exists"));

    let send = |user: &str| {
        let event = format!(r#"{{"userId":"{user}","traits":{{"a":1}}}}"#);
        assert_eq!(post(&server.gateway, "/v1/identify", event).status, 200);
    };
    let status = || ok(&server.ask("GET", "/api/v1/destinations/copy", ""))["status"].clone();
    send("u1");
    server.settle("copy");
    assert_eq!(redis.fields("copy:user:u1")["a"], "1");
    let paused = ok(&server.ask("POST", "/api/v1/destinations/copy/pause", ""));
    assert_eq!(
        (&paused["paused"], &paused["status"]["state"]),
        (&json!(true), &json!("paused"))
    );
    assert!(file(&server).contains("paused = true"));
    send("u2");
    server.settle("profiles");
    assert_eq!(
        (&status()["queued"], &status()["balanced"]),
        (&json!(1), &json!(true))
    );
    assert!(redis.fields("copy:user:u2").is_empty());
    let resumed = ok(&server.ask("POST", "/api/v1/destinations/copy/resume", ""));
    assert_eq!(resumed["paused"], false);
    server.settle("copy");
    assert_eq!(redis.fields("copy:user:u2")["a"], "1");

    redis.command::<()>(&["DEL", "copy:user:u1", "copy:user:u2"]);
    let replayed = server.ask(
        "POST",
        "/api/v1/destinations/copy/replay",
        r#"{"from":"2020-01-01T00:00:00Z"}"#,
    );
    assert_eq!(ok(&replayed)["records"], 2);
    eventually("the replay", || {
        (redis.fields("copy:user:u2").len() == 1).then_some(())
    });
    server.settle("copy");
    assert_eq!(redis.fields("copy:user:u1")["a"], "1");
    assert_eq!(status()["balanced"], true);
    let no_time = server.ask(
        "POST",
        "/api/v1/destinations/copy/replay",
        r#"{"from":"yesterday"}"#,
    );
    assert_eq!((no_time.status, &*code(&no_time)), (400, "bad_request"));

    assert_eq!(
        server.ask("DELETE", "/api/v1/destinations/copy", "").status,
        204
    );
    assert!(!file(&server).contains("copy"));
    assert_eq!(
        server.ask("GET", "/api/v1/destinations/copy", "").status,
        404
    );
}

#[test]
fn an_address_map_is_set_shown_and_removed() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let path = "/api/v1/destinations/profiles";
    let change = json!({"cluster_mode": true, "address_map": {"10.0.0.5:6379": "127.0.0.1:7001"}});
    let changed = ok(&server.ask("PATCH", path, &change.to_string()));
    assert_eq!(changed["address_map"], change["address_map"]);
    let line = "address_map = { \"10.0.0.5:6379\" = \"127.0.0.1:7001\" }";
    assert!(file(&server).contains(line), "{}", file(&server));
    let wrong = server.ask("PATCH", path, r#"{"address_map":{"h":"h:1"}}"#);
    assert!(wrong.status == 422 && wrong.text().contains("address_map"));
    let removed = ok(&server.ask("PATCH", path, r#"{"cluster_mode":null,"address_map":null}"#));
    assert_eq!(removed["address_map"], json!({}));
    assert!(!file(&server).contains("address_map"));
}

#[test]
fn a_connection_test_reads_secrets_like_the_file_does_and_saves_nothing() {
    let redis = Redis::start();
    let server = Server::with(&format!(
        "allowed_references = [\"file:password\", \"env:NOBODY_*\"]\n\
         [[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{}\"\n",
        redis.address()
    ));
    redis.command::<()>(&["CONFIG", "SET", "requirepass", "sesame"]);
    let before = file(&server);
    let path = server.config().with_file_name("password");
    std::fs::write(&path, "sesame\n").unwrap();
    let test = |password: &str| {
        let body = json!({ "name": "n", "address": redis.address(), "password": password });
        let report = ok(&server.ask("POST", "/api/v1/destinations/test", &body.to_string()));
        report["healthy"].as_bool().unwrap()
    };
    assert!(test("sesame") && test(&format!("file:{}", path.display())));
    assert!(!test("file") && !test("env"));
    let unset = json!({ "address": redis.address(), "password": "env:NOBODY_SET_THIS" });
    let reply = server.ask("POST", "/api/v1/destinations/test", &unset.to_string());
    assert_eq!((reply.status, &*code(&reply)), (422, "invalid_setting"));
    let known = json!({ "id": "profiles", "password": "sesame" });
    let report = ok(&server.ask("POST", "/api/v1/destinations/test", &known.to_string()));
    assert_eq!(report["healthy"], true, "{report}");
    let nowhere = json!({ "name": "n" }).to_string();
    let reply = server.ask("POST", "/api/v1/destinations/test", &nowhere);
    assert_eq!(super::support::json(&reply)["error"]["setting"], "address");
    assert_eq!(file(&server), before);
}

#[test]
fn every_setting_of_a_destination_is_shown_and_secrets_only_as_set_or_not() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let mut shown = ok(&server.ask("GET", "/api/v1/destinations/profiles", ""));
    for beside in ["status", "revision"] {
        assert!(shown.as_object_mut().unwrap().remove(beside).is_some());
    }
    let mut expected = json!({
        "id": "profiles", "name": "profiles", "enabled": true, "paused": false, "heal": true, "type": "redis",
        "address": redis.address(), "username": null, "has_password": false, "database": 0, "prefix": "",
        "cluster_mode": false, "sentinel_master": null, "sentinel_username": null,
        "has_sentinel_password": false, "address_map": {}, "secure": false, "skip_verify": false,
        "ca_certificate": null, "client_certificate": null, "has_client_key": false, "server_name": null,
        "connect_timeout": null, "response_timeout": null, "sources": ["web"],
    });
    // Whatever else can be set is as the file's schema has it.
    let schema = server.cli(&["config", "schema"]).stdout;
    let schema: serde_json::Value = serde_json::from_slice(&schema).unwrap();
    let keys = &schema["properties"]["destinations"]["items"]["properties"];
    for (name, key) in keys.as_object().unwrap() {
        let is_known = ["url", "password", "sentinel_password", "client_key"].contains(&&**name);
        if !is_known && expected.get(name).is_none() {
            // A length of time is shown when it is another one than the default.
            let default = key["default"].as_str().unwrap_or_default();
            let is_duration = default.starts_with(|first: char| first.is_ascii_digit());
            expected[name] = if is_duration {
                serde_json::Value::Null
            } else {
                key["default"].clone()
            };
        }
    }
    assert_eq!(shown, expected);
    let change =
        json!({ "password": "s", "username": "u", "connect_timeout": "1500ms", "prefix": "p" });
    let shown = ok(&server.ask(
        "PATCH",
        "/api/v1/destinations/profiles",
        &change.to_string(),
    ));
    for (name, value) in [
        ("has_password", json!(true)),
        ("password_from", json!("file")),
        ("username", json!("u")),
        ("connect_timeout", json!("1500ms")),
        ("prefix", json!("p")),
    ] {
        assert_eq!(shown[name], value, "{shown}");
    }
}

#[test]
fn wrong_settings_are_named_and_nothing_is_saved() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let before = file(&server);
    for (body, setting) in [
        (r#"{"name":"x","address":"nowhere"}"#, "address"),
        (
            r#"{"name":"x","address":"h:1","cluster_mode":true,"database":3}"#,
            "database",
        ),
        (r#"{"name":"x","address":"h:1","id":"Not An Id"}"#, "id"),
        (
            r#"{"name":"x","address":"h:1","secure":true,"ca_certificate":"-----BEGIN NONSENSE"}"#,
            "ca_certificate",
        ),
    ] {
        let reply = server.ask("POST", "/api/v1/destinations", body);
        assert_eq!(
            (reply.status, &*code(&reply)),
            (422, "invalid_setting"),
            "{body}"
        );
        let error = &super::support::json(&reply)["error"];
        assert_eq!(error["setting"], setting, "{body}: {error}");
        assert!(!error["problems"].as_array().unwrap().is_empty());
    }
    for (body, setting) in [
        (r#"{"databse":1}"#, "databse"),
        (r#"{"database":"1"}"#, "database"),
        (r#"{"sources":"web"}"#, "sources"),
        (r#"{"url":"redis://h"}"#, "url"),
    ] {
        let reply = server.ask("PATCH", "/api/v1/destinations/profiles", body);
        assert_eq!(
            (reply.status, &*code(&reply)),
            (422, "bad_request"),
            "{body}"
        );
        let error = &super::support::json(&reply)["error"];
        assert_eq!(error["setting"], setting, "{body}: {error}");
    }
    let reply = server.ask(
        "POST",
        "/api/v1/sources",
        r#"{"name":"x","destinations":["nowhere"]}"#,
    );
    assert_eq!((reply.status, &*code(&reply)), (422, "invalid_setting"));
    assert_eq!(file(&server), before);
}

#[test]
fn a_change_does_not_overwrite_another_one() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let revision = |server: &Server| {
        let state = ok(&server.ask("GET", "/api/v1/configuration", ""));
        state["revision"].as_str().unwrap().to_owned()
    };
    let known = revision(&server);
    let change = |expected: &str, name: &str| {
        let body = format!("{{\"name\":\"{name}\"}}");
        let headers = format!(
            "PATCH /api/v1/sources/web HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nIf-Match: \"{expected}\"\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            server.private,
            crate::support::ADMIN_KEY,
            body.len()
        );
        crate::support::raw(&server.private, headers.as_bytes())
    };
    assert_eq!(change(&known, "One").status, 200);
    let late = change(&known, "Two");
    assert_eq!((late.status, &*code(&late)), (409, "changed_meanwhile"));
    assert!(file(&server).contains("One") && !file(&server).contains("Two"));
    assert_eq!(change(&revision(&server), "Three").status, 200);
}

#[test]
fn a_test_event_goes_the_whole_way_and_shows_the_hash() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let body = r#"{"user_id":"t1","traits":{"plan":{"name":"pro"}}}"#;
    let result = ok(&server.ask("POST", "/api/v1/sources/web/test-event", body));
    assert_eq!(result["results"][0]["outcome"], "written", "{result}");
    assert_eq!(result["results"][0]["key"], "user:t1");
    assert_eq!(
        result["results"][0]["fields"],
        json!([["plan.name", "pro"]])
    );
    assert_eq!(redis.fields("user:t1")["plan.name"], "pro");
    let nothing = ok(&server.ask("POST", "/api/v1/sources/web/test-event", r#"{"traits":{}}"#));
    assert_eq!(nothing["results"][0]["outcome"], "ignored", "{nothing}");
    redis.command::<()>(&["SET", "user:t2", "no hash"]);
    let body = r#"{"user_id":"t2"}"#;
    let dead = ok(&server.ask("POST", "/api/v1/sources/web/test-event", body));
    assert_eq!(dead["results"][0]["outcome"], "dead_lettered", "{dead}");
    assert!(
        dead["results"][0]["error"]
            .as_str()
            .unwrap()
            .contains("WRONGTYPE")
    );
    server.ask("POST", "/api/v1/destinations/profiles/pause", "");
    let waiting = ok(&server.ask("POST", "/api/v1/sources/web/test-event", "{}"));
    assert_eq!(waiting["results"][0]["outcome"], "waiting");
    assert!(
        waiting["results"][0]["error"]
            .as_str()
            .unwrap()
            .contains("paused")
    );
    assert_eq!(
        server
            .ask("POST", "/api/v1/sources/none/test-event", "{}")
            .status,
        404
    );
    server.ask("PATCH", "/api/v1/sources/web", r#"{"enabled":false}"#);
    let off = server.ask("POST", "/api/v1/sources/web/test-event", "{}");
    assert_eq!((off.status, &*code(&off)), (409, "source_disabled"));
}

#[test]
fn a_user_is_looked_up_and_deleted() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let event =
        r#"{"userId":"a/b c","traits":{"<script>":"<b>","plan":{"tier":"pro"},"tags":["x"]}}"#;
    assert_eq!(post(&server.gateway, "/v1/identify", event).status, 200);
    server.settle("profiles");
    redis.command::<()>(&["EXPIRE", "user:a/b c", "1000"]);
    let path = "/api/v1/profiles/profiles/a%2Fb%20c";
    let reply = server.ask("GET", path, "");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let profile = ok(&reply);
    assert_eq!(
        (&profile["key"], &profile["user_id"]),
        (&json!("user:a/b c"), &json!("a/b c"))
    );
    assert!((500..=1000).contains(&profile["ttl_seconds"].as_u64().unwrap()));
    let fields = json!([
        ["<script>", "<b>"],
        ["plan.tier", "pro"],
        ["tags", "[\"x\"]"]
    ]);
    assert_eq!(profile["fields"], fields);
    let nested = json!({ "<script>": "<b>", "plan": { "tier": "pro" }, "tags": ["x"] });
    assert_eq!(profile["nested"], nested);
    assert_eq!(ok(&server.ask("DELETE", path, ""))["deleted"], true);
    assert_eq!(ok(&server.ask("DELETE", path, ""))["deleted"], false);
    redis.command::<()>(&[
        "SET",
        "bot/data/a/b c",
        r#"{"user":{"n":1.50}}"#,
        "EX",
        "1000",
    ]);
    redis.command::<()>(&["SET", "bot/seal/a/b c", "\u{1}\u{2}"]);
    redis.command::<()>(&["RPUSH", "bot/list/a/b c", "x"]);
    let query =
        format!("{path}?state_prefix=bot&state_separator=%2F&state_entries=data,seal,list,none");
    let reply = server.ask("GET", &query, "");
    let state = &ok(&reply)["state"];
    assert_eq!(
        (&state[0]["key"], &state[0]["entry"]),
        (&json!("bot/data/a/b c"), &json!("data"))
    );
    assert!(
        reply.text().contains(r#""json":{"user":{"n":1.50}}"#),
        "digits stay"
    );
    assert!((500..=1000).contains(&state[0]["ttl_seconds"].as_u64().unwrap()));
    assert_eq!(
        (&state[1]["json"], &state[1]["bytes"]),
        (&json!(null), &json!(2))
    );
    assert_eq!(
        (&state[2]["text"], &state[2]["bytes"]),
        (&json!(null), &json!(0))
    );
    assert_eq!(state.as_array().unwrap().len(), 3);
    let none = server.ask("GET", path, "");
    assert_eq!((none.status, &*code(&none)), (404, "no_profile"));
    let nowhere = server.ask("GET", "/api/v1/profiles/nowhere/u", "");
    assert_eq!((nowhere.status, &*code(&nowhere)), (404, "no_destination"));
}

#[test]
fn least_rights_are_enough_to_look_a_user_up() {
    let redis = Redis::start();
    let rights = [
        "+hset",
        "+hgetall",
        "+client|info",
        "+client|kill",
        "+client|list",
        "+client|setname",
    ];
    redis.command::<()>(
        &[
            &["ACL", "SETUSER", "least", "on", ">password", "~user:*"][..],
            &rights,
        ]
        .concat(),
    );
    let server = Server::with(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{}\"\nusername = \"least\"\npassword = \"password\"\n",
        redis.address()
    ));
    post(
        &server.gateway,
        "/v1/identify",
        r#"{"userId":"u","traits":{"a":1}}"#,
    );
    server.settle("profiles");
    let profile = ok(&server.ask("GET", "/api/v1/profiles/profiles/u", ""));
    assert_eq!(
        (&profile["fields"], &profile["ttl_seconds"]),
        (&json!([["a", "1"]]), &json!(null))
    );
    let asked = server.ask("GET", "/api/v1/profiles/profiles/u?state_entries=data", "");
    assert_eq!((asked.status, &*code(&asked)), (502, "redis_error"));
}

#[test]
fn a_redis_that_is_away_is_told_as_such() {
    let mut redis = Redis::start();
    let server = Server::start(&redis);
    redis.kill();
    let reply = server.ask("GET", "/api/v1/profiles/profiles/u", "");
    assert_eq!((reply.status, &*code(&reply)), (502, "redis_error"));
    let report = ok(&server.ask("POST", "/api/v1/destinations/profiles/test", ""));
    assert_eq!(report["healthy"], false);
    let connect = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|found| found["check"] == "connect");
    assert_eq!(connect.unwrap()["status"], "failed");
    post(
        &server.gateway,
        "/v1/identify",
        r#"{"userId":"u","traits":{"a":1}}"#,
    );
    let status = eventually("the destination to wait", || {
        let overview = ok(&server.ask("GET", "/api/v1/overview", ""));
        let status = overview["destinations"][0].clone();
        (status["state"] == "waiting").then_some(status)
    });
    assert!(
        status["error"].as_str().unwrap().contains("cannot connect"),
        "{status}"
    );
    assert!(status["since"].as_str().unwrap().ends_with('Z'));
    let told = ok(&server.ask("POST", "/api/v1/sources/web/test-event", "{}"));
    assert_eq!(told["results"][0]["outcome"], "waiting");
}
