//! `/api/v1/events`: the live tail, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::stream::{Stream, unfold};
use serde::{Deserialize, Serialize};
use tokio::sync::watch::Receiver;
use tokio_util::sync::CancellationToken;
use utoipa::{IntoParams, ToSchema};

use crate::private::PrivatePlane;
use crate::private::extract::Query;
use crate::private::refusal::{ErrorBody, Refusal};
use crate::tail::{Filter, MAX_SUBSCRIBERS, MissedEvents, Outcome, Subscriber, TailEvent as Shown};

/// How often a silent stream says that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What to show; nothing given means everything.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Id of the source.
    source: Option<String>,
    /// What the event says it is, in any case.
    r#type: Option<String>,
    /// `userId` or `anonymousId`, exactly.
    user: Option<String>,
    /// What happened.
    outcome: Option<Happened>,
    /// Id of the destination.
    destination: Option<String>,
}

/// What has happened to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Outcome)]
pub(super) enum Happened {
    Accepted,
    Written,
    Ignored,
    DeadLettered,
}

/// One event at one moment of its way: the data of each message `event`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Seen {
    /// Counts what was shown since the start.
    seq: u64,
    /// When it happened.
    at: String,
    /// Id of the source that sent it.
    source: String,
    /// What the event says it is; empty when it says nothing.
    r#type: String,
    /// Whom it is about: `userId`, else `anonymousId`.
    user_id: Option<String>,
    /// What happened.
    outcome: Happened,
    /// Why, where that is not the usual.
    reason: Option<String>,
    /// Id of the destination; null for what happens at the gateway.
    destination: Option<String>,
    /// The event as it was sent; `{"$truncated": <bytes>}` for one over 16 KiB, `{"$text": "…"}` for one
    /// that strict JSON cannot express.
    #[schema(value_type = serde_json::Value)]
    event: serde_json::Value,
    /// The words of the Redis command that wrote it, at most about 16 KiB; "…" stands for what is left out.
    command: Option<Vec<String>>,
}

/// What follows events that the reader was too slow for: the data of each message `dropped`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Dropped {
    /// How many.
    count: u64,
}

impl From<Wanted> for Filter {
    fn from(wanted: Wanted) -> Self {
        Self {
            source: given(wanted.source),
            kind: given(wanted.r#type),
            user: given(wanted.user),
            outcome: wanted.outcome.map(|outcome| match outcome {
                Happened::Accepted => Outcome::Accepted,
                Happened::Written => Outcome::Written,
                Happened::Ignored => Outcome::Ignored,
                Happened::DeadLettered => Outcome::DeadLettered,
            }),
            destination: given(wanted.destination),
            message_id: None,
        }
    }
}

/// An empty filter is none.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Watch events as they come
///
/// A stream of server-sent events: `event` with a `Seen`, `dropped` with a count when the reader was too
/// slow, a comment every 15 seconds. What came before is not shown. At most 16 readers at once.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "events", operation_id = "watch_events",
    params(Wanted),
    responses(
        (status = 200, content_type = "text/event-stream", body = Seen),
        (status = 503, body = ErrorBody, description = "too many readers"),
    )
)]
pub(super) async fn watch(
    State(plane): State<Arc<PrivatePlane>>,
    Query(wanted): Query<Wanted>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let reader = plane
        .metrics
        .tail()
        .subscribe(wanted.into())
        .ok_or_else(|| {
            let message = format!("{MAX_SUBSCRIBERS} readers watch already: close one of them");
            Refusal::busy(message, 10)
        })?;
    let end = End {
        closing: plane.closing.clone(),
        key_replaced: plane.access.key_replaced(),
    };
    let stream = messages(reader, end);
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

/// What ends a stream: the server stops, or another admin key counts than the one that opened it.
struct End {
    closing: CancellationToken,
    key_replaced: Receiver<()>,
}

/// What the reader sees, until the end.
fn messages(reader: Subscriber, end: End) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold((reader, end), |(mut reader, mut end)| async {
        let next = tokio::select! {
            () = end.closing.cancelled() => return None,
            _ = end.key_replaced.changed() => return None,
            next = reader.next() => next,
        };
        Some((Ok(message(next)), (reader, end)))
    })
}

fn message(next: Result<Arc<Shown>, MissedEvents>) -> Event {
    let (name, data) = match next {
        Ok(seen) => ("event", serde_json::to_string(&*seen)),
        Err(MissedEvents(count)) => ("dropped", serde_json::to_string(&Dropped { count })),
    };
    // Plain data: it always is JSON.
    Event::default().event(name).data(data.unwrap_or_default())
}
