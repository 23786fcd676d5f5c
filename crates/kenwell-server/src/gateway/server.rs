//! The data plane: each request to its answer.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use jiff::Timestamp;
use kenwell_event::Route;
use kenwell_journal::Journal;
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    answer::Answer,
    applied_answer::AppliedAnswers,
    auth,
    body::{self, BodyMemory, Encoding, LARGE_BYTES, SourceMemory, UNKNOWN_SENDERS_BYTES},
    cors,
    head::HeadMemory,
    ingest::Ingest,
    project_settings::{self, PublicEndpoint},
    refusal::Refusal,
    route::{self, Target},
    source_config,
    source_table::{SourceLease, SourceTable},
    status,
    success::{self, StoredRequest},
    wait_request::WaitRequest,
};
use crate::{
    applied::{JournalId, Waits},
    config::Config,
    listener::HangUpWatch,
    metrics::Metrics,
};

/// An event that the gateway did not accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub(crate) struct NotAccepted {
    /// The status that a sender would have got.
    pub(crate) status: StatusCode,
    /// The words that a sender would have got.
    pub(crate) words: String,
}

/// The data plane's state, shared by all connections.
pub struct Gateway {
    pub(super) source_table: Arc<SourceTable>,
    pub(super) ingest: Ingest,
    /// Time that a connection may be without a request.
    pub(super) idle_timeout: Duration,
    /// Time for a whole body to arrive.
    body_timeout: Duration,
    /// Requests that wait until their events are applied.
    pub(super) applied: AppliedAnswers,
    /// What the heads of all connections may take.
    pub(super) head_memory: HeadMemory,
    /// What the bodies of known senders may take.
    body_memory: BodyMemory,
    /// What the bodies of senders may take who are known only when their body is read; they have one share together.
    unknown_memory: BodyMemory,
    unknown_share: BodyMemory,
    public: PublicEndpoint,
    workspace_id: String,
    started: String,
}

impl Gateway {
    /// A gateway that appends to `journal`, whose id is `journal_id`.
    pub fn new(
        config: &Config,
        source_table: Arc<SourceTable>,
        journal: Journal,
        journal_id: JournalId,
        metrics: Arc<Metrics>,
    ) -> Self {
        for row in &route::ROUTES {
            metrics.expect_requests(row.name, row.statuses);
        }
        metrics.expect_requests(route::NONE, &[400, 404, 405, 431, 503]);
        Self {
            source_table,
            applied: AppliedAnswers {
                waits: Waits::new(config.gateway.max_connections, CancellationToken::new()),
                journal_id,
                metrics: Arc::clone(&metrics),
            },
            ingest: Ingest {
                journal,
                metrics,
                appends: TaskTracker::new(),
            },
            idle_timeout: config.gateway.idle_timeout,
            body_timeout: config.gateway.body_timeout,
            head_memory: HeadMemory::new(),
            body_memory: BodyMemory::new(LARGE_BYTES),
            unknown_memory: BodyMemory::new(UNKNOWN_SENDERS_BYTES),
            unknown_share: BodyMemory::source_share(),
            public: PublicEndpoint {
                public_url: config.gateway.public_url.clone(),
                tls: config.gateway.tls.is_some(),
            },
            workspace_id: config.workspace_id.clone(),
            started: format!("{:.3}", Timestamp::now()),
        }
    }

    /// Answers a request that is refused before anybody looks at what it wants. Its connection is closed then.
    pub(super) fn refuse(
        &self,
        refusal: &Refusal,
        request: &Request<Incoming>,
    ) -> Response<Full<Bytes>> {
        let answer = refusal.answer();
        let answer = answer.header(header::CONNECTION, HeaderValue::from_static("close"));
        self.ingest
            .metrics
            .request(route::NONE, answer.status().as_u16());
        answer.into_response(cors::headers(request.headers()))
    }

    /// Answers one request, and counts it. `hang_up` sees its sender leave.
    pub(super) async fn respond(
        &self,
        mut request: Request<Incoming>,
        hang_up: &HangUpWatch,
    ) -> Response<Full<Bytes>> {
        let began = Instant::now();
        if let Some((answer, headers)) = cors::preflight(&request) {
            return answer.into_response(headers);
        }
        let (route, answer) = match route::find(request.method(), request.uri().path()) {
            Ok((route, target)) => (route, self.answer(target, &mut request, hang_up).await),
            Err(refusal) => (route::NONE, Err(refusal)),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(refusal) => {
                let waits = request.headers().contains_key(header::EXPECT);
                if refusal.can_still_be_read() && !waits {
                    body::discard(request.body_mut(), self.deadline()).await;
                }
                success::refused(refusal.answer(), request.headers())
            }
        };
        let metrics = &self.ingest.metrics;
        metrics.request(route, answer.status().as_u16());
        metrics.observe_request(route, began.elapsed());
        answer.into_response(cors::headers(request.headers()))
    }

