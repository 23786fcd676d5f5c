//! The private listener: connections within limits, and a graceful end.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::Request;
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use super::guard::Peer;
use super::refusal::Refusal;
use crate::listener::{Arrival, Listener, Place, Places, Stream};

/// Connections served at once.
pub(crate) const MAX_CONNECTIONS: usize = 256;
/// Connections beyond that, which may only ask how the server is.
const SPARE_PLACES: usize = 16;
/// What these may ask for.
const SPARE_PATHS: [&str; 2] = ["/ready", "/metrics"];
/// Time for a request's head, and for an idle connection to send its next one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// Bytes that a request's head may have.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Time for requests under way when the server stops.
const GRACE: Duration = Duration::from_secs(2);
/// Pause after an `accept` that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a connection may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Everything,
    /// One of [`SPARE_PATHS`], once.
    Spare,
}

impl Scope {
    fn has(self, request: &Request<Incoming>) -> bool {
        let spare = request.method().is_safe() && SPARE_PATHS.contains(&request.uri().path());
        self == Self::Everything || spare
    }
}

/// Serves `routes` on `listener` until `shutdown`.
pub(super) async fn serve(
    routes: Router,
    listener: Listener,
    max_connections: usize,
    shutdown: CancellationToken,
) {
    let (places, spare) = (Places::new(max_connections), Places::new(SPARE_PLACES));
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (arrival, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a private connection could not be accepted; trying on");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let place = match places.take().await {
            Some(place) => Some((place, Scope::Everything)),
            None => spare.take().await.map(|place| (place, Scope::Spare)),
        };
        let Some((place, scope)) = place else {
            tracing::debug!("there is no place for a private connection");
            continue;
        };
        let (routes, stop) = (routes.clone(), stop.clone());
        tasks.spawn(async move {
            let place = (Arc::new(place), scope);
            let ended = connect(routes, arrival, Peer(peer), place, stop).await;
            if let Err(error) = ended {
                tracing::debug!(%error, "a private connection ended early");
            }
        });
    }
    stop.cancel();
    tasks.close();
    if timeout(GRACE, tasks.wait()).await.is_err() {
        tracing::debug!("private connections were cut off");
    }
}

async fn connect(
    routes: Router,
    arrival: Arrival,
    peer: Peer,
    (place, scope): (Arc<Place>, Scope),
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let opened = tokio::select! {
        opened = arrival.open() => opened,
        // Whoever shakes hands keeps us waiting too.
        () = place.needed() => return Ok(()),
    };
    converse(routes, opened?, peer, (place, scope), stop).await
}

/// Answers one request of a connection after the other, until either side is done or its place is needed.
async fn converse(
    routes: Router,
    stream: Stream,
    peer: Peer,
    (place, scope): (Arc<Place>, Scope),
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let service = service_fn(|mut request: Request<Incoming>| {
        let work = place.work();
        request.extensions_mut().insert(peer);
        let routes = routes.clone();
        async move {
            if !scope.has(&request) {
                return Ok(no_place());
            }
            let response = routes.oneshot(request).await?;
            // To the end of an answer, which may be a stream.
            let until_sent = move |frame| {
                let _work = &work;
                frame
            };
            Ok::<_, Infallible>(response.map(|body| Body::new(body.map_frame(until_sent))))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .keep_alive(scope == Scope::Everything)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        ended = connection.as_mut() => return Ok(ended?),
        () = place.needed() => {
            if place.may_be_closed() {
                return Ok(());
            }
        }
        () = stop.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    Ok(connection.await?)
}

fn no_place() -> Response {
    let message = "every connection is taken; try again in a moment";
    Refusal::busy(message, 1).into_response()
}
