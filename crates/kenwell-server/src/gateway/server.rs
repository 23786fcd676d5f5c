//! The data plane: each request to its answer.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use jiff::Timestamp;
use kenwell_event::Route;
use kenwell_journal::Journal;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::{
    answer::Answer,
    auth,
    body::{self, Encoding, Room},
    cors,
    ingest::Ingest,
    refusal::{self, Refusal},
    roster::{Entry, Roster},
    route::{self, Target},
    source_config, status,
};
use crate::metrics::Metrics;

/// An event that the gateway did not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct NotTaken {
    /// The status that a sender would have got.
    pub status: StatusCode,
    /// The words that a sender would have got.
    pub words: String,
}

/// How much the gateway takes on at once.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Open connections; one more is answered 503.
    pub max_connections: usize,
    /// Time for a whole body to arrive.
    pub body_timeout: Duration,
}

/// The data plane's state, shared by all connections.
pub struct Gateway {
    roster: Arc<Roster>,
    pub(super) ingest: Ingest,
    pub(super) limits: Limits,
    room: Room,
    workspace_id: String,
    started: String,
}

impl Gateway {
    /// A gateway that appends to `journal`.
    pub fn new(
        roster: Arc<Roster>,
        journal: Journal,
        metrics: Arc<Metrics>,
        workspace_id: String,
        limits: Limits,
    ) -> Self {
        for route in route::EVENTS {
            metrics.expect_requests(route, &refusal::STATUSES);
        }
        for route in route::OTHERS {
            metrics.expect_requests(route, &[200]);
        }
        metrics.expect_requests(route::NONE, &[404, 405, 503]);
        Self {
            roster,
            ingest: Ingest {
                journal,
                metrics,
                appends: TaskTracker::new(),
            },
            limits,
            room: Room::new(),
            workspace_id,
            started: format!("{:.3}", Timestamp::now()),
        }
    }

    /// Answers one request, and counts it.
    pub(super) async fn respond(&self, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
        if let Some((answer, headers)) = cors::preflight(&request) {
            return answer.into_response(headers);
        }
        let (route, answer) = match route::find(request.method(), request.uri().path()) {
            Ok((route, target)) => (route, self.answer(target, &mut request).await),
            Err(refusal) => (route::NONE, Err(refusal)),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(refusal) => {
                let waits = request.headers().contains_key(header::EXPECT);
                if refusal.is_worth_the_rest() && !waits {
                    body::discard(request.body_mut(), self.deadline()).await;
                }
                refusal.answer()
            }
        };
        self.ingest.metrics.request(route, answer.status().as_u16());
        answer.into_response(cors::headers(request.headers()))
    }

    async fn answer(
        &self,
        target: Target,
        request: &mut Request<Incoming>,
    ) -> Result<Answer, Refusal> {
        match target {
            Target::Events(route) => {
                let key = auth::key_in_header(request.headers())?;
                self.events(&key, route, request).await
            }
            Target::Beacon => {
                let key = auth::key_in_query(request.uri().query())?;
                self.events(&key, Route::Batch, request).await
            }
            Target::Pixel => Ok(self.pixel(request.uri().query())),
            Target::Health => Ok(status::health(self.ingest.is_accepting(), &self.started)),
            Target::Version => Ok(status::version()),
            Target::Robots => Ok(status::robots()),
            Target::SourceConfig => {
                let (headers, query) = (request.headers(), request.uri().query());
                Ok(source_config::answer(
                    &self.roster.now(),
                    headers,
                    query,
                    &self.workspace_id,
                    &self.started,
                ))
            }
        }
    }

    /// The path of an event up to 200: who sends, is it on, what is in it, is it durable.
    async fn events(
        &self,
        key: &str,
        route: Route,
        request: &mut Request<Incoming>,
    ) -> Result<Answer, Refusal> {
        let sources = self.roster.now();
        let source = sources.find_enabled(key)?;
        let encoding = Encoding::of(request.headers());
        let received =
            body::read(encoding, request.body_mut(), &self.room, self.deadline()).await?;
        // The body may have taken its time. What holds now decides, all of it.
        let Entry {
            sources: now,
            token,
        } = self.roster.enter();
        let source = if Arc::ptr_eq(&sources, &now) {
            source
        } else {
            now.find_enabled(key)?
        };
        self.ingest
            .accept(source, token, route, &received.bytes)
            .await
    }

    /// Takes one identify of this source, as if it had come over the wire.
    ///
    /// # Errors
    /// [`NotTaken`], with the status and words that a sender would have got.
    pub async fn take(&self, source: &str, event: &[u8]) -> Result<(), NotTaken> {
        let Entry { sources, token } = self.roster.enter();
        let refused = |refusal: Refusal| NotTaken {
            status: refusal.answer().status(),
            words: refusal.answer().words(),
        };
        let source = sources.get(source).ok_or(Refusal::UnknownKey);
        let source = source.map_err(refused)?;
        if !source.enabled {
            return Err(refused(Refusal::SourceDisabled));
        }
        let taken = self.ingest.accept(source, token, Route::Identify, event);
        taken.await.map(drop).map_err(refused)
    }

    /// A pixel holds a track or a page, never an identify: it is counted and that is all.
    fn pixel(&self, query: Option<&str>) -> Answer {
        let sources = self.roster.now();
        let source = auth::key_in_query(query).and_then(|key| sources.find(&key));
        if let Ok(source) = source.as_ref().map(|source| &source.counters) {
            source.ignored(kenwell_event::Ignored::NotIdentify.as_str(), 1);
        }
        status::pixel()
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.limits.body_timeout
    }
}
