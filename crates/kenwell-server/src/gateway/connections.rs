//! The connections of the data plane: one request after the other, each head read whole before hyper sees it.

use std::{convert::Infallible, sync::Arc, time::Duration};

use http::{Method, Request};
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
    service::service_fn,
};
use tokio_util::sync::CancellationToken;

use super::{
    head::{Exchange, HeadReader, MAX_HEADERS, MAX_REWRITTEN_BYTES, WholeRequest},
    refusal::Refusal,
    route,
    server::Gateway,
};
use crate::listener::{self, AcceptedConnection, Connection, Listener, Plane, Scope, Stream};

/// Bytes that hyper reads ahead, and of answers that it keeps. Every head that it is given fits.
const BUFFER_BYTES: usize = 32 * 1024;
const _: () = assert!(MAX_REWRITTEN_BYTES < BUFFER_BYTES);
/// What a connection is told before it is closed when there is not even a spare place for it.
const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n\
X-Content-Type-Options: nosniff\r\nRetry-After: 1\r\nVary: Origin\r\nContent-Length: 20\r\nConnection: close\r\n\r\nService Unavailable\n";

impl Gateway {
    /// Serves `listener`, so many connections at once, until `shutdown`, then lets every request that has arrived finish, for at most
    /// `grace`: those who sent them may be gone, and will not send them again.
    pub async fn serve(
        self: Arc<Self>,
        listener: Listener,
        max_connections: usize,
        shutdown: CancellationToken,
        grace: Duration,
    ) {
        let gateway = Arc::clone(&self);
        let stop = shutdown.clone();
        let served = listener::serve(gateway, listener, max_connections, shutdown, grace);
        // Serving ends after that, so it has come by then.
        let stopped = async {
            stop.cancelled().await;
            self.applied.waits.close();
        };
        let (served, ()) = tokio::join!(served, stopped);
        if served.is_err() {
            tracing::warn!(
                "some requests did not finish in {grace:?} and were cut off; their senders will retry"
            );
        }
        self.ingest.appends.close();
        self.ingest.appends.wait().await;
    }
}

impl Plane for Gateway {
    const NAME: &'static str = "gateway";

    async fn answer(self: Arc<Self>, stream: Stream, connection: Connection) -> anyhow::Result<()> {
        let exchange = Arc::new(Exchange::default());
        let reader = HeadReader::new(
            stream,
            Arc::clone(&exchange),
            Arc::clone(&connection.place),
            &self.head_memory,
            self.idle_timeout,
            |request: &WholeRequest<'_>| match connection.scope {
                Scope::Everything => self.begin_whole(request),
                Scope::Health => None,
            },
        );
        let service = service_fn(|request: Request<Incoming>| {
            let mut refusal = exchange.begin(&request);
            if refusal.is_none() && request.body().is_end_stream() {
                connection.place.set_working();
            }
            if connection.scope == Scope::Health && !asks_for_health(&request) {
                refusal = refusal.or(Some(Refusal::Busy));
            }
            let gateway = Arc::clone(&self);
            let hang_up = &connection.hang_up;
            async move {
                Ok::<_, Infallible>(match refusal {
                    Some(refusal) => gateway.refuse(&refusal, &request),
                    None => gateway.respond(request, hang_up).await,
                })
            }
        });
        let mut http = http1::Builder::new();
        http.max_buf_size(BUFFER_BYTES)
            .max_headers(MAX_HEADERS)
            .title_case_headers(true)
            // Nothing is read while a request is worked on, so a sender that hangs up does not end it.
            .half_close(true);
        connection.serve(&mut http, reader, service).await
    }

    fn turn_away(&self, connection: AcceptedConnection) {
        self.ingest.metrics.request(route::NONE, 503);
        connection.refuse(NO_PLACE);
    }
}

fn asks_for_health(request: &Request<Incoming>) -> bool {
    request.method() == Method::GET && request.uri().path() == "/health"
}
