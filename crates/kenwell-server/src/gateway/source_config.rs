//! `/sourceConfig`: what browser and mobile SDKs load before they send anything.
//!
//! It is their single point of failure: after any error the RudderStack browser SDK stays silent for
//! the whole page, and a field that a mobile SDK misses keeps it from sending for ever. So [`page`] has
//! every field that any of them reads, with the type that the strictest of them wants.

use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{
    answer::{Answer, JSON},
    auth, query,
    sources::{Source, Sources},
};

/// The answer for the source whose key comes with the request, in the header or in the query.
pub(super) fn answer(
    sources: &Sources,
    headers: &HeaderMap,
    query: Option<&str>,
    workspace_id: &str,
    started: &str,
) -> Answer {
    let key = auth::key_in_header(headers)
        .ok()
        .or_else(|| query::parameter(query, "writeKey"));
    match key.map(|key| sources.find(&key)) {
        Some(Ok(source)) => Answer::ok(JSON, page(source, workspace_id, started).to_string()),
        // Not 401: the mobile SDKs stop for good on 400 with these words and would retry a 401 for ever.
        _ => Answer::error(StatusCode::BAD_REQUEST, "invalid write key"),
    }
}

/// The page. No field is ever null or left out: the Swift SDK wants all that it knows, the Objective-C
/// one calls methods on what it finds, and the Kotlin one throws.
///
/// Not in it, on purpose: `source.dataplanes`, which would send events elsewhere, and
/// `consentManagementMetadata`, which is about destinations in the browser.
fn page(source: &Source, workspace_id: &str, started: &str) -> Value {
    json!({
        "source": {
            // Kotlin and Swift want the texts up to `workspaceId`, and the browser SDK stays silent without `id`.
            "id": source.id,
            "name": source.name,
            // Its own SDKs know it anyway.
            "writeKey": source.write_key.expose(),
            "workspaceId": workspace_id,
            // Missing, it counts as false, and nothing is sent.
            "enabled": source.enabled,
            // What an SDK may collect about itself: nothing. Otherwise it would call other servers: the browser SDK
            // v1.1 loads a script from the net, v3 and the mobile ones post reports. Swift wants it, the browser SDK
            // wants an object, and Android 1.17 to 1.27, which React Native and Flutter wrap, asks both before it
            // sends anything, without looking whether they are there.
            "config": {
                "statsCollection": { "errors": { "enabled": false }, "metrics": { "enabled": false } },
            },
            // None: ours live on the server. SDKs then load nothing for the device and send all to the data plane.
            // The browser SDKs and Swift want the list.
            "destinations": [],
            // Declared by the browser SDK, like `destinations`.
            "connections": [],
            // This and the next three may be missing, but iOS 2 wants them in these types when they are there. No SDK
            // acts on what kind of source it is.
            "sourceDefinitionId": "kenwell",
            "sourceDefinition": {
                "id": "kenwell",
                "name": "HTTP",
                "displayName": "HTTP",
                "category": "",
            },
            "deleted": false,
            "createdAt": started,
            // Kotlin throws without it, Swift too.
            "updatedAt": started,
        },
        "updatedAt": started,
    })
}
