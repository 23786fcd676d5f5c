//! From a body to durable events: parse, find who sends if that is in the body, admit, append.

use std::{
    ops::Range,
    sync::Arc,
    time::{Instant, SystemTime},
};

use jiff::Timestamp;
use kenwell::profile::moment_ms;
use kenwell_event::{Ignored, IgnoredCounts, Route};
use kenwell_journal::{Batch, Error, ErrorChain, Journal, Offset};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use super::{
    body::MAX_BODY_BYTES,
    refusal::Refusal,
    run_to_end::RunToEnd,
    sources::{Source, Sources},
    success::{StoredAppend, StoredRequest},
};
use crate::{
    envelope,
    metrics::Metrics,
    tail::{Observation, Outcome},
};

/// What a single event grows by when RudderStack's gateway wraps it into a batch, before it measures.
const WRAPPING: usize = r#"{"batch":[]}"#.len();

/// Where events are in the journal, or why they are not.
type Stored = Result<Range<Offset>, Refusal>;

/// What one source sent with a request.
struct SourceEvents<'a> {
    source: &'a Arc<Source>,
    identifies: Vec<&'a [u8]>,
    ignored: IgnoredCounts,
    /// The ignored ones, while somebody watches.
    ignored_events: Vec<(&'a [u8], Ignored)>,
    /// When the request was sent, by the sender's clock, if it says so beside its events.
    sent_at_ms: Option<u64>,
}

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

    /// Accepts or refuses the body of a request that came with its write key. Events are durable before
    /// this returns. The source stays as it is until `token` is dropped.
    pub(super) async fn accept(
        &self,
        source: &Arc<Source>,
        token: TaskTrackerToken,
        route: Route,
        body: &[u8],
    ) -> Result<StoredRequest, Refusal> {
        let watched = self.metrics.tail().has_subscribers();
        let mut ignored_events = Vec::new();
        let parsed = kenwell_event::parse(route, body, |event, reason| {
            if watched {
                ignored_events.push((event, reason));
            }
        })
        .map_err(Refusal::Rejected)?;
        let events = SourceEvents {
            source,
            identifies: parsed.identifies,
            ignored: parsed.ignored,
            ignored_events,
            sent_at_ms: parsed.sent_at.and_then(sent_at_ms),
        };
        events.admit()?;
        fits(route, body)?;
        let append = self.store(events, token).await?;
        Ok(StoredRequest {
            route,
            names_write_key: parsed.names_write_key,
            append,
            further_appends: Vec::new(),
        })
    }

    /// The same for a request that names its write keys in its body. Each of them must be one of `sources`;
    /// nothing is stored if one is not.
    pub(super) async fn accept_groups(
        &self,
        sources: &Sources,
        token: TaskTrackerToken,
        route: Route,
        body: &[u8],
    ) -> Result<StoredRequest, Refusal> {
        let watched = self.metrics.tail().has_subscribers();
        let mut ignored_events = Vec::new();
        let request = kenwell_event::parse_by_write_key(route, body, |place, event, reason| {
            if watched {
                ignored_events.push((place, event, reason));
            }
        });
        let sent_at_ms = request.sent_at.and_then(sent_at_ms);
        let mut all = Vec::with_capacity(request.groups.len());
        for (place, group) in request.groups.into_iter().enumerate() {
            let write_key = group.write_key.ok_or(Refusal::NoKeyInHeader)?;
            let its = ignored_events.iter().filter(|(at, ..)| *at == place);
            all.push(SourceEvents {
                source: sources.find_enabled(&write_key)?,
                identifies: group.identifies,
                ignored: group.ignored,
                ignored_events: its.map(|(_, event, reason)| (*event, *reason)).collect(),
                sent_at_ms,
            });
        }
        if let Some(rejection) = request.rejection {
            return Err(Refusal::Rejected(rejection));
        }
        all.iter().try_for_each(SourceEvents::admit)?;
        fits(route, body)?;
        let mut appends = Vec::with_capacity(all.len());
        for events in all {
            appends.extend(self.store(events, token.clone()).await?);
        }
        Ok(StoredRequest {
            route,
            names_write_key: true,
            append: None,
            further_appends: appends,
        })
    }

    /// Counts, shows and appends what one source sent; where that is in the journal, if there is any.
    async fn store(
        &self,
        events: SourceEvents<'_>,
        token: TaskTrackerToken,
    ) -> Result<Option<StoredAppend>, Refusal> {
        let source = events.source;
        let Some(append) = self.begin(&events, token) else {
            return Ok(None);
        };
        let stored = append.await?;
        if self.metrics.tail().has_subscribers() {
            for event in &events.identifies {
                self.show(source, Outcome::Accepted, event, None);
            }
        }
        Ok(Some(StoredAppend {
            source: Arc::clone(source),
            events: stored,
        }))
    }

    /// Begins to accept the body of a request that is there whole and came with its write key: whether it names another
    /// one, and the append, if anything is to be stored. `None` for a request that is to be accepted or refused by
    /// [`accept`](Self::accept), to which nothing has happened then.
    pub(super) fn begin_whole(
        &self,
        source: &Arc<Source>,
        token: TaskTrackerToken,
        route: Route,
        body: &[u8],
    ) -> Option<(bool, Option<impl Future<Output = Stored> + Send + use<>>)> {
        // Whoever watches is shown the events when they are stored, for which the body is needed still.
        if self.metrics.tail().has_subscribers() {
            return None;
        }
        let parsed = kenwell_event::parse(route, body, |_event, _reason| {}).ok()?;
        let events = SourceEvents {
            source,
            identifies: parsed.identifies,
            ignored: parsed.ignored,
            ignored_events: Vec::new(),
            sent_at_ms: parsed.sent_at.and_then(sent_at_ms),
        };
        fits(route, body).and_then(|()| events.admit()).ok()?;
        Some((parsed.names_write_key, self.begin(&events, token)))
    }

    /// Counts and shows what one source sent, and begins to append what is to be stored, if there is any.
    fn begin(
        &self,
        events: &SourceEvents<'_>,
        token: TaskTrackerToken,
    ) -> Option<impl Future<Output = Stored> + Send + use<>> {
        let source = events.source;
        for (reason, count) in events.ignored.iter() {
            source.counters.ignored(reason.as_str(), count);
        }
        source.counters.seen(Timestamp::now());
        for (event, reason) in &events.ignored_events {
            self.show(source, Outcome::Ignored, event, Some(reason.as_str()));
        }
        if events.identifies.is_empty() {
            return None;
        }
        let batch = records(source, &events.identifies, events.sent_at_ms);
        Some(self.append(source, token, batch))
    }

    /// Shows what became of an event to whoever watches.
    fn show(&self, source: &Source, outcome: Outcome, event: &[u8], reason: Option<&str>) {
        self.metrics.tail().publish(&Observation {
            source: &source.id,
            outcome,
            event,
            reason,
            destination: None,
            update: None,
        });
    }

    /// Begins an append. It is begun when what is returned is first polled, or dropped.
    fn append(
        &self,
        source: &Arc<Source>,
        token: TaskTrackerToken,
        batch: Batch,
    ) -> impl Future<Output = Stored> + Send + use<> {
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let counted = Arc::clone(source);
        let batch = batch.on_stored(move |first| enter(&counted, count, first));
        let journal = self.journal.clone();
        let started = Instant::now();
        // When its request is not waited for any more, as when a server stops or a client of the private plane hangs up, the
        // token must last to the end of the append all the same.
        let append = RunToEnd::new(&self.appends, async move {
            let appended = journal.append(batch).await;
            // Stored and counted, or refused: either way the sources may be replaced now.
            drop(token);
            appended
        });
        let metrics = Arc::clone(&self.metrics);
        async move {
            let first = append.await.map_err(|error| not_stored(&error))?;
            metrics.observe_append(started.elapsed().as_secs_f64());
            Ok(first..first.plus(count))
        }
    }
}

