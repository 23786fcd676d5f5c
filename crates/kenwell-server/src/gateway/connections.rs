//! The connections of the data plane: within limits, one request after the other, and a graceful end.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use http::{Method, Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    head::{Exchange, HeadReader, HeadRoom, MAX_HEADERS, MAX_REWRITTEN_BYTES},
    refusal::Refusal,
    route,
    server::Gateway,
};
use crate::listener::{Arrival, Listener, Place, Places, Stream};

/// Bytes that hyper reads ahead, and of answers that it keeps. Every head that it is given fits.
const BUFFER_BYTES: usize = 32 * 1024;
const _: () = assert!(MAX_REWRITTEN_BYTES < BUFFER_BYTES);
/// Connections beyond the limit: they are told that there is no place, or that the server is well.
const SPARE_PLACES: usize = 16;
/// Pause after an `accept` that failed, for want of file descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long nothing must come before a server that stops takes it that everything which had arrived was
/// read: at the listener, and on each connection.
const QUIET: Duration = Duration::from_millis(50);
/// The longest that a server that stops goes on accepting the connections that it finds waiting.
const LAST_CONNECTIONS: Duration = Duration::from_secs(1);
/// What a connection is told before it is closed when there is not even a spare place for it.
const FULL_HOUSE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n\
X-Content-Type-Options: nosniff\r\nRetry-After: 1\r\nVary: Origin\r\nContent-Length: 20\r\nConnection: close\r\n\r\nService Unavailable\n";

/// The connections of a listener.
struct Connections {
    places: Arc<Places>,
    spare: Arc<Places>,
    heads: HeadRoom,
    tasks: TaskTracker,
    /// Cancelled: each ends as soon as nothing is under way on it.
    stop: CancellationToken,
}

/// What a connection may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Everything,
    /// The server's health, once.
    Health,
}

impl Scope {
    fn has(self, request: &Request<Incoming>) -> bool {
        let health = request.method() == Method::GET && request.uri().path() == "/health";
        self == Self::Everything || health
    }
}

impl Connections {
    /// A place, and what may be asked for there.
    async fn place(&self) -> Option<(Place, Scope)> {
        if let Some(place) = self.places.take().await {
            return Some((place, Scope::Everything));
        }
        let place = self.spare.take().await?;
        Some((place, Scope::Health))
    }
}

impl Gateway {
    /// Serves `listener` until `shutdown`, then lets every request that has arrived finish, for at most
    /// `grace`: those who sent them may be gone, and will not send them again.
    pub async fn serve(
        self: Arc<Self>,
        listener: Listener,
        shutdown: CancellationToken,
        grace: Duration,
    ) {
        let connections = Connections {
            places: Places::new(self.limits.max_connections),
            spare: Places::new(SPARE_PLACES),
            heads: HeadRoom::new(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((arrival, _)) => self.connect(arrival, &connections).await,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted; trying on");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        let last = Instant::now() + LAST_CONNECTIONS;
        while let Ok(Ok(Ok((arrival, _)))) =
            timeout_at(last, timeout(QUIET, listener.accept())).await
        {
            self.connect(arrival, &connections).await;
        }
        drop(listener);
        connections.stop.cancel();
        connections.tasks.close();
        if timeout(grace, connections.tasks.wait()).await.is_err() {
            tracing::warn!(
                "some requests did not finish in {grace:?} and were cut off; their senders will retry"
            );
        }
        self.ingest.appends.close();
        self.ingest.appends.wait().await;
    }

    async fn connect(self: &Arc<Self>, arrival: Arrival, connections: &Connections) {
        let Some((place, scope)) = connections.place().await else {
            self.ingest.metrics.request(route::NONE, 503);
            arrival.refuse(FULL_HOUSE);
            return;
        };
        let (gateway, stop) = (Arc::clone(self), connections.stop.clone());
        let (place, heads) = (Arc::new(place), connections.heads.clone());
        connections.tasks.spawn(async move {
            let opened = tokio::select! {
                opened = arrival.open() => opened,
                // Whoever shakes hands keeps us waiting too.
                () = place.needed() => return,
            };
            let ended = match opened {
                Ok(stream) => {
                    let exchange = Arc::new(Exchange::default());
                    let idle = gateway.limits.idle_timeout;
                    let (at, place) = (Arc::clone(&exchange), Arc::clone(&place));
                    let reader = HeadReader::new(stream, at, Arc::clone(&place), &heads, idle);
                    gateway
                        .converse(reader, &exchange, (&place, scope), stop)
                        .await
                }
                Err(error) => Err(anyhow::Error::new(error)),
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }

    /// Answers one request of a connection after the other, until either side is done or its place is needed.
    async fn converse(
        self: Arc<Self>,
        reader: HeadReader<Stream>,
        exchange: &Exchange,
        (place, scope): (&Place, Scope),
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let service = service_fn(|request: Request<Incoming>| {
            let mut refusal = exchange.begin(&request);
            if refusal.is_none() && hyper::body::Body::is_end_stream(request.body()) {
                place.works();
            }
            if !scope.has(&request) {
                refusal = refusal.or(Some(Refusal::Busy));
            }
            let gateway = Arc::clone(&self);
            async move {
                Ok::<_, Infallible>(match refusal {
                    Some(refusal) => gateway.refuse(&refusal, &request),
                    None => gateway.respond(request).await,
                })
            }
        });
        let connection = http1::Builder::new()
            .max_buf_size(BUFFER_BYTES)
            .max_headers(MAX_HEADERS)
            .title_case_headers(true)
            .keep_alive(scope == Scope::Everything)
            // Nothing is read while a request is worked on, so nobody who hangs up ends it.
            .half_close(true)
            .serve_connection(TokioIo::new(reader), service);
        let mut connection = pin!(connection);
        tokio::select! {
            biased;
            ended = connection.as_mut() => return Ok(ended?),
            () = place.needed() => {
                if place.may_be_closed() {
                    return Ok(());
                }
            }
            () = stop.cancelled() => {
                // What has arrived is still to be read.
                if let Ok(ended) = timeout(QUIET, connection.as_mut()).await {
                    return Ok(ended?);
                }
            }
        }
        connection.as_mut().graceful_shutdown();
        Ok(connection.await?)
    }
}
