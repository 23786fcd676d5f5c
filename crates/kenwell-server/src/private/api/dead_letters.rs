//! `/api/v1/dead-letters`: what Redis refused for good.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use kenwell_journal::ErrorChain;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use utoipa::{IntoParams, ToSchema};

use super::destinations;
use super::letter_page::{self, DeadLetterCount, LetterSelection, PageRequest};
use crate::dead_letters::{DeadLetter, Error};
use crate::installation;
use crate::private::error::{ApiError, ErrorBody};
use crate::private::extract::{Json as Body, Query};
use crate::private::{PrivatePlane, deeds};
use crate::repetition;
use crate::tail;
use crate::time;

/// Retries and discards at once: each reads whole files.
static CHANGES: Semaphore = Semaphore::const_new(2);
/// Pages made at once: each reads what it shows.
static PAGES: Semaphore = Semaphore::const_new(8);
/// The most bytes of an event that are shown; a larger one is told by its size.
const MAX_EVENT_BYTES: usize = 256 * 1024;

/// Which letters to show.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Id of the destination; all when it is missing.
    destination: Option<String>,
    /// Redis' code for the refusal.
    reason: Option<String>,
    /// How many, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
    /// What `next` of the page before said.
    after: Option<String>,
}

/// A page of letters, oldest first, and how many there are.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeadLetters {
    /// All that match, on all pages.
    total: u64,
    /// How many there are of each kind, whatever `reason` was asked for.
    by_reason: Vec<DeadLetterCount>,
    /// This page.
    letters: Vec<Letter>,
    /// What to send as `after` for the next page; null on the last one.
    next: Option<String>,
}

/// An event that Redis refused for good.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub(crate) struct Letter {
    /// Its name among the letters of its destination, until it is refused again.
    id: String,
    /// The destination's id.
    destination: String,
    /// When it was refused.
    at: String,
    /// Redis' code for the refusal, such as `WRONGTYPE`; `other` when there is none.
    reason: String,
    /// The refusal in words.
    error: String,
    /// Id of the source that sent it.
    source: String,
    /// The Redis key it was for.
    key: String,
    /// When the gateway received it.
    received_at: String,
    /// Whom it is about.
    user_id: Option<String>,
    /// The event as it was sent; `{"$truncated": <bytes>}` for one over 256 KiB, `{"$text": "…"}` for one
    /// that strict JSON cannot express.
    #[schema(value_type = serde_json::Value)]
    event: Box<RawValue>,
}

/// Which letters to act on: exactly one of `ids`, `reason` and `all`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LettersToChange {
    /// Id of the destination.
    destination: String,
    /// These letters, at most 1,000.
    #[serde(default)]
    #[schema(max_items = 1000)]
    ids: Option<Vec<String>>,
    /// All with this code.
    #[serde(default)]
    reason: Option<String>,
    /// All.
    #[serde(default)]
    all: bool,
}

/// What became of letters that were retried.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RetriedLetters {
    /// Gone from the log: written to Redis, or found to write nothing.
    retried: u64,
    /// Gone from the log without a write: newer events have set all of their fields.
    superseded: u64,
    /// Refused again, or not tried because Redis is away.
    still_failing: u64,
    /// Why Redis could not go on, if it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What that does to newer values at this destination, by its `order`.
    note: &'static str,
}

/// How many letters were dropped.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DiscardedLetters {
    discarded: u64,
    /// Always 0.
    still_failing: u64,
}

impl Letter {
    pub(crate) fn of(letter: &DeadLetter) -> Self {
        Self {
            id: letter.id(),
            destination: letter.destination.clone(),
            at: time::text_of_milliseconds(letter.at),
            reason: letter.code().to_owned(),
            error: letter.reason.clone(),
            source: letter.source.clone(),
            key: letter.key.clone(),
            received_at: time::text_of_milliseconds(letter.received_at),
            user_id: tail::user_id_of(&letter.event),
            event: tail::bounded_event(&letter.event, MAX_EVENT_BYTES),
        }
    }
}

/// List dead letters
#[utoipa::path(
    get, path = "/api/v1/dead-letters", tag = "dead letters", operation_id = "list_dead_letters",
    params(ListQuery),
    responses(
        (status = 200, body = DeadLetters),
        (status = 400, body = ErrorBody, description = "the letter behind which to go on is not there any more"),
        (status = 404, body = ErrorBody),
        (status = 503, body = ErrorBody, description = "others go through the letters"),
    )
)]
pub(super) async fn list(
    State(plane): State<Arc<PrivatePlane>>,
    Query(which): Query<ListQuery>,
) -> Result<Json<DeadLetters>, ApiError> {
    let destinations = if let Some(id) = which.destination.filter(|id| !id.is_empty()) {
        vec![destinations::find(&plane, &id)?]
    } else {
        plane.runtime.destinations().to_vec()
    };
    let destinations = destinations.iter();
    let request = PageRequest {
        destinations: destinations
            .map(|running| (running.id().to_owned(), plane.outstanding(running)))
            .collect(),
        reason: which.reason.filter(|reason| !reason.is_empty()),
        limit: which.limit.unwrap_or(50).clamp(1, 200),
        after: which.after.filter(|after| !after.is_empty()),
    };
    let found = blocking(&PAGES, move || letter_page::find(&request)).await?;
    let found = found.ok_or_else(|| {
        ApiError::bad_request(
            "the letter behind which to go on is not there any more: list from the beginning",
        )
        .about("after")
    })?;
    Ok(Json(DeadLetters {
        total: found.total,
        by_reason: found.by_reason,
        letters: found.letters.iter().map(Letter::of).collect(),
        next: found.next,
    }))
}

