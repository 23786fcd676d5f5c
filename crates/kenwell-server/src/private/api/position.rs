//! `Kenwell-Position`: a read that is not answered before what somebody wrote has its outcome.

use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, StatusCode};

use crate::applied::{
    DEFAULT_WAIT, NotAPosition, NotApplied, POSITION, PREFERENCE_APPLIED, Position, preferred_wait,
};
use crate::metrics::Waited;
use crate::private::PrivatePlane;
use crate::private::error::ApiError;
use crate::runtime::DestinationView;

/// Waits, as long as the request prefers, until the events of the positions that it names have their outcome at the
/// destination; gives the headers that say so. Who has written several times may name them all, in one header with commas
/// between them or in several. A request without a position is not held up.
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
    let positions = positions(headers)?;
    if positions.is_empty() {
        return Ok(applied);
    }
    let end = plane.journal.stats().next_offset;
    let is_ours = |it: &Position| it.journal == plane.journal_id && it.events.end <= end;
    if !positions.iter().all(is_ours) {
        return Err(other_journal());
    }
    let preferred = preferred_wait(headers);
    let began = Instant::now();
    let limit = preferred.unwrap_or(DEFAULT_WAIT);
    let ended = settled(plane, destination, &positions, limit).await;
    let waits = plane.metrics.waits();
    waits.ended(Waited::Read, ended, began.elapsed());
    ended.map_err(|reason| not_applied(reason, destination.id()))?;
    if preferred.is_some() {
        applied.insert(PREFERENCE_APPLIED, HeaderValue::from_static("wait"));
    }
    Ok(applied)
}

/// All positions that a request names.
fn positions(headers: &HeaderMap) -> Result<Vec<Position>, ApiError> {
    let values = headers.get_all(POSITION).iter();
    let texts = values.flat_map(|value| value.to_str().unwrap_or_default().split(','));
    let positions = texts.map(|text| text.trim().parse::<Position>());
    let positions: Result<_, _> = positions.collect();
    positions.map_err(|error: NotAPosition| ApiError::bad_request(error.to_string()))
}

/// Waits for one after the other, all together no longer than this.
async fn settled(
    plane: &PrivatePlane,
    destination: &DestinationView,
    positions: &[Position],
    limit: Duration,
) -> Result<(), NotApplied> {
    let began = Instant::now();
    let events = destination.counters.applied();
    for position in positions {
        let left = limit.saturating_sub(began.elapsed());
        plane.waits.settled(left, events, &position.events).await?;
    }
    Ok(())
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
