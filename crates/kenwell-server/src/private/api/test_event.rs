//! `/api/v1/sources/{id}/test-event`: one real event, and what became of it everywhere.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

use super::{stored_profile, text};
use crate::private::PrivatePlane;
use crate::private::destination_status::DestinationStatus;
use crate::private::error::{ApiError, ErrorBody};
use crate::private::extract::{Json as Body, Path};
use crate::runtime::DestinationView;
use crate::tail::{Filter, Outcome, Subscriber, TailEvent};

/// How long it waits for the destinations.
const OUTCOME_TIMEOUT: Duration = Duration::from_secs(5);
/// Whom a test event is about unless the request names somebody.
const TEST_USER: &str = "kenwell-test";

/// A test event; everything that is missing is made up.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TestEvent {
    /// Whom it is about; `kenwell-test` when it is missing.
    user_id: Option<String>,
    /// What it says.
    #[schema(value_type = Option<Object>)]
    traits: Option<Map<String, Value>>,
}

/// What became of a test event.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TestResult {
    /// Whom it was about.
    user_id: String,
    /// One for each destination of the source.
    results: Vec<DestinationResult>,
}

/// What became of it at one destination.
#[derive(Debug, Serialize, ToSchema)]
struct DestinationResult {
    /// The destination's id.
    destination: String,
    /// `written`, `ignored`, `dead_lettered`, or `waiting` when there was no outcome within five seconds.
    outcome: &'static str,
    /// The Redis key.
    key: String,
    /// The user's whole hash, sorted by name: what was there already too.
    fields: Vec<(String, String)>,
    /// The user's whole document, where profiles are JSON documents.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    document: Option<Box<RawValue>>,
    /// Why it was not written.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Send a test event
///
/// It goes the way of all events: gateway, journal, delivery. Waits at most five seconds for the
/// destinations.
#[utoipa::path(
    post, path = "/api/v1/sources/{id}/test-event", tag = "sources", operation_id = "send_test_event",
    params(("id" = String, Path, description = "the source's id")),
    request_body = TestEvent,
    responses(
        (status = 200, body = TestResult),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "the source is disabled"),
        (status = 503, body = ErrorBody, description = "the gateway does not take events"),
    )
)]
pub(super) async fn send(
    State(plane): State<Arc<PrivatePlane>>,
    Path(id): Path<String>,
    Body(event): Body<TestEvent>,
) -> Result<Json<TestResult>, ApiError> {
    let config = plane.runtime.config();
    let source = config.sources.iter().find(|source| source.id == id);
    let source = source.ok_or_else(|| ApiError::no_source(&id))?;
    let user_id = event.user_id.unwrap_or_else(|| TEST_USER.to_owned());
    let message_id = format!("kenwell-test-{:016x}", fastrand::u64(..));
    let wanted = Filter {
        message_id: Some(message_id.clone()),
        ..Filter::default()
    };
    let reader = plane.metrics.tail().subscribe(wanted);
    let reader =
        reader.ok_or_else(|| ApiError::busy("too many people watch events: wait a little", 10))?;
    let event = identify(&user_id, &message_id, event.traits);
    plane
        .gateway
        .accept(&id, event.to_string().as_bytes())
        .await?;

    let targets: Vec<DestinationView> = plane
        .runtime
        .destinations()
        .iter()
        .filter(|running| {
            running.settings.enabled && source.destinations.contains(&running.settings.id)
        })
        .cloned()
        .collect();
    let shown = outcomes(reader, &targets).await;
    let mut results = Vec::with_capacity(targets.len());
    for target in &targets {
        let event = shown
            .iter()
            .find(|event| event.destination.as_deref() == Some(target.id()));
        results.push(result(target, &user_id, event.map(Arc::as_ref)).await);
    }
    Ok(Json(TestResult { user_id, results }))
}

fn identify(user_id: &str, message_id: &str, traits: Option<Map<String, Value>>) -> Value {
    let now = format!("{:.3}", Timestamp::now());
    let traits = traits.map_or_else(
        || json!({ "name": "Test User", "plan": { "tier": "trial", "seats": 1 }, "tested_at": now }),
        Value::Object,
    );
    json!({
        "type": "identify",
        "channel": "server",
        "messageId": message_id,
        "userId": user_id,
        "traits": traits,
        "originalTimestamp": now,
        "sentAt": now,
        "context": { "library": { "name": "kenwell", "version": env!("CARGO_PKG_VERSION") } },
    })
}

/// What was event at the destinations until all had it, or the time was over.
async fn outcomes(mut reader: Subscriber, targets: &[DestinationView]) -> Vec<Arc<TailEvent>> {
    let deadline = Instant::now() + OUTCOME_TIMEOUT;
    let moving = targets.iter().filter(|target| !target.settings.paused);
    let mut open: BTreeSet<&str> = moving.map(DestinationView::id).collect();
    let mut all = Vec::new();
    while !open.is_empty() {
        let Ok(next) = timeout_at(deadline, reader.next()).await else {
            break;
        };
        let Ok(event) = next else { continue };
        if let Some(destination) = &event.destination {
            open.remove(destination.as_str());
            all.push(event);
        }
    }
    all
}

async fn result(
    target: &DestinationView,
    user_id: &str,
    event: Option<&TailEvent>,
) -> DestinationResult {
    let key = event.and_then(|event| event.command.as_ref()?.get(1).cloned());
    let mut result = DestinationResult {
        destination: target.id().to_owned(),
        outcome: "waiting",
        key: key.unwrap_or_else(|| text::of(&target.layout.key(user_id))),
        fields: Vec::new(),
        document: None,
        error: None,
    };
    let Some(event) = event else {
        result.error = Some(why_waiting(target));
        return result;
    };
    result.error.clone_from(&event.reason);
    match event.outcome {
        Outcome::Ignored => result.outcome = "ignored",
        Outcome::DeadLettered => result.outcome = "dead_lettered",
        Outcome::Written | Outcome::Accepted => {
            result.outcome = "written";
            match stored_profile::read(&target.connection, &target.layout, user_id).await {
                Ok(stored) => {
                    let stored = stored.unwrap_or_default();
                    (result.fields, result.document) = (stored.fields, stored.document);
                }
                Err(error) => result.error = Some(error.to_string()),
            }
        }
    }
    result
}

fn why_waiting(target: &DestinationView) -> String {
    if target.settings.paused {
        return "the destination is paused; the event waits in the journal".to_owned();
    }
    let status = DestinationStatus::of(target, false);
    let no_outcome = "no outcome yet: the destination has older events to write first";
    status.error.unwrap_or_else(|| no_outcome.to_owned())
}