/// Retry dead letters
///
/// Applies them again, a user's in the order in which they were sent, and leaves alone what newer events have
/// set since: in the order of arrival what they have set through this Kenwell, with `order = "event_time"` whoever wrote
/// it. What is refused again stays with the new reason.
#[utoipa::path(
    post, path = "/api/v1/dead-letters/retry", tag = "dead letters", operation_id = "retry_dead_letters",
    request_body = LettersToChange,
    responses(
        (status = 200, body = RetriedLetters),
        (status = 400, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "another retry is running"),
    )
)]
pub(super) async fn retry(
    State(plane): State<Arc<PrivatePlane>>,
    Body(chosen): Body<LettersToChange>,
) -> Result<Json<RetriedLetters>, ApiError> {
    deeds::about(&chosen.destination, []);
    let running = destinations::find(&plane, &chosen.destination)?;
    let selection = chosen.selection()?;
    let outstanding = plane.outstanding(&running);
    let note = repetition::of_retry(&running.layout);
    let data_dir = plane.runtime.config().data_dir.clone();
    let retried = blocking(&CHANGES, move || {
        let connection = installation::for_retry(&running.connection, &data_dir, running.id());
        let writer = running.settings.writer(connection);
        let retry = outstanding.retry(&writer, |letter| selection.has(letter));
        // Here, where a client that hangs up cannot stop it.
        let retried = Handle::current().block_on(retry)?;
        running.counters.letters_written(retried.written);
        let gone = retried.ignored + retried.superseded;
        running.counters.letters_discarded(gone);
        tracing::info!(
            destination.id = running.id(),
            written = retried.written,
            superseded = retried.superseded,
            ignored = retried.ignored,
            kept = retried.kept,
            "dead letters were retried on request; newer events had set all fields of the superseded ones"
        );
        Ok(retried)
    });
    let retried = retried.await?;
    Ok(Json(RetriedLetters {
        retried: retried.written + retried.ignored,
        superseded: retried.superseded,
        still_failing: retried.kept,
        error: retried.stopped.map(|error| error.to_string()),
        note,
    }))
}

/// Discard dead letters
///
/// They are gone for good.
#[utoipa::path(
    post, path = "/api/v1/dead-letters/discard", tag = "dead letters", operation_id = "discard_dead_letters",
    request_body = LettersToChange,
    responses(
        (status = 200, body = DiscardedLetters),
        (status = 400, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "a retry is running"),
    )
)]
pub(super) async fn discard(
    State(plane): State<Arc<PrivatePlane>>,
    Body(chosen): Body<LettersToChange>,
) -> Result<Json<DiscardedLetters>, ApiError> {
    deeds::about(&chosen.destination, []);
    let running = destinations::find(&plane, &chosen.destination)?;
    let selection = chosen.selection()?;
    let (logs, outstanding) = (plane.dead_letters.clone(), plane.outstanding(&running));
    let discarded = blocking(&CHANGES, move || {
        let discarded = logs.discard(running.id(), |letter| selection.has(letter))?;
        // Here, where a client that hangs up cannot stop it.
        running.counters.letters_discarded(discarded);
        tracing::warn!(
            destination.id = running.id(),
            discarded,
            "dead letters were discarded on request"
        );
        outstanding.refresh_after_change();
        Ok(discarded)
    });
    let discarded = discarded.await?;
    Ok(Json(DiscardedLetters {
        discarded,
        still_failing: 0,
    }))
}

impl LettersToChange {
    fn selection(self) -> Result<LetterSelection, ApiError> {
        let wrong = "give exactly one of `ids` (1 to 1000), `reason` and `all: true`";
        match (self.ids, self.reason, self.all) {
            (Some(ids), None, false) if (1..=1_000).contains(&ids.len()) => {
                Ok(LetterSelection::Ids(ids.into_iter().collect()))
            }
            (None, Some(reason), false) => Ok(LetterSelection::Reason(reason)),
            (None, None, true) => Ok(LetterSelection::All),
            _ => Err(ApiError::bad_request(wrong)),
        }
    }
}

/// Runs what waits for files on a thread that may block. A client that hangs up does not stop it.
async fn blocking<T: Send + 'static>(
    room: &'static Semaphore,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, ApiError> {
    let Ok(room) = room.try_acquire() else {
        return Err(ApiError::busy(
            "others go through the dead letters: wait until they are done",
            5,
        ));
    };
    let done = spawn_blocking(move || {
        let result = work().map_err(|error| api_error(&error));
        drop(room);
        result
    });
    done.await.unwrap_or_else(|error| {
        tracing::error!(%error, "going through the dead letters ended badly");
        Err(ApiError::internal(
            "going through the dead letters ended badly; the log says how",
        ))
    })
}

fn api_error(error: &Error) -> ApiError {
    if let Error::Busy { .. } = error {
        return ApiError::new(StatusCode::CONFLICT, "busy", error.to_string());
    }
    tracing::error!(error = %ErrorChain(error), "the dead letters could not be read or changed");
    ApiError::internal(error.to_string())
}