impl SourceEvents<'_> {
    /// Counts all its events against the rate limit of their source.
    fn admit(&self) -> Result<(), Refusal> {
        let ignored = usize::try_from(self.ignored.total()).unwrap_or(usize::MAX);
        self.source
            .admit(self.identifies.len().saturating_add(ignored))
    }
}

/// Whether a single event is small enough to be one.
fn fits(route: Route, body: &[u8]) -> Result<(), Refusal> {
    let single = matches!(route, Route::Identify | Route::Other);
    if single && body.len() + WRAPPING > MAX_BODY_BYTES {
        return Err(Refusal::TooLarge);
    }
    Ok(())
}

/// The time that a `sentAt` names. Nothing that is refused for it: it only helps to tell when an event happened.
fn sent_at_ms(json: &[u8]) -> Option<u64> {
    u64::try_from(moment_ms(json)?).ok()
}

/// One journal record for each identify, all with the same header.
fn records(source: &Source, identifies: &[&[u8]], sent_at_ms: Option<u64>) -> Batch {
    let header = envelope::header(&source.envelope_prefix, SystemTime::now(), sent_at_ms);
    let events: usize = identifies.iter().map(|event| event.len()).sum();
    let headers = header.len() * identifies.len();
    let mut batch = Batch::with_capacity(identifies.len(), headers + events);
    for event in identifies {
        batch.push(&[&header, event]);
    }
    batch
}

/// Enters `count` events, which are durable from offset `first` on, into all counters.
fn enter(source: &Source, count: u64, first: Offset) {
    source.counters.accepted(count);
    for counters in &source.destinations {
        counters.accept(count, first.plus(count));
    }
}

fn not_stored(error: &Error) -> Refusal {
    match error {
        Error::Full { .. } => Refusal::NotStored("journal is full"),
        // It never fits: told to retry, its sender would try for ever.
        Error::RecordTooLarge { .. } => Refusal::TooLarge,
        Error::NoSpace { .. } => Refusal::NotStored("no space left for the journal"),
        _ => {
            tracing::error!(error = %ErrorChain(error), "events could not be appended to the journal; their sender was told to retry");
            Refusal::NotStored("events could not be stored")
        }
    }
}
