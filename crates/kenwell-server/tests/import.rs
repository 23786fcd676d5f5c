//! RudderStack's configurations as they are met in the wild, and what becomes of them.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::path::Path;
use std::process::Command;

use kenwell::profile::DataType;
use kenwell_server::config::{Config, Environment, Loaded};
use kenwell_server::import::{Imported, NotImported, rudderstack};
use serde_json::{Value, json};

/// A Redis destination with these settings.
fn redis(id: &str, config: &Value) -> Value {
    json!({
        "id": id, "name": "Redis EU", "enabled": true, "workspaceId": "ws-1", "isProcessorEnabled": true,
        "isConnectionEnabled": true, "transformations": [], "revisionId": "r1", "uiConfig": {}, "config": config,
        "destinationDefinition": { "name": "REDIS", "displayName": "Redis", "config": { "supportedMessageTypes": ["identify"] } },
    })
}

fn source(id: &str, key: &str, destinations: &[Value]) -> Value {
    json!({
        "id": id, "name": format!("Source {id}"), "writeKey": key, "enabled": true, "liveEventsConfig": {},
        "createdAt": "2021-08-27T06:33:00.305Z", "deleted": false, "destinations": destinations,
    })
}

fn import(sources: &[Value]) -> (Imported, Loaded) {
    let workspace = json!({ "enableMetrics": false, "workspaceId": "ws-1", "sources": sources });
    let imported = rudderstack(workspace.to_string().as_bytes()).unwrap();
    let path = Path::new("kenwell.toml");
    let loaded = Config::parse(path, imported.text.expose(), &Environment::default());
    let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}\n{}", imported.shown));
    (imported, loaded)
}

fn simple(config: &Value) -> (Imported, Loaded) {
    import(&[source("src-1", "WK", &[redis("dst-1", config)])])
}

#[track_caller]
fn assert_note(imported: &Imported, words: &str) {
    let found = imported.notes.iter().any(|note| note.contains(words));
    assert!(found, "{:#?}", imported.notes);
}

#[test]
fn a_usual_one_becomes_a_file_without_warnings() {
    let config = json!({
        "address": " redis.example.com:6380 ", "clusterMode": false, "database": "3", "password": "s3cret \"quoted\"",
        "prefix": " shop ", "secure": true, "skipVerify": false, "caCertificate": "", "useJSONModule": false,
    });
    let (imported, loaded) = simple(&config);
    assert_eq!(imported.notes, [] as [&str; 0]);
    assert_eq!(loaded.config.workspace_id, "ws-1");
    let source = &loaded.config.sources[0];
    assert_eq!(
        (source.id.as_str(), source.write_key.expose()),
        ("src-1", "WK")
    );
    assert_eq!(source.destinations, ["dst-1"]);
    let destination = &loaded.config.destinations[0];
    let connection = &destination.connection;
    assert_eq!(
        (destination.id.as_str(), destination.prefix.as_str()),
        ("dst-1", "shop")
    );
    assert_eq!(connection.address, "redis.example.com:6380");
    assert_eq!(
        (
            connection.database,
            connection.secure,
            connection.cluster_mode
        ),
        (3, true, false)
    );
    assert_eq!(
        connection.password.as_ref().unwrap().expose(),
        "s3cret \"quoted\""
    );
    assert!(!imported.shown.contains("s3cret") && imported.shown.contains("env:DST_1_PASSWORD"));
    insta::assert_snapshot!(imported.shown);
}

#[test]
fn what_is_missing_means_what_it_means_there() {
    let (imported, loaded) = simple(&json!({ "address": "a:1, b:2 ,c", "database": "5" }));
    let connection = &loaded.config.destinations[0].connection;
    assert!(connection.cluster_mode);
    assert_eq!(connection.address, "a:1,b:2,c:6379");
    assert_note(&imported, "clusterMode is missing");
    assert_note(&imported, "6379 was added");
    let (imported, loaded) = simple(&json!({ "clusterMode": false }));
    assert_eq!(
        loaded.config.destinations[0].connection.address,
        "localhost:6379"
    );
    assert_note(&imported, "there is no address");
}

