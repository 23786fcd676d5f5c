//! `kenwell migrate`: what both systems have written is compared, and every planted difference is found.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::{Client, Redis, Server, conformance};

fn kenwell(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kenwell"));
    command.args(words).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A workspace with one source and one Redis.
fn workspace(directory: &Path, config: &Value) -> String {
    let destination = json!({
        "id": "profiles", "name": "Profiles", "enabled": true, "config": config,
        "destinationDefinition": { "name": "REDIS" },
    });
    let source = json!({
        "id": "web", "name": "Web", "writeKey": "WK", "enabled": true, "destinations": [destination],
    });
    let path = directory.join("workspaceConfig.json");
    let workspace = json!({ "workspaceId": "ws", "sources": [source] });
    std::fs::write(&path, workspace.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A server with the configuration that `migrate` makes for a shadow.
fn shadow_server(workspace: &str, place: &str) -> Server {
    let path = Path::new(workspace).with_file_name("shadow.toml");
    let path = path.to_str().unwrap();
    let made = kenwell(&[
        "migrate",
        "rudderstack",
        "--workspace",
        workspace,
        place,
        "--output",
        path,
    ]);
    assert!(made.status.success(), "{made:?}");
    assert!(
        text(&made.stdout).contains("--compare --partial"),
        "{made:?}"
    );
    let tables = std::fs::read_to_string(path).unwrap();
    let is_of_a_table = |line: &&str| !line.starts_with("workspace_id");
    let tables: Vec<_> = tables.lines().filter(is_of_a_table).collect();
    Server::with(&tables.join("\n"))
}

fn compare(workspace: &str, place: &str, more: &[&str]) -> Output {
    let words = [
        "migrate",
        "rudderstack",
        "--workspace",
        workspace,
        place,
        "--compare",
        "--settle",
        "10ms",
    ];
    kenwell(&[&words, more].concat())
}

/// Events of the vectors, each of a user of its own, with the fields that RudderStack writes.
fn vectors() -> Vec<(String, Vec<(String, String)>)> {
    let lines = std::fs::read_to_string(conformance("rudderstack-redis/visible.jsonl")).unwrap();
    let mut cases = Vec::new();
    for line in lines.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let event = case["event"].as_str().unwrap_or_default();
        let is_plain = case["config"] == json!({}) && case["e2e"] == "same";
        let fields = case["expect"]["ok"]["fields"].as_object();
        let Some(fields) = fields.filter(|fields| is_plain && !fields.is_empty()) else {
            continue;
        };
        if case["expect"]["ok"]["key"] != "user:u1"
            || event.matches(r#""userId":"u1""#).count() != 1
        {
            continue;
        }
        let user = format!(r#""userId":"case-{}""#, cases.len());
        let value = |value: &Value| value.as_str().unwrap().to_owned();
        let fields = fields.iter().map(|(name, it)| (name.clone(), value(it)));
        cases.push((event.replace(r#""userId":"u1""#, &user), fields.collect()));
    }
    assert!(cases.len() > 300, "{}", cases.len());
    cases.truncate(700);
    cases
}

/// Lets both write the vectors: RudderStack's part is played by plain `HSET`s. Gives the number of users.
fn written_by_both(redis: &Redis, server: &Server) -> usize {
    let cases = vectors();
    let mut client = Client::connect(&server.gateway);
    for (number, (event, fields)) in cases.iter().enumerate() {
        let reply = client.post("/v1/batch", format!("{{\"batch\":[{event}]}}").as_bytes());
        assert_eq!(reply.unwrap().status, 200, "{event}");
        let key = format!("user:case-{number}");
        let pairs = fields
            .iter()
            .flat_map(|(name, value)| [name.as_str(), value]);
        let words: Vec<_> = ["HSET", &key].into_iter().chain(pairs).collect();
        redis.command::<i64>(&words);
    }
    server.settle("profiles");
    cases.len()
}

#[test]
fn what_both_have_written_is_the_same_and_what_is_planted_is_found() {
    let redis = Redis::start();
    let directory = tempfile::tempdir().unwrap();
    let workspace = workspace(
        directory.path(),
        &json!({ "address": redis.address(), "clusterMode": false }),
    );
    let server = shadow_server(&workspace, "--shadow");
    let users = written_by_both(&redis, &server);

    let same = compare(&workspace, "--shadow", &[]);
    let said = text(&same.stdout);
    assert!(same.status.success(), "{said}");
    assert!(
        said.contains(&format!(
            "profiles: {users} users, {users} identical, 0 different"
        )),
        "{said}"
    );
    assert!(said.contains("kenwell import rudderstack"), "{said}");

    redis.command::<i64>(&["HSET", "shadow:user:case-1", "planted", "secret value"]);
    redis.command::<i64>(&["HSET", "user:case-2", "planted", "there"]);
    redis.command::<i64>(&["HSET", "user:case-3", "changed", "there"]);
    redis.command::<i64>(&["HSET", "shadow:user:case-3", "changed", "here"]);
    redis.command::<i64>(&["DEL", "shadow:user:case-4"]);
    redis.command::<i64>(&["DEL", "user:case-5"]);
    redis.command::<String>(&["SET", "shadow:user:case-6", "no hash"]);
    // These are documented differences.
    redis.command::<i64>(&["HSET", "user:case-7", "id", "12345678901234567000"]);
    redis.command::<i64>(&["HSET", "shadow:user:case-7", "id", "12345678901234567890"]);
    redis.command::<i64>(&["HSET", "user:case-8", "list", r#"[{"a":1,"b":2}]"#]);
    redis.command::<i64>(&["HSET", "shadow:user:case-8", "list", r#"[{"b":2,"a":1}]"#]);

    let other = compare(&workspace, "--shadow", &[]);
    let said = text(&other.stdout);
    assert_eq!(other.status.code(), Some(1), "{said}");
    let same = users - 6;
    assert!(
        said.contains(&format!("{users} users, {same} identical, 6 different")),
        "{said}"
    );
    for line in [
        "1 users: another value",
        "2 users: only in RudderStack",
        "2 users: only in Kenwell",
        " users: an integer beyond 2^53, which RudderStack has rounded (documented",
        " users: the same JSON, spelled otherwise (documented",
        "1 users: not a profile that can be read",
        "    user:case-3\n      changed  another value",
        "    user:case-1\n      planted  only in Kenwell",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    assert!(!said.contains("secret value"), "{said}");
    let shown = text(&compare(&workspace, "--shadow", &["--show-values"]).stdout);
    assert!(
        shown.contains("RudderStack \"there\", Kenwell \"here\""),
        "{shown}"
    );

    // A shadow that began late has not everything.
    let partial = compare(&workspace, "--shadow", &["--partial", "--json"]);
    let report: Value = serde_json::from_slice(&partial.stdout).unwrap();
    let counts = ["users", "different", "users_only_there"].map(|it| report[it].as_u64().unwrap());
    assert_eq!(counts, [users as u64 - 1, 4, 1], "{report}");
}

#[test]
fn another_database_is_a_shadow_too() {
    let redis = Redis::start();
    let directory = tempfile::tempdir().unwrap();
    let config = json!({ "address": redis.address(), "clusterMode": false, "prefix": "shop" });
    let workspace = workspace(directory.path(), &config);
    let server = shadow_server(&workspace, "--shadow-database=3");
    Client::connect(&server.gateway).identify(r#"{"userId":"ada","traits":{"plan":"pro"}}"#);
    server.settle("profiles");
    redis.command::<i64>(&["HSET", "shop:user:ada", "plan", "pro"]);
    let same = compare(&workspace, "--shadow-database=3", &[]);
    assert!(
        text(&same.stdout).contains("1 users, 1 identical, 0 different"),
        "{same:?}"
    );
    redis.command::<i64>(&["HSET", "shop:user:bob", "plan", "pro"]);
    let other = compare(&workspace, "--shadow-database=3", &[]);
    assert!(
        text(&other.stdout).contains("2 users, 1 identical, 1 different"),
        "{other:?}"
    );
    // A place where nothing is proves nothing.
    let nowhere = compare(&workspace, "--shadow-database=4", &["--partial"]);
    assert_eq!(nowhere.status.code(), Some(1), "{nowhere:?}");
    assert!(!text(&nowhere.stdout).contains("To switch"), "{nowhere:?}");
    assert!(
        text(&nowhere.stderr).contains("nothing is proved"),
        "{nowhere:?}"
    );
}

#[test]
fn every_master_of_a_cluster_is_walked() {
    let nodes = Redis::cluster();
    let directory = tempfile::tempdir().unwrap();
    let addresses: Vec<_> = nodes.iter().map(Redis::address).collect();
    let config = json!({ "address": addresses.join(","), "clusterMode": true });
    let workspace = workspace(directory.path(), &config);
    let server = shadow_server(&workspace, "--shadow=next");
    let mut client = Client::connect(&server.gateway);
    for user in 0..60 {
        client.identify(&format!(
            r#"{{"userId":"u{user}","traits":{{"n":{user}}}}}"#
        ));
    }
    server.settle("profiles");
    let other = compare(&workspace, "--shadow=next", &["--json"]);
    let report: Value = serde_json::from_slice(&other.stdout).unwrap();
    assert_eq!(
        (&report["users"], &report["different"]),
        (&json!(60), &json!(60)),
        "{report}"
    );
    let refused = kenwell(&[
        "migrate",
        "rudderstack",
        "--workspace",
        &workspace,
        "--shadow-database=1",
        "--output",
        "x",
    ]);
    assert!(
        text(&refused.stderr).contains("has no databases"),
        "{refused:?}"
    );
}

#[test]
fn an_unfit_shadow_is_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let config = json!({ "address": "127.0.0.1:1", "clusterMode": false, "prefix": "{{ message.traits.tenant || none }}" });
    let workspace = workspace(directory.path(), &config);
    let words = |place: &str| {
        let made = kenwell(&[
            "migrate",
            "rudderstack",
            "--workspace",
            &workspace,
            place,
            "--output",
            "x",
        ]);
        assert!(!made.status.success(), "{made:?}");
        text(&made.stderr)
    };
    assert!(words("--shadow").contains("use --shadow-database"));
    assert!(words("--shadow=a:b").contains("letters, digits"));
}

#[test]
fn what_a_jovo_app_has_stored_is_looked_at() {
    let redis = Redis::start();
    let url = format!("redis://{}", redis.address());
    let check = |more: &[&str]| {
        let words = [
            "migrate", "jovo", "--check", "--redis", &url, "--prefix", "bot",
        ];
        kenwell(&[&words, more].concat())
    };
    let set = |key: &str, value: &str| {
        redis.command::<String>(&["SET", key, value]);
    };
    set(
        "bot:data:ada",
        r#"{"user":{"data":{"visits":1}},"createdAt":"2024-01-01T00:00:00.000Z"}"#,
    );
    set("bot:data:bob", r#"{ "user": {"data": {"visits": 1.0}} }"#);
    set("other:data:eve", "none of these");
    let nothing = check(&["--entries", "nosuch"]);
    assert_eq!(nothing.status.code(), Some(1), "{nothing:?}");
    assert!(
        text(&nothing.stderr).contains("nothing is proved"),
        "{nothing:?}"
    );
    let whole = check(&[]);
    let said = text(&whole.stdout);
    assert!(whole.status.success(), "{whole:?}");
    assert!(
        said.contains("2 entries, 2 understood, 0 not understood"),
        "{said}"
    );
    assert!(
        said.contains("1 of those that are understood are spelled otherwise"),
        "{said}"
    );

    set("bot:data:broken", r#"{"user":"#);
    set("bot:data:shape", r#"{"user":5}"#);
    set("bot:data:colon:in:it", "{}");
    redis.command::<i64>(&["HSET", "bot:data:hash", "a", "b"]);
    let other = check(&["--json"]);
    assert_eq!(other.status.code(), Some(1), "{other:?}");
    let report: Value = serde_json::from_slice(&other.stdout).unwrap();
    let keys: Vec<_> = report["examples"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["key"].as_str().unwrap())
        .collect();
    assert_eq!(report["entries"], 6, "{report}");
    let mut keys = keys;
    keys.sort_unstable();
    assert_eq!(
        keys,
        ["bot:data:broken", "bot:data:hash", "bot:data:shape"],
        "{report}"
    );
    // Only what is read is asked for; nothing was changed.
    assert_eq!(
        redis.command::<String>(&["GET", "bot:data:bob"]),
        r#"{ "user": {"data": {"visits": 1.0}} }"#
    );
}
