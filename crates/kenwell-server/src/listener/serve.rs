//! The accept loop of both planes: connections within limits, one request after the other, and a graceful end.

use std::{
    convert::Infallible,
    error::Error,
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{Request, Response};
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
    service::Service,
};
use hyper_util::rt::TokioIo;
use kenwell_journal::ErrorChain;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{error::Elapsed, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{AcceptedConnection, HangUpWatch, Listener, Place, Places, Stream};

/// Connections beyond the limit: each may ask once how the server is, and is told otherwise that there is no place.
const SPARE_PLACES: usize = 16;
/// Pause after an `accept` that failed, for want of file descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long a failure to accept must not have happened before it is logged again.
const REPEAT_LOG: Duration = Duration::from_mins(1);
/// How long nothing must come before a server that stops takes it that everything which had arrived was
/// read: at the listener, and on each connection.
const QUIET: Duration = Duration::from_millis(50);
/// The longest that a server that stops goes on accepting the connections that it finds waiting.
const LAST_CONNECTIONS: Duration = Duration::from_secs(1);

/// One of the two planes: what is answered on the connections of its listener.
pub(crate) trait Plane: Send + Sync + 'static {
    /// What log lines call it.
    const NAME: &'static str;

    /// Answers the requests of one connection, with [`Connection::serve`].
    ///
    /// # Errors
    /// The connection ended early.
    fn answer(
        self: Arc<Self>,
        stream: Stream,
        connection: Connection,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Closes a connection for which there is not even a spare place.
    fn turn_away(&self, connection: AcceptedConnection);
}

/// What a connection may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Everything,
    /// How the server is, once: for connections beyond the limit.
    Health,
}

/// A connection that has a place.
pub(crate) struct Connection {
    /// The other end.
    pub(crate) peer: SocketAddr,
    /// Its place, which is free again when this and its clones are dropped.
    pub(crate) place: Arc<Place>,
    pub(crate) scope: Scope,
    /// Sees the other end hang up while nothing is read.
    pub(crate) hang_up: HangUpWatch,
    /// Cancelled: it ends as soon as nothing is under way on it.
    stop: CancellationToken,
}

/// The places of a listener, and the tasks of its connections.
struct Connections {
    places: Arc<Places>,
    spare: Arc<Places>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Serves `listener` until `shutdown`, then lets every request that has arrived finish, for at most `grace`: its
/// sender may be gone, and will not send it again.
///
/// # Errors
/// Some requests did not finish in time and were cut off.
pub(crate) async fn serve<P: Plane>(
    plane: Arc<P>,
    listener: Listener,
    max_connections: usize,
    shutdown: CancellationToken,
    grace: Duration,
) -> Result<(), Elapsed> {
    let connections = Connections {
        places: Places::new(max_connections),
        spare: Places::new(SPARE_PLACES),
        tasks: TaskTracker::new(),
        stop: CancellationToken::new(),
    };
    let mut failure = LastFailure::default();
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((accepted, peer)) => connections.begin(&plane, accepted, peer).await,
            Err(error) => {
                if failure.is_news(&error, Instant::now()) {
                    tracing::warn!(plane = P::NAME, %error, "connections cannot be accepted; trying again every {ACCEPT_PAUSE:?}");
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    let last = tokio::time::Instant::now() + LAST_CONNECTIONS;
    while let Ok(Ok(Ok((accepted, peer)))) =
        tokio::time::timeout_at(last, timeout(QUIET, listener.accept())).await
    {
        connections.begin(&plane, accepted, peer).await;
    }
    drop(listener);
    connections.stop.cancel();
    connections.tasks.close();
    timeout(grace, connections.tasks.wait()).await
}

impl Connections {
    /// Gives the connection a place and begins to serve it, or turns it away.
    async fn begin<P: Plane>(
        &self,
        plane: &Arc<P>,
        accepted: AcceptedConnection,
        peer: SocketAddr,
    ) {
        let Some(connection) = self.admit(&accepted, peer).await else {
            plane.turn_away(accepted);
            return;
        };
        let plane = Arc::clone(plane);
        self.tasks.spawn(async move {
            let opened = tokio::select! {
                opened = accepted.open() => opened,
                // A connection that shakes hands keeps us waiting too.
                () = connection.place.evicted() => return,
            };
            let ended = match opened {
                Ok(stream) => plane.answer(stream, connection).await,
                Err(error) => Err(error.into()),
            };
            if let Err(error) = ended {
                tracing::debug!(plane = P::NAME, error = %ErrorChain(&*error), "a connection ended early");
            }
        });
    }

    /// A place for a connection, or a spare one.
    async fn admit(&self, accepted: &AcceptedConnection, peer: SocketAddr) -> Option<Connection> {
        let (place, scope) = match self.places.take().await {
            Some(place) => (place, Scope::Everything),
            None => (self.spare.take().await?, Scope::Health),
        };
        Some(Connection {
            peer,
            place: Arc::new(place),
            scope,
            hang_up: accepted.hang_up_watch(),
            stop: self.stop.clone(),
        })
    }
}

impl Connection {
    /// Answers one request after the other, until either side is done, the place is needed for another connection,
    /// or the server stops and what has arrived is answered.
    ///
    /// # Errors
    /// The connection ended early.
    pub(crate) async fn serve<I, S, B>(
        &self,
        http: &mut http1::Builder,
        io: I,
        service: S,
    ) -> anyhow::Result<()>
    where
        I: AsyncRead + AsyncWrite + Unpin,
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
        B: Body + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let http = http.keep_alive(self.scope == Scope::Everything);
        let mut connection = pin!(http.serve_connection(TokioIo::new(io), service));
        tokio::select! {
            biased;
            ended = connection.as_mut() => return Ok(ended?),
            () = self.place.evicted() => {
                if self.place.may_be_closed() {
                    return Ok(());
                }
            }
            () = self.stop.cancelled() => {
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

/// The failure to accept that was met last, so that one which goes on is logged once.
#[derive(Default)]
struct LastFailure(Option<(io::ErrorKind, Option<i32>, Instant)>);

impl LastFailure {
    /// Whether this failure is another one than the last, or the last one is long past.
    fn is_news(&mut self, error: &io::Error, now: Instant) -> bool {
        let last = self.0.replace((error.kind(), error.raw_os_error(), now));
        last.is_none_or(|(kind, code, at)| {
            (kind, code) != (error.kind(), error.raw_os_error())
                || now.saturating_duration_since(at) > REPEAT_LOG
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_that_goes_on_is_logged_once() {
        let (mut failure, mut now) = (LastFailure::default(), Instant::now());
        let (too_many_files, aborted) = (24, 103);
        assert!(failure.is_news(&io::Error::from_raw_os_error(too_many_files), now));
        for _ in 0..1000 {
            now += ACCEPT_PAUSE;
            assert!(!failure.is_news(&io::Error::from_raw_os_error(too_many_files), now));
        }
        assert!(failure.is_news(&io::Error::from_raw_os_error(aborted), now));
        now += 2 * REPEAT_LOG;
        assert!(failure.is_news(&io::Error::from_raw_os_error(aborted), now));
    }
}