#[test]
fn values_of_the_wrong_type_are_told() {
    for database in [json!("test"), json!("5 "), json!(5), json!("-1")] {
        let (imported, loaded) =
            simple(&json!({ "address": "a:1", "clusterMode": false, "database": database }));
        assert_eq!(loaded.config.destinations[0].connection.database, 0);
        assert_note(&imported, "the database is not a text of digits");
    }
    for database in [json!("0"), json!(""), json!(null), json!("+5")] {
        let (imported, _) =
            simple(&json!({ "address": "a:1", "clusterMode": false, "database": database }));
        assert_eq!(imported.notes, [] as [&str; 0], "{database}");
    }
    let (imported, loaded) = simple(&json!({
        "address": "a:1", "clusterMode": "false", "secure": "true", "prefix": 5, "useJSONModule": "true",
    }));
    assert!(loaded.config.destinations[0].connection.cluster_mode);
    assert!(!loaded.config.destinations[0].connection.secure);
    for words in [
        "clusterMode is missing",
        "secure is neither",
        "prefix is no text",
        "useJSONModule is neither",
    ] {
        assert_note(&imported, words);
    }
}

#[test]
fn documents_stay_documents() {
    let (imported, loaded) =
        simple(&json!({ "address": "a:1", "clusterMode": false, "useJSONModule": true }));
    assert_eq!(imported.notes, [] as [&str; 0]);
    assert!(imported.shown.contains("json = true"), "{}", imported.shown);
    let destination = &loaded.config.destinations[0];
    assert_eq!(loaded.config.layout(destination).data_type, DataType::Json);
}

#[test]
fn a_foreign_file_names_no_variables_and_files_of_ours() {
    for password in ["env:PATH", "file:/etc/hostname"] {
        let (imported, loaded) =
            simple(&json!({ "address": "a:1", "clusterMode": false, "password": password }));
        assert_eq!(loaded.config.destinations[0].connection.password, None);
        assert!(!imported.text.expose().contains(password));
        assert_note(&imported, "the password begins with");
    }
    let (imported, loaded) = simple(&json!({
        "address": "a:1", "clusterMode": false, "secure": true, "caCertificate": " /etc/hostname ",
    }));
    assert_eq!(
        loaded.config.destinations[0].connection.ca_certificate,
        None
    );
    assert_note(&imported, "caCertificate is no PEM text");
    let (imported, _) = simple(&json!({ "address": "unix:/run/redis.sock", "clusterMode": false }));
    assert!(
        !imported.text.expose().contains("unix:"),
        "{}",
        imported.shown
    );
}

#[test]
fn keys_come_in_any_case_and_strangers_are_ignored() {
    let workspace = json!({
        "WORKSPACEID": "w", "whtProjects": [1], "Sources": [{
            "ID": "s", "Name": "S", "WRITEKEY": "K", "Enabled": true, "geoEnrichment": {},
            "Destinations": [{
                "Id": "d", "NAME": "D", "ENABLED": true, "IsProcessorEnabled": true,
                "DestinationDefinition": { "Name": "redis" },
                "Config": { "ADDRESS": "a:1", "ClusterMode": false, "Password": "p", "strange": {} },
            }],
        }],
    });
    let imported = rudderstack(workspace.to_string().as_bytes()).unwrap();
    assert_eq!(
        (imported.counts, imported.notes.len()),
        ((1, 1), 0),
        "{:?}",
        imported.notes
    );
    assert!(imported.text.expose().contains("password = \"p\""));
}

#[test]
fn one_destination_of_several_sources_is_imported_once() {
    let config = json!({ "address": "a:1", "clusterMode": false });
    let mut second = redis("1TW3fuvuaZqJs877OEailT17KzZ", &config);
    second["isProcessorEnabled"] = json!(false);
    let other = json!({ "address": "b:1", "clusterMode": false });
    let (imported, loaded) = import(&[
        source(
            "src-1",
            "A",
            &[redis("1TW3fuvuaZqJs877OEailT17KzZ", &config)],
        ),
        source("src-2", "B", &[second]),
        source(
            "src-3",
            "C",
            &[redis("1TW3fuvuaZqJs877OEailT17KzZ", &other)],
        ),
        source(
            "src-4",
            "D",
            &[redis("2TW3fuvuaZqJs877OEailT17KzZ", &other)],
        ),
    ]);
    let feeds: Vec<_> = loaded
        .config
        .sources
        .iter()
        .map(|it| it.destinations.join(","))
        .collect();
    assert_eq!(feeds, ["redis-eu", "", "redis-eu", "redis-eu-2"]);
    assert_eq!(loaded.config.destinations[0].connection.address, "a:1");
    assert_note(&imported, "is now \"redis-eu\"");
    assert_note(&imported, "switched off");
    assert_note(&imported, "other settings in another source");
}