    async fn answer(
        &self,
        target: Target,
        request: &mut Request<Incoming>,
        hang_up: &HangUpWatch,
    ) -> Result<Answer, Refusal> {
        match target {
            Target::Events(route) => {
                let wait = WaitRequest::of(request.headers(), request.uri().query())?;
                let stored = match auth::key_in_header(request.headers()) {
                    Ok(key) => self.events(&key, route, request).await?,
                    Err(_) => self.events_with_keys(route, request).await?,
                };
                let answer = success::answer(&stored, request.headers());
                Ok(self.when_applied(answer, wait, stored, hang_up).await)
            }
            Target::Beacon => {
                let wait = WaitRequest::of(request.headers(), request.uri().query())?;
                let key = auth::key_in_query(request.uri().query())?;
                let stored = self.events(&key, Route::Batch, request).await?;
                let answer = success::answer(&stored, request.headers());
                Ok(self.when_applied(answer, wait, stored, hang_up).await)
            }
            Target::Pixel => Ok(self.pixel(request.uri().query())),
            Target::Health => Ok(status::health(self.ingest.is_accepting(), &self.started)),
            Target::Version => Ok(status::version()),
            Target::Robots => Ok(status::robots()),
            Target::SourceConfig => {
                let (headers, query) = (request.headers(), request.uri().query());
                Ok(source_config::answer(
                    &self.source_table.now(),
                    headers,
                    query,
                    &self.workspace_id,
                    &self.started,
                ))
            }
            Target::ProjectSettings => {
                let write_key = route::project(request.uri().path()).ok_or(Refusal::NoSuchPath)?;
                let (headers, public) = (request.headers(), &self.public);
                Ok(project_settings::answer(&write_key, headers, public))
            }
            Target::Reports => {
                body::discard(request.body_mut(), self.deadline()).await;
                Ok(status::reported())
            }
        }
    }

    /// The answer to stored events: at once, or when they are applied if that was asked for. Nothing of the request is held
    /// meanwhile but its head.
    async fn when_applied(
        &self,
        answer: Answer,
        wait: Option<WaitRequest>,
        stored: StoredRequest,
        hang_up: &HangUpWatch,
    ) -> Answer {
        match wait {
            None => answer,
            Some(wait) => self.applied.wait(answer, wait, stored, hang_up).await,
        }
    }

    /// The path of an event up to 200: who sends, is it on, what is in it, is it durable.
    async fn events(
        &self,
        key: &str,
        route: Route,
        request: &mut Request<Incoming>,
    ) -> Result<StoredRequest, Refusal> {
        let sources = self.source_table.now();
        let source = sources.find_enabled(key)?;
        let encoding = Encoding::of(request.headers());
        let memory = SourceMemory {
            share: &source.body_share,
            all: &self.body_memory,
        };
        let received = body::read(encoding, request.body_mut(), &memory, self.deadline()).await?;
        // The body may have taken its time. What holds now decides, all of it.
        let lease = self.source_table.lease();
        let source = if Arc::ptr_eq(&sources, &lease.sources) {
            source
        } else {
            lease.sources.find_enabled(key)?
        };
        self.ingest
            .accept(source, lease.token, route, &received.bytes)
            .await
    }

    /// The same path for a sender whose write keys, if there are any, are in the body.
    async fn events_with_keys(
        &self,
        route: Route,
        request: &mut Request<Incoming>,
    ) -> Result<StoredRequest, Refusal> {
        let encoding = Encoding::of(request.headers());
        let body = request.body_mut();
        let memory = SourceMemory {
            share: &self.unknown_share,
            all: &self.unknown_memory,
        };
        let received = body::read(encoding, body, &memory, self.deadline()).await?;
        let SourceLease { sources, token } = self.source_table.lease();
        self.ingest
            .accept_groups(&sources, token, route, &received.bytes)
            .await
    }

    /// Accepts one identify of this source, as if it had come over the wire.
    ///
    /// # Errors
    /// [`NotAccepted`], with the status and words that a sender would have got.
    pub(crate) async fn accept(&self, source: &str, event: &[u8]) -> Result<(), NotAccepted> {
        let SourceLease { sources, token } = self.source_table.lease();
        let refused = |refusal: Refusal| NotAccepted {
            status: refusal.answer().status(),
            words: refusal.answer().words(),
        };
        let source = sources.get(source).ok_or(Refusal::UnknownKey);
        let source = source.map_err(refused)?;
        if !source.enabled {
            return Err(refused(Refusal::SourceDisabled));
        }
        let accepted = self.ingest.accept(source, token, Route::Identify, event);
        accepted.await.map(drop).map_err(refused)
    }

    /// A pixel holds a track or a page, never an identify: it is counted and that is all.
    fn pixel(&self, query: Option<&str>) -> Answer {
        let sources = self.source_table.now();
        let source = auth::key_in_query(query).and_then(|key| sources.find(&key));
        if let Ok(source) = source.as_ref().map(|source| &source.counters) {
            source.ignored(kenwell_event::Ignored::NotIdentify.as_str(), 1);
        }
        status::pixel()
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.body_timeout
    }
}
