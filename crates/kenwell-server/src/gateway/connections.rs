//! The connections of the data plane: within limits, one request after the other, and a graceful end.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{route, server::Gateway};
use crate::listener::{Arrival, Listener, Stream};

/// Time for a request's head, and for an idle connection to send its next one. Not a round number of
/// half minutes: SDKs flush at those, and would meet a connection that is just being closed.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// Bytes that a request's head may have (RudderStack: 512 KiB).
const MAX_HEAD_BYTES: usize = 512 * 1024;
/// Headers that a request may have.
const MAX_HEADERS: usize = 256;
/// Pause after an `accept` that failed, for want of file descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long nothing must come before a server that stops takes it that everything which had arrived was
/// read: at the listener, and on each connection.
const QUIET: Duration = Duration::from_millis(50);
/// The longest that a server that stops goes on accepting the connections that it finds waiting.
const LAST_CONNECTIONS: Duration = Duration::from_secs(1);
/// What a connection beyond the limit is told, before it is closed.
const FULL_HOUSE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n\
X-Content-Type-Options: nosniff\r\nRetry-After: 1\r\nVary: Origin\r\nContent-Length: 20\r\nConnection: close\r\n\r\nService Unavailable\n";

/// The connections of a listener.
struct Connections {
    /// How many more there may be.
    room: Arc<Semaphore>,
    tasks: TaskTracker,
    /// Cancelled: each ends as soon as nothing is under way on it.
    stop: CancellationToken,
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
            room: Arc::new(Semaphore::new(self.limits.max_connections)),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((arrival, _)) => self.connect(arrival, &connections),
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
            self.connect(arrival, &connections);
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

    fn connect(self: &Arc<Self>, arrival: Arrival, connections: &Connections) {
        let Ok(permit) = Arc::clone(&connections.room).try_acquire_owned() else {
            self.ingest.metrics.request(route::NONE, 503);
            arrival.refuse(FULL_HOUSE);
            return;
        };
        let (gateway, stop) = (Arc::clone(self), connections.stop.clone());
        connections.tasks.spawn(async move {
            let ended = match arrival.open().await {
                Ok(stream) => gateway.converse(stream, stop).await,
                Err(error) => Err(anyhow::Error::new(error)),
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }

    /// Answers one request of a connection after the other, until either side is done.
    async fn converse(
        self: Arc<Self>,
        stream: Stream,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let service = service_fn(|request| {
            let gateway = Arc::clone(&self);
            async move { Ok::<_, Infallible>(gateway.respond(request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES)
            .max_headers(MAX_HEADERS)
            .title_case_headers(true)
            // Nothing is read while a request is worked on, so nobody who hangs up ends it.
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        tokio::select! {
            biased;
            ended = connection.as_mut() => return Ok(ended?),
            () = stop.cancelled() => {}
        }
        // What has arrived is still to be read.
        if let Ok(ended) = timeout(QUIET, connection.as_mut()).await {
            return Ok(ended?);
        }
        connection.as_mut().graceful_shutdown();
        Ok(connection.await?)
    }
}
