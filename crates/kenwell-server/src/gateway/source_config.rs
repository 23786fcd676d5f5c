//! `/sourceConfig`: what browser and mobile SDKs load before they send anything.
//!
//! It is their single point of failure: after any error the RudderStack browser SDK stays silent for
//! the whole page. Nothing is listed under `destinations`, because ours live on the server, and
//! neither error reporting nor other data planes are announced, because either would make SDKs call
//! somebody else.

use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::{
    answer::{Answer, JSON},
    auth, query,
    refusal::Refusal,
    sources::{Source, Sources},
};

/// The answer for whoever's key comes with the request, in the header or in the query.
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
    match key
        .ok_or(Refusal::UnknownKey)
        .and_then(|key| sources.find(&key))
    {
        Ok(source) => Answer::ok(JSON, page(source, workspace_id, started)),
        // Not 401: the mobile SDKs stop for good on 400 with these words and would retry a 401 for ever.
        Err(_) => Answer::error(StatusCode::BAD_REQUEST, "invalid write key"),
    }
}

fn page(source: &Source, workspace_id: &str, started: &str) -> String {
    json!({
        "source": {
            "id": source.id,
            "name": source.name,
            "writeKey": source.write_key(),
            "enabled": source.enabled,
            "workspaceId": workspace_id,
            "config": {},
            "destinations": [],
            "sourceDefinition": { "id": "kenwell", "name": "HTTP", "category": "" },
        },
        "updatedAt": started,
    })
    .to_string()
}
