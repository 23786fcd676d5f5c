//! `/sourceConfig`: what browser and mobile SDKs load before they send anything.
//!
//! It is their single point of failure: after any error the RudderStack browser SDK stays silent for
//! the whole page, and a field that a mobile SDK misses keeps it from sending for ever. So [`Page`] has
//! every field that any of them reads, with the type that the strictest of them wants.

use http::{HeaderMap, StatusCode};
use serde::Serialize;

use super::{
    answer::{Answer, JSON},
    auth, query,
    refusal::Refusal,
    sources::{Source, Sources},
};

/// The answer. No field is ever null or left out: the Swift SDK wants all that it knows, the Objective-C
/// one calls methods on what it finds, and the Kotlin one throws.
///
/// Not in it, on purpose: `source.dataplanes`, which would send events elsewhere, and
/// `consentManagementMetadata`, which is about destinations in the browser.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    source: SourcePage<'a>,
    updated_at: &'a str,
}

/// The source, for SDKs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SourcePage<'a> {
    /// Kotlin and Swift want it, and the browser SDK stays silent without.
    id: &'a str,
    /// Kotlin and Swift want it.
    name: &'a str,
    /// Kotlin and Swift want it.
    write_key: &'a str,
    /// Missing, it counts as false, and nothing is sent.
    enabled: bool,
    /// Kotlin and Swift want it.
    workspace_id: &'a str,
    /// Swift wants it, the browser SDK wants an object, and Android 1.17 to 1.27 all that is in it.
    config: SourceSettings,
    /// None: ours live on the server. SDKs then load nothing for the device and send all to the data plane.
    /// The browser SDKs and Swift want the list.
    destinations: [(); 0],
    /// Declared by the browser SDK, like `destinations`.
    connections: [(); 0],
    /// This and the next three may be missing, but iOS 2 wants them in these types when they are there.
    source_definition_id: &'a str,
    source_definition: Definition<'a>,
    deleted: bool,
    created_at: &'a str,
    /// Kotlin throws without it, Swift too.
    updated_at: &'a str,
}

/// What an SDK may collect about itself: nothing. Otherwise it would call other servers: the browser SDK
/// v1.1 loads a script from the net, v3 and the mobile ones post reports.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct SourceSettings {
    stats_collection: StatsCollection,
}

/// Android 1.17 to 1.27 asks both without looking whether they are there, before it sends anything; React
/// Native and Flutter wrap it.
#[derive(Debug, Default, Serialize)]
struct StatsCollection {
    errors: CollectionSwitch,
    metrics: CollectionSwitch,
}

#[derive(Debug, Default, Serialize)]
struct CollectionSwitch {
    enabled: bool,
}

/// What kind of source it is; no SDK acts on it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Definition<'a> {
    id: &'a str,
    name: &'a str,
    display_name: &'a str,
    category: &'a str,
}

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
    let source = key
        .ok_or(Refusal::UnknownKey)
        .and_then(|key| sources.find(&key));
    let page = source.map(|source| serde_json::to_string(&page(source, workspace_id, started)));
    match page {
        Ok(Ok(page)) => Answer::ok(JSON, page),
        // Not 401: the mobile SDKs stop for good on 400 with these words and would retry a 401 for ever.
        Ok(Err(_)) | Err(_) => Answer::error(StatusCode::BAD_REQUEST, "invalid write key"),
    }
}

fn page<'a>(source: &'a Source, workspace_id: &'a str, started: &'a str) -> Page<'a> {
    Page {
        source: SourcePage {
            id: &source.id,
            name: &source.name,
            write_key: source.write_key(),
            enabled: source.enabled,
            workspace_id,
            config: SourceSettings::default(),
            destinations: [],
            connections: [],
            source_definition_id: "kenwell",
            source_definition: Definition {
                id: "kenwell",
                name: "HTTP",
                display_name: "HTTP",
                category: "",
            },
            deleted: false,
            created_at: started,
            updated_at: started,
        },
        updated_at: started,
    }
}
