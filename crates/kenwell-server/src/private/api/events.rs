//! `/api/v1/events`: the live tail, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Sse};
use futures_util::stream::{Stream, unfold};
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use tokio::sync::watch::Receiver;
use tokio_util::sync::CancellationToken;
use utoipa::{IntoParams, ToSchema};

use crate::private::PrivatePlane;
use crate::private::error::{ApiError, ErrorBody};
use crate::private::extract::Query;
use crate::tail::{Filter, MAX_SUBSCRIBERS, MissedEvents, Outcome, Subscriber, TailEvent};

/// How often a silent stream says that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Has a proxy such as nginx pass on each event when it comes, and not when it has some kilobytes of them.
const UNBUFFERED: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-accel-buffering"),
    HeaderValue::from_static("no"),
);

/// What to show; nothing given means everything.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// Id of the source.
    source: Option<String>,
    /// What the event says it is, in any case.
    r#type: Option<String>,
    /// `userId` or `anonymousId`, exactly.
    user: Option<String>,
    /// What happened.
    outcome: Option<Outcome>,
    /// Id of the destination.
    destination: Option<String>,
}

/// What follows events that the reader was too slow for: the data of each message `dropped`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Dropped {
    /// How many.
    count: u64,
}

impl From<EventsQuery> for Filter {
    fn from(query: EventsQuery) -> Self {
        Self {
            source: given(query.source),
            kind: given(query.r#type),
            user: given(query.user),
            outcome: query.outcome,
            destination: given(query.destination),
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
/// A stream of server-sent events: `event` with a `TailEvent`, `dropped` with a count when the reader was too
/// slow, a comment every 15 seconds. What came before is not shown. At most 16 readers at once.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "events", operation_id = "watch_events",
    params(EventsQuery),
    responses(
        (status = 200, content_type = "text/event-stream", body = TailEvent),
        (status = 503, body = ErrorBody, description = "too many readers"),
    )
)]
pub(super) async fn watch(
    State(plane): State<Arc<PrivatePlane>>,
    Query(query): Query<EventsQuery>,
) -> Result<impl IntoResponse, ApiError> {
    let reader = plane
        .metrics
        .tail()
        .subscribe(query.into())
        .ok_or_else(|| {
            let message = format!("{MAX_SUBSCRIBERS} readers watch already: close one of them");
            ApiError::busy(message, 10)
        })?;
    let stream = messages(reader, plane.closing.clone(), plane.access.key_replaced());
    let stream = Sse::new(stream).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    Ok(([UNBUFFERED], stream))
}

/// What the reader sees, until the server stops, or another admin key counts than the one that opened the stream.
fn messages(
    reader: Subscriber,
    closing: CancellationToken,
    key_replaced: Receiver<()>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold((reader, closing, key_replaced), |mut state| async {
        let (reader, closing, key_replaced) = &mut state;
        let next = tokio::select! {
            () = closing.cancelled() => return None,
            _ = key_replaced.changed() => return None,
            next = reader.next() => next,
        };
        Some((Ok(message(next)), state))
    })
}

fn message(next: Result<Arc<TailEvent>, MissedEvents>) -> Event {
    let (name, data) = match next {
        Ok(event) => ("event", serde_json::to_string(&*event)),
        Err(MissedEvents(count)) => ("dropped", serde_json::to_string(&Dropped { count })),
    };
    // Plain data: it always is JSON.
    Event::default().event(name).data(data.unwrap_or_default())
}
