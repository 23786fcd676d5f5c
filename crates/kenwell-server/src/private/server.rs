//! The private listener: metrics and readiness.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use kenwell_journal::Journal;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::ready;
use crate::{
    delivery::Health,
    listener::{Arrival, Listener},
    metrics::Metrics,
};

/// Connections served at once; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 64;
/// Time for a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for requests under way when the server stops.
const GRACE: Duration = Duration::from_secs(2);
/// Pause after an `accept` that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The private plane's state.
pub struct Private {
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Asked for its figures at every scrape.
    pub journal: Journal,
    /// One for each destination.
    pub destinations: Vec<Health>,
}

impl Private {
    /// Serves `listener` until `shutdown`.
    pub async fn serve(self: Arc<Self>, listener: Listener, shutdown: CancellationToken) {
        let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = accept(&listener, &connections) => accepted,
            };
            let Some((arrival, permit)) = accepted else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let this = Arc::clone(&self);
            let service = service_fn(move |request| {
                let response = this.respond(&request);
                async move { Ok::<_, Infallible>(response) }
            });
            let watcher = graceful.watcher();
            tokio::spawn(async move {
                let ended = match arrival.open().await {
                    Ok(stream) => {
                        let connection = http1::Builder::new()
                            .timer(TokioTimer::new())
                            .header_read_timeout(HEAD_TIMEOUT)
                            .serve_connection(TokioIo::new(stream), service);
                        watcher.watch(connection).await.map_err(anyhow::Error::new)
                    }
                    Err(error) => Err(anyhow::Error::new(error)),
                };
                if let Err(error) = ended {
                    tracing::debug!(%error, "a private connection ended early");
                }
                drop(permit);
            });
        }
        if tokio::time::timeout(GRACE, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::debug!("private connections were cut off");
        }
    }

    fn respond(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            return page(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET here\n");
        }
        match request.uri().path() {
            "/metrics" => match self.metrics.page(&self.journal.stats()) {
                Ok(text) => page(StatusCode::OK, OPEN_METRICS, text),
                Err(error) => {
                    tracing::error!(%error, "the metrics could not be written");
                    page(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        TEXT,
                        "metrics could not be written\n",
                    )
                }
            },
            "/ready" => {
                let stats = self.journal.stats();
                let (accepting, text) =
                    ready::page(!stats.full && !stats.no_space, &self.destinations);
                let code = if accepting {
                    StatusCode::OK
                } else {
                    StatusCode::SERVICE_UNAVAILABLE
                };
                page(code, JSON, text)
            }
            _ => page(
                StatusCode::NOT_FOUND,
                TEXT,
                "nothing here; try /ready or /metrics\n",
            ),
        }
    }
}

async fn accept(
    listener: &Listener,
    connections: &Arc<Semaphore>,
) -> Option<(Arrival, OwnedSemaphorePermit)> {
    let permit = Arc::clone(connections).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((arrival, _peer)) => Some((arrival, permit)),
        Err(error) => {
            tracing::warn!(%error, "a private connection could not be accepted; trying on");
            None
        }
    }
}

fn page(
    status: StatusCode,
    content_type: &'static str,
    text: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
