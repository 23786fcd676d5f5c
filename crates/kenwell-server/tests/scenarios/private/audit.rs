//! Who changed what is noted: by whom, from where, which settings, and never their values.

use serde_json::Value;

use super::support::{Browser, JSON, ok, send};
use crate::support::{ADMIN_KEY, Redis, Server, eventually};

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

/// The last deeds, the newest first, each in one line.
fn deeds(server: &Server) -> Vec<String> {
    let audit = ok(&server.ask("GET", "/api/v1/audit", ""));
    let line = |entry: &Value| {
        let settings: Vec<_> = entry["settings"]
            .as_array()
            .unwrap()
            .iter()
            .map(text)
            .collect();
        let parts = [
            &entry["who"],
            &entry["deed"],
            &entry["about"],
            &entry["result"],
        ];
        let parts = parts.map(text).join(" ");
        format!("{parts} {}", settings.join(","))
            .trim_end()
            .to_owned()
    };
    audit["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(line)
        .collect()
}

#[test]
fn deeds_are_noted_with_who_and_what_and_without_values() {
    let redis = Redis::start();
    let mut server = Server::start(&redis);
    assert_eq!(deeds(&server), Vec::<String>::new(), "looking is no deed");

    let change = r#"{"name":"Hidden name","password":"hidden-password"}"#;
    let path = "/api/v1/destinations/profiles";
    assert_eq!(server.ask("PATCH", path, change).status, 200);
    assert_eq!(
        server.ask("PATCH", path, r#"{"address":"hidden"}"#).status,
        422
    );
    assert_eq!(
        server
            .ask("POST", "/api/v1/sources", r#"{"name":"Hidden shop"}"#)
            .status,
        201
    );
    assert_eq!(
        server
            .ask("DELETE", "/api/v1/profiles/profiles/hidden-user", "")
            .status,
        200
    );
    let browser = Browser::sign_in(&server);
    let letters = r#"{"destination":"profiles","all":true}"#;
    assert_eq!(
        browser
            .ask("POST", "/api/v1/dead-letters/discard", letters)
            .status,
        200
    );
    assert_eq!(browser.ask("DELETE", "/api/v1/session", "").status, 204);
    // What strangers are refused is in the log, and pushes nothing out.
    let wrong = r#"{"key":"a wrong key of a stranger"}"#;
    assert_eq!(
        send(&server.private, "POST", "/api/v1/session", JSON, wrong).status,
        401
    );
    assert_eq!(send(&server.private, "DELETE", path, JSON, "").status, 401);

    let expected = [
        "session sign_out - done",
        "session discard_dead_letters profiles done",
        "session sign_in - done",
        "admin_key delete_profile profiles done",
        "admin_key add_source hidden-shop done",
        "admin_key change_destination profiles refused address",
        "admin_key change_destination profiles done name,password",
    ];
    assert_eq!(deeds(&server), expected);

    // Parts of it.
    let of = |query: &str| {
        let audit = ok(&server.ask("GET", &format!("/api/v1/audit?{query}"), ""));
        let entries = audit["entries"].as_array().unwrap();
        let names: Vec<_> = entries.iter().map(|entry| text(&entry["deed"])).collect();
        (names.join(" "), audit["total"].as_u64().unwrap())
    };
    assert_eq!(of("limit=1&offset=2"), ("sign_in".to_owned(), 7));
    assert_eq!(of("who=admin_key&result=refused").1, 1);
    assert_eq!(of("deed=add_source"), ("add_source".to_owned(), 1));
    assert_eq!(of("search=PASSWORD&who=admin_key").1, 1, "a setting's name");
    assert_eq!(of("search=nobody"), (String::new(), 0));
    let all = ok(&server.ask("GET", "/api/v1/audit?limit=1", ""));
    let names: Vec<_> = all["deeds"].as_array().unwrap().iter().map(text).collect();
    let kept = "add_source change_destination delete_profile discard_dead_letters sign_in sign_out";
    assert_eq!(names.join(" "), kept);

    // By hand.
    let file = std::fs::read_to_string(server.config()).unwrap();
    let file = file.replace("id = \"web\"", "id = \"web\"\nname = \"Hidden by hand\"");
    std::fs::write(server.config(), file).unwrap();
    let by_hand = "file take_over_file - done sources.web.name";
    eventually("the file to be taken over", || {
        (deeds(&server)[0] == by_hand).then_some(())
    });

    // They outlive the server; values are nowhere.
    server.kill();
    server.restart();
    assert_eq!(deeds(&server)[0], by_hand);
    let kept = std::fs::read_to_string(server.data_dir().join("audit.jsonl")).unwrap();
    let log = server.log();
    for hidden in ["Hidden", "hidden-password", "hidden-user", ADMIN_KEY] {
        assert!(!kept.contains(hidden), "{hidden} in {kept}");
        assert!(!log.contains(hidden), "{hidden} in {log}");
    }
    let line = log
        .lines()
        .find(|line| line.contains("change_destination"))
        .unwrap();
    for word in ["audit", "admin_key", "127.0.0.1", "profiles", "done"] {
        assert!(line.contains(word), "{word} in {line}");
    }
    let taken: Vec<_> = log
        .lines()
        .filter(|line| line.contains("configuration taken over"))
        .collect();
    assert!(
        taken
            .iter()
            .any(|line| line.contains("an edit over the private plane"))
    );
    let by_hand = taken
        .iter()
        .find(|line| line.contains("the file was edited"));
    assert!(by_hand.unwrap().contains("sources.web.name"), "{taken:?}");
}
