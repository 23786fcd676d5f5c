//! The private listener: the routes on its connections, and the tasks that run beside them.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
};
use http::Request;
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioTimer;
use tower::ServiceExt;

use super::{PrivatePlane, error::ApiError, extract::PeerAddress, routes};
use crate::{
    dead_letters, history,
    listener::{self, AcceptedConnection, Connection, Listener, Plane, Scope, Stream},
};

/// Connections served at once.
pub(crate) const MAX_CONNECTIONS: usize = 256;
/// What those beyond that may ask for.
const HEALTH_PATHS: [&str; 2] = ["/ready", "/metrics"];
/// Time for a request's head, and for an idle connection to send its next one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// Bytes that a request's head may have.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Time for requests under way when the server stops.
const GRACE: Duration = Duration::from_secs(2);

impl PrivatePlane {
    /// Serves `listener` until the plane is closing, so many connections at once.
    pub(crate) async fn serve(self, listener: Listener, max_connections: usize) {
        let plane = Arc::new(self);
        let closing = plane.closing.clone();
        let sampler = {
            let plane = Arc::clone(&plane);
            let history = Arc::clone(&plane.history);
            let total = {
                let plane = Arc::clone(&plane);
                move || plane.total()
            };
            history::sample(history, move || plane.end_step(), total, closing.clone())
        };
        let all_letters = {
            let plane = Arc::clone(&plane);
            move || {
                let destinations = plane.runtime.destinations();
                destinations
                    .iter()
                    .map(|it| plane.outstanding(it))
                    .collect()
            }
        };
        let watch_letters = dead_letters::watch(all_letters, closing.clone());
        let watch_key = {
            let (plane, closing) = (Arc::clone(&plane), closing.clone());
            async move { plane.access.watch_key(closing).await }
        };
        let tasks = [
            (
                "the task that looks after the admin key",
                tokio::spawn(watch_key),
            ),
            (
                "the task that looks after the dead letters",
                tokio::spawn(watch_letters),
            ),
            ("the task that keeps the history", tokio::spawn(sampler)),
        ];
        let routes = Arc::new(Routes(routes::router(plane)));
        let served = listener::serve(routes, listener, max_connections, closing, GRACE);
        if served.await.is_err() {
            tracing::debug!("private connections were cut off");
        }
        for (name, task) in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "{name} failed");
            }
        }
    }
}

/// What is answered on the private plane's connections.
struct Routes(Router);

impl Plane for Routes {
    const NAME: &'static str = "private";

    async fn answer(self: Arc<Self>, stream: Stream, connection: Connection) -> anyhow::Result<()> {
        let service = service_fn(|mut request: Request<Incoming>| {
            let guard = connection.place.begin_request();
            request
                .extensions_mut()
                .insert(PeerAddress(connection.peer));
            let scope = connection.scope;
            let routes = self.0.clone();
            async move {
                if scope == Scope::Health && !asks_for_health(&request) {
                    return Ok(no_place());
                }
                let response = routes.oneshot(request).await?;
                // To the end of an answer, which may be a stream.
                let until_sent = move |frame| {
                    let _guard = &guard;
                    frame
                };
                Ok::<_, Infallible>(response.map(|body| Body::new(body.map_frame(until_sent))))
            }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES);
        connection.serve(&mut http, stream, service).await
    }

    fn turn_away(&self, _connection: AcceptedConnection) {
        tracing::debug!("there is no place for a private connection");
    }
}

fn asks_for_health(request: &Request<Incoming>) -> bool {
    request.method().is_safe() && HEALTH_PATHS.contains(&request.uri().path())
}

fn no_place() -> Response {
    let message = "every connection is taken; try again in a moment";
    ApiError::busy(message, 1).into_response()
}
