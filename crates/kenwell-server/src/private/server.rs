//! The private listener: connections within limits, and a graceful end.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::Router;
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::guard::Peer;
use crate::listener::{Arrival, Listener};

/// Connections served at once; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 256;
/// Time for a request's head, and for an idle connection to send its next one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// Bytes that a request's head may have.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Time for requests under way when the server stops.
const GRACE: Duration = Duration::from_secs(2);
/// Pause after an `accept` that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `routes` on `listener` until `shutdown`.
pub(super) async fn serve(routes: Router, listener: Listener, shutdown: CancellationToken) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        match accepted {
            Some((arrival, peer, permit)) => connect(&routes, arrival, peer, permit, &graceful),
            None => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    if tokio::time::timeout(GRACE, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::debug!("private connections were cut off");
    }
}

fn connect(
    routes: &Router,
    arrival: Arrival,
    peer: Peer,
    permit: OwnedSemaphorePermit,
    graceful: &GracefulShutdown,
) {
    let routes = routes.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        let routes = routes.clone();
        async move {
            Ok::<_, Infallible>(
                routes
                    .oneshot(request)
                    .await
                    .unwrap_or_else(|never| match never {}),
            )
        }
    });
    let watcher = graceful.watcher();
    tokio::spawn(async move {
        let ended = match arrival.open().await {
            Ok(stream) => {
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_TIMEOUT)
                    .max_buf_size(MAX_HEAD_BYTES)
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

async fn accept(
    listener: &Listener,
    connections: &Arc<Semaphore>,
) -> Option<(Arrival, Peer, OwnedSemaphorePermit)> {
    let permit = Arc::clone(connections).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((arrival, peer)) => Some((arrival, Peer(peer), permit)),
        Err(error) => {
            tracing::warn!(%error, "a private connection could not be accepted; trying on");
            None
        }
    }
}
