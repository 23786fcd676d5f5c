//! From an authenticated body to 200: parse, admit, append, and only then say `ok`.

use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};

use jiff::Timestamp;
use kenwell_event::{Parsed, Route};
use kenwell_journal::{Batch, Error, Journal, Offset};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use super::{
    answer::{Answer, TEXT},
    body::MAX_BODY_BYTES,
    refusal::Refusal,
    sources::Source,
};
use crate::{
    envelope,
    metrics::Metrics,
    tail::{Glance, Outcome},
};

/// What a single event grows by when RudderStack's gateway wraps it into a batch, before it measures.
const WRAPPING: usize = r#"{"batch":[]}"#.len();

/// Where accepted events go.
pub(super) struct Ingest {
    pub(super) journal: Journal,
    pub(super) metrics: Arc<Metrics>,
    /// Appends under way: they are finished even when their client hangs up.
    pub(super) appends: TaskTracker,
}

impl Ingest {
    /// Whether the journal has room for more.
    pub(super) fn is_accepting(&self) -> bool {
        let stats = self.journal.stats();
        !stats.full && !stats.no_space
    }

    /// Accepts or refuses the body of one request. Events are durable before this returns `ok`. The
    /// source stays as it is until `token` is dropped.
    pub(super) async fn accept(
        &self,
        source: &Arc<Source>,
        token: TaskTrackerToken,
        route: Route,
        body: &[u8],
    ) -> Result<Answer, Refusal> {
        let single = matches!(route, Route::Identify | Route::Other);
        let watched = self.metrics.tail().is_watched();
        let mut ignored = Vec::new();
        let parsed = kenwell_event::parse_and_tell(route, body, |event, reason| {
            if watched {
                ignored.push((event, reason));
            }
        })
        .map_err(Refusal::Rejected)?;
        let events =
            parsed.identifies.len() + usize::try_from(parsed.ignored.total()).unwrap_or(usize::MAX);
        source.admit(events)?;
        if single && body.len() + WRAPPING > MAX_BODY_BYTES {
            return Err(Refusal::TooLarge);
        }
        for (reason, count) in parsed.ignored.iter() {
            source.counters.ignored(reason.as_str(), count);
        }
        source.counters.seen(Timestamp::now());
        for (event, reason) in ignored {
            self.tell(source, Outcome::Ignored, event, Some(reason.as_str()));
        }
        if !parsed.identifies.is_empty() {
            self.append(source, token, records(source, &parsed)).await?;
            if watched {
                for event in &parsed.identifies {
                    self.tell(source, Outcome::Accepted, event, None);
                }
            }
        }
        Ok(Answer::ok(TEXT, "ok"))
    }

    /// Shows what became of an event to those who look.
    fn tell(&self, source: &Source, outcome: Outcome, event: &[u8], reason: Option<&str>) {
        self.metrics.tail().tell(&Glance {
            source: &source.id,
            outcome,
            event,
            reason,
            destination: None,
            update: None,
        });
    }

    async fn append(
        &self,
        source: &Arc<Source>,
        token: TaskTrackerToken,
        batch: Batch,
    ) -> Result<(), Refusal> {
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let books = Arc::clone(source);
        let batch = batch.on_stored(move |first| enter(&books, count, first));
        let journal = self.journal.clone();
        let started = Instant::now();
        // On a task of its own: when nobody waits any more, as when a server stops or a client of the private
        // plane hangs up, the token must last to the end of the append.
        let append = self.appends.spawn(async move {
            let appended = journal.append(batch).await;
            // The books are right now, one way or the other.
            drop(token);
            appended
        });
        match append.await {
            Ok(Ok(_offset)) => {
                self.metrics.appended(started.elapsed().as_secs_f64());
                Ok(())
            }
            Ok(Err(error)) => Err(not_stored(&error)),
            Err(_) => Err(Refusal::NotStored("events could not be stored")),
        }
    }
}

/// One journal record for each identify, all with the same header.
fn records(source: &Source, parsed: &Parsed<'_>) -> Batch {
    let header = envelope::header(&source.route, SystemTime::now());
    let mut batch = Batch::new();
    for event in &parsed.identifies {
        batch.push(&[&header, event]);
    }
    batch
}

/// Enters `count` events, which are durable from offset `first` on, into all books.
fn enter(source: &Source, count: u64, first: Offset) {
    source.counters.accepted(count);
    for ledger in &source.ledgers {
        ledger.accept(count, first.plus(count));
    }
}

fn not_stored(error: &Error) -> Refusal {
    match error {
        Error::Full { .. } => Refusal::NotStored("journal is full"),
        // It never fits: told to retry, its sender would try for ever.
        Error::RecordTooLarge { .. } => Refusal::TooLarge,
        Error::NoSpace { .. } => Refusal::NotStored("no space left for the journal"),
        _ => {
            tracing::error!(%error, "events could not be appended to the journal; their sender was told to retry");
            Refusal::NotStored("events could not be stored")
        }
    }
}