#[test]
fn what_is_off_or_of_another_kind_is_told() {
    let config =
        json!({ "address": "a:1", "clusterMode": false, "enableServerSideIdentify": false });
    let mut disabled = source("src-2", "B", &[]);
    disabled["enabled"] = json!(false);
    let mut unsaid = source("src-3", "C", &[]);
    unsaid.as_object_mut().unwrap().remove("enabled");
    let mut deleted = source("src-4", "D", &[]);
    deleted["deleted"] = json!(true);
    let others = [
        redis("dst-1", &config),
        json!({ "id": "x", "destinationDefinition": { "name": "GA4" } }),
        json!({ "id": "y", "destinationDefinition": { "name": "GA4" } }),
    ];
    let twin = source("src-5", "A", &[]);
    let (imported, loaded) = import(&[
        source("src-1", "A", &others),
        disabled,
        unsaid,
        deleted,
        twin,
    ]);
    let enabled: Vec<_> = loaded.config.sources.iter().map(|it| it.enabled).collect();
    assert_eq!(enabled, [true, false, false]);
    assert!(!loaded.config.destinations[0].enabled);
    for words in [
        "does not say whether",
        "was deleted",
        "2 destination(s) of type GA4",
        "write key of another",
        "imported disabled",
    ] {
        assert_note(&imported, words);
    }
}

#[test]
fn several_workspaces_and_no_workspace() {
    let one = json!({ "workspaceId": "w1", "sources": [source("a", "A", &[])] });
    let two = json!({ "workspaceId": "w2", "sources": [source("b", "B", &[])] });
    let both = json!({ "w1": one, "w2": two }).to_string();
    let imported = rudderstack(both.as_bytes()).unwrap();
    assert_eq!(imported.counts, (2, 0));
    assert_note(&imported, "several workspaces");
    let refused = |text: &str| rudderstack(text.as_bytes()).err().unwrap();
    assert!(matches!(refused("{"), NotImported::NotJson(_)));
    assert!(matches!(refused("[1]"), NotImported::NoSources));
    assert!(matches!(
        refused("{\"a\":{\"sources\":1}}"),
        NotImported::NoSources
    ));
}

#[test]
fn the_command_writes_a_private_file_once() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let config = json!({ "address": "a:1", "clusterMode": false, "password": "s3cret" });
    let workspace = json!({ "sources": [source("src-1", "WK", &[redis("dst-1", &config)])] });
    std::fs::write(directory.path().join("w.json"), workspace.to_string()).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kenwell"));
        let command = command.current_dir(directory.path()).env_clear();
        command
            .args(["import", "rudderstack", "w.json"])
            .args(arguments)
            .output()
            .unwrap()
    };
    let piped = run(&[]);
    assert!(String::from_utf8_lossy(&piped.stdout).contains("s3cret"));
    let written = run(&["--output", "k.toml"]);
    assert!(
        written.status.success() && written.stdout.is_empty(),
        "{written:?}"
    );
    assert!(!String::from_utf8_lossy(&written.stderr).contains("s3cret"));
    let mode = directory
        .path()
        .join("k.toml")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    for (place, cure) in [
        ("k.toml", "a name that is not taken"),
        ("nowhere/k.toml", "a place that can be written"),
    ] {
        let refused = run(&["--output", place]);
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains(cure), "{said}");
    }

    let bad = json!({ "address": "a:b:c", "clusterMode": false });
    let workspace = json!({ "sources": [source("src-1", "WK", &[redis("dst-1", &bad)])] });
    std::fs::write(directory.path().join("w.json"), workspace.to_string()).unwrap();
    let mended = run(&[]);
    assert_eq!(mended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&mended.stderr).contains("destinations.dst-1.address"));
}
