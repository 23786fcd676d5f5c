//! `Kenwell-Position`: a read that is not answered before what somebody wrote has its outcome.

use std::time::Instant;

use http::{HeaderMap, HeaderValue, StatusCode};

use crate::applied::{
    DEFAULT_WAIT, NotApplied, POSITION, PREFERENCE_APPLIED, Position, preferred_wait,
};
use crate::metrics::Waited;
use crate::private::PrivatePlane;
use crate::private::error::ApiError;
use crate::runtime::DestinationView;

/// Waits, as long as the request prefers, until the events of the position that it names have their outcome at the
/// destination; gives the headers that say so. A request without a position is not held up.
///
/// # Errors
/// A position that is none, or of another journal; events that have no outcome in time, or while the destination
/// gets nothing.
pub(super) async fn wait(
    plane: &PrivatePlane,
    destination: &DestinationView,
    headers: &HeaderMap,
) -> Result<HeaderMap, ApiError> {
    let mut applied = HeaderMap::new();
    let Some(value) = headers.get(POSITION) else {
        return Ok(applied);
    };
    let position: Position = value
        .to_str()
        .unwrap_or_default()
        .parse()
        .map_err(|error| ApiError::bad_request(format!("{error}")))?;
    let end = plane.journal.stats().next_offset;
    if position.journal != plane.journal_id || position.events.end > end {
        return Err(other_journal());
    }
    let preferred = preferred_wait(headers);
    let began = Instant::now();
    let events = destination.counters.applied();
    let limit = preferred.unwrap_or(DEFAULT_WAIT);
    let ended = plane.waits.settled(limit, events, &position.events).await;
    let waits = plane.metrics.waits();
    waits.ended(Waited::Read, ended, began.elapsed());
    ended.map_err(|reason| not_applied(reason, destination.id()))?;
    if preferred.is_some() {
        applied.insert(PREFERENCE_APPLIED, HeaderValue::from_static("wait"));
    }
    Ok(applied)
}

fn other_journal() -> ApiError {
    let message = "Kenwell-Position is of another journal: of another Kenwell, or of a time before its journal was \
                   lost or replaced; read without it";
    ApiError::new(StatusCode::CONFLICT, "other_journal", message)
}

fn not_applied(reason: NotApplied, id: &str) -> ApiError {
    if matches!(reason, NotApplied::TooManyWaits | NotApplied::Stopping) {
        return ApiError::busy(reason.message(), 1);
    }
    let message = format!(
        "what Kenwell-Position stands for is not in the Redis of \"{id}\" yet ({}); repeat the request, or read without \
         the header what is there now",
        reason.message()
    );
    ApiError::new(StatusCode::CONFLICT, "not_applied", message).after(1)
}
