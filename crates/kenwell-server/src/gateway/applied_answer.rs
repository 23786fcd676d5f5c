//! The answer to a request that waits: 200 as ever once its events are in Redis everywhere, otherwise 202 and why.
//!
//! The data plane is open to strangers, so an answer tells what became of the request's own events, and names no
//! destination.

use std::{ops::Range, sync::Arc, time::Instant};

use http::{HeaderName, HeaderValue, StatusCode, header};
use kenwell_journal::Offset;
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, JSON},
    success::{StoredAppend, StoredRequest},
    wait_request::WaitRequest,
};
use crate::{
    applied::{
        AppliedEvents, JournalId, NotApplied, POSITION, PREFERENCE_APPLIED, Position,
        WaitingSender, Waits,
    },
    listener::HangUpWatch,
    metrics::{Metrics, Waited},
};

/// What pages of other origins may read beside the body.
const EXPOSED: &str = "Kenwell-Position, Preference-Applied";

/// Answers requests that wait.
pub(super) struct AppliedAnswers {
    pub(super) waits: Waits,
    /// The journal that positions are of.
    pub(super) journal_id: JournalId,
    pub(super) metrics: Arc<Metrics>,
}

impl AppliedAnswers {
    /// `answer` once the events are applied at every destination of their sources; otherwise 202, when the time is over or
    /// as soon as it makes no sense to wait. Events that are ignored are applied.
    pub(super) async fn wait(
        &self,
        answer: Answer,
        wait: WaitRequest,
        stored: StoredRequest,
        hang_up: &HangUpWatch,
    ) -> Answer {
        let mut appends = stored.further_appends;
        appends.extend(stored.append);
        let began = Instant::now();
        let ended = self.applied(wait, &appends, hang_up).await;
        self.metrics
            .waits()
            .ended(Waited::Write, ended, began.elapsed());
        let position = span(&appends).map(|events| Position {
            journal: self.journal_id,
            events,
        });
        let answer = match ended {
            Ok(()) => answer,
            Err(reason) => not_applied(reason, position.as_ref()),
        };
        with_headers(answer, wait, position.as_ref())
    }

    /// Waits in the share of each source, and no longer than its sender is there.
    async fn applied(
        &self,
        wait: WaitRequest,
        appends: &[StoredAppend],
        hang_up: &HangUpWatch,
    ) -> Result<(), NotApplied> {
        let shares = appends.iter().map(|append| &append.source.wait_share);
        let sender = WaitingSender { shares, hang_up };
        self.waits
            .applied(wait.limit, events(appends), sender)
            .await
    }
}

/// What is waited for: the events of each append at each destination that they go to.
fn events(appends: &[StoredAppend]) -> Vec<(AppliedEvents, Range<Offset>)> {
    let mut all = Vec::new();
    for StoredAppend { source, events } in appends {
        let destinations = source.destinations.iter();
        all.extend(destinations.map(|it| (it.applied().clone(), events.clone())));
    }
    all
}

/// From the first event of a request to its last one.
fn span(appends: &[StoredAppend]) -> Option<Range<Offset>> {
    let all = appends.iter().map(|append| append.events.clone());
    all.reduce(|one, other| one.start.min(other.start)..one.end.max(other.end))
}

/// 202: the events are durable, and this is why they are not known to be in Redis.
fn not_applied(reason: NotApplied, position: Option<&Position>) -> Answer {
    let mut page = Map::new();
    page.insert("applied".to_owned(), Value::Bool(false));
    page.insert("reason".to_owned(), reason.as_str().into());
    let message = format!("stored for good; {}", reason.message());
    page.insert("message".to_owned(), message.into());
    if let NotApplied::Refused(events) = reason {
        page.insert("refused".to_owned(), events.into());
    }
    if let Some(Position { events, .. }) = position {
        let offsets = json!({ "from": events.start.0, "to": events.end.0 });
        page.insert("offsets".to_owned(), offsets);
    }
    Answer::with_body(StatusCode::ACCEPTED, JSON, Value::Object(page).to_string())
}

fn with_headers(answer: Answer, wait: WaitRequest, position: Option<&Position>) -> Answer {
    let position = position.and_then(|position| position.to_string().try_into().ok());
    let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
    headers.extend(position.map(|position| (POSITION, position)));
    if wait.is_preference {
        headers.push((PREFERENCE_APPLIED, HeaderValue::from_static("wait")));
    }
    if wait.is_cross_origin {
        let exposed = HeaderValue::from_static(EXPOSED);
        headers.push((header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed));
    }
    let add = |answer: Answer, (name, value)| answer.header(name, value);
    headers.into_iter().fold(answer, add)
}
