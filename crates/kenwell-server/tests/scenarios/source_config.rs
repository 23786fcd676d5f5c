//! `/sourceConfig`, read as each SDK reads it: the fields without which it does not send.

use serde_json::Value;

use crate::{
    gateway::server,
    support::{Redis, get},
};

/// What the SDKs get for the source of this write key.
fn config(key: &str) -> Value {
    let redis = Redis::start();
    let server = server(&redis);
    let reply = get(&server.gateway, &format!("/sourceConfig?writeKey={key}"));
    assert_eq!(reply.status, 200);
    serde_json::from_slice(&reply.body).unwrap()
}

/// Texts, flags and lists of these names are in `at`.
#[track_caller]
fn assert_has(at: &Value, texts: &[&str], flags: &[&str], lists: &[&str]) {
    for name in texts {
        assert!(at[name].is_string(), "{name} in {at}");
    }
    for name in flags {
        assert!(at[name].is_boolean(), "{name} in {at}");
    }
    for name in lists {
        assert!(at[name].is_array(), "{name} in {at}");
    }
}

#[test]
fn android_1_17_to_1_27_and_what_wraps_it() {
    let source = &config("WK")["source"];
    assert_has(source, &[], &["enabled"], &["destinations"]);
    // Asked one after the other without a look whether they are there.
    let collected = &source["config"]["statsCollection"];
    assert_eq!(collected["errors"]["enabled"], false);
    assert_eq!(collected["metrics"]["enabled"], false);
    // Regions and their addresses: with some, events go there.
    assert!(source.get("dataplanes").is_none());
}

#[test]
fn kotlin() {
    let source = &config("WK")["source"];
    let texts = ["id", "name", "writeKey", "workspaceId", "updatedAt"];
    assert_has(source, &texts, &["enabled"], &["destinations"]);
    let collected = &source["config"]["statsCollection"];
    assert_has(&collected["errors"], &[], &["enabled"], &[]);
    assert_has(&collected["metrics"], &[], &["enabled"], &[]);
}

#[test]
fn swift() {
    // Nothing has a default here.
    let source = &config("WK")["source"];
    let texts = ["id", "name", "writeKey", "workspaceId", "updatedAt"];
    assert_has(source, &texts, &["enabled"], &["destinations"]);
    let collected = &source["config"]["statsCollection"];
    assert_has(&collected["errors"], &[], &["enabled"], &[]);
    assert_has(&collected["metrics"], &[], &["enabled"], &[]);
}

#[test]
fn objective_c() {
    let page = config("WK");
    let source = &page["source"];
    assert_has(
        source,
        &["id", "name", "updatedAt"],
        &["enabled"],
        &["destinations"],
    );
    // It asks what it finds for a truth value, and ends the app when that is null.
    assert!(!page.to_string().contains("null"), "{page}");
    assert!(source.get("dataplanes").is_none());
}

#[test]
fn ios_2() {
    // Each may be missing, none may be of another kind.
    let source = &config("WK")["source"];
    let texts = [
        "id",
        "name",
        "writeKey",
        "sourceDefinitionId",
        "workspaceId",
        "createdAt",
        "updatedAt",
    ];
    assert_has(source, &texts, &["enabled", "deleted"], &["destinations"]);
}

#[test]
fn unity() {
    let source = &config("WK")["source"];
    assert_has(
        source,
        &["id", "name", "updatedAt"],
        &["enabled"],
        &["destinations"],
    );
}

#[test]
fn browser_3() {
    let page = config("WK");
    let source = &page["source"];
    assert!(source["config"].is_object());
    assert_has(
        source,
        &["id", "name", "workspaceId"],
        &["enabled"],
        &["destinations", "connections"],
    );
    // Both would call the data plane for what is not served.
    let collected = &source["config"]["statsCollection"];
    assert_eq!(collected["errors"]["enabled"], false);
    assert_eq!(collected["metrics"]["enabled"], false);
    assert!(page.get("consentManagementMetadata").is_none());
}

#[test]
fn browser_1() {
    let source = &config("WK")["source"];
    assert_has(source, &["id"], &[], &["destinations"]);
    // With it a script is loaded from elsewhere.
    assert_eq!(
        source["config"]["statsCollection"]["errors"]["enabled"],
        false
    );
    assert!(source.get("dataplanes").is_none());
}

#[test]
fn a_source_that_is_off_says_so() {
    let source = &config("OFF")["source"];
    assert_eq!(
        (&source["id"], &source["enabled"]),
        (&"off".into(), &false.into())
    );
}
