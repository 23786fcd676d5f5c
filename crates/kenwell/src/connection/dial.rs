//! Opening one connection: socket, TLS, login.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo, RedisError, Value};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Settings;
use super::address::Address;
use super::bounded_socket::{BoundedSocket, ProtocolFault, fault_of};
use super::client_id::ClientId;
use super::credentials::{self, Credentials};
use super::draining_socket::{DrainingSocket, LastActivity};
use super::liveness::Liveness;
use super::login::log_in;
use super::raw_connection::{RawConnection, ask_if_permitted, start};
use super::resolver;
use super::target::Target;
use super::tls::Tls;
use crate::Error;
use crate::reply::Reply;

/// How long a connection may be idle before the kernel asks whether the server is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long the kernel waits for each answer, and how many it misses before it gives the connection up.
const KEEP_ALIVE_AGAIN: Duration = Duration::from_secs(5);
const KEEP_ALIVE_TIMES: u32 = 3;

/// How long a look at the certificate of a server that refused us may take, so that its reason is told in any case.
const LOOK: Duration = Duration::from_secs(1);

/// Opens a connection with what the settings' files hold now, logs in, and makes sure that the
/// `previous` one is dead. The caller bounds the time.
pub(super) async fn dial(
    settings: &Settings,
    target: &Target,
    address: &Arc<str>,
    previous: Option<&ClientId>,
) -> Result<RawConnection, Error> {
    let credentials = Credentials::read(settings, target.expected)?;
    let refused = |source: io::Error| Error::Connect {
        address: Arc::clone(address),
        source: Arc::new(source),
    };
    let mut raw = match (&target.address, &target.tls) {
        (Address::Unix(path), _) => {
            start(UnixStream::connect(path).await.map_err(refused)?, address).await?
        }
        (Address::Tcp { host, port }, None) => {
            let socket = tcp(host, *port, settings, target).await;
            start(socket.map_err(refused)?, address).await?
        }
        (Address::Tcp { host, port }, Some(tls)) => {
            let (connector, name) = tls.current(settings)?;
            let socket = tcp(host, *port, settings, target).await;
            let socket = socket.map_err(refused)?;
            match connector.connect(name, socket).await {
                Ok(stream) => start(stream, address).await?,
                Err(error) => {
                    let look = if tls.needs_look(&error) {
                        tcp(host, *port, settings, target).await.ok()
                    } else {
                        None
                    };
                    return Err(handshake(error, tls, look, address).await);
                }
            }
        }
    };
    let greeted = log_in(&raw, credentials.as_ref(), settings.database, address).await;
    let greeting = greeted.map_err(|error| {
        let error = match &target.tls {
            Some(tls) => tls.alert(error),
            None => error,
        };
        credentials::explained(error, settings, target.expected).while_opening()
    })?;
    if let Some(hello) = &greeting.hello {
        target.expected.check(hello, address)?;
    }
    raw.client_id = greeting.client_id;
    if let Some(previous) = previous {
        raw.has_fenced = fence(&raw, previous, address).await?;
    }
    Ok(raw)
}

/// A handshake that failed, in words: those of TLS, or what a `look` at the server's certificate shows.
async fn handshake(
    error: io::Error,
    tls: &Tls,
    look: Option<TcpStream>,
    address: &Arc<str>,
) -> Error {
    let address = Arc::clone(address);
    let seen = match look {
        Some(stream) => timeout(LOOK, tls.look(stream)).await.ok().flatten(),
        None => None,
    };
    let problem = seen.or_else(|| tls.explain(&error).ok());
    let source = Arc::new(error);
    match problem {
        Some(problem) => Error::Tls {
            address,
            problem: problem.to_string(),
            source,
        },
        None => Error::Connect { address, source },
    }
}

/// The look-up may take half of the time, so that something is left for the addresses that it finds.
async fn tcp(host: &str, port: u16, settings: &Settings, target: &Target) -> io::Result<TcpStream> {
    let share = settings.connect_timeout / 2;
    let addresses = target.names.look_up(host, port, share).await?;
    let stream = resolver::connect(&addresses).await?;
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    socket.set_tcp_keepalive(&keep_alive())?;
    // We close a connection only when all its replies came, or to give it up. Then whatever the
    // kernel has not sent yet must never arrive: it is sent again on another connection, and a
    // late copy would overwrite newer values.
    socket.set_linger(Some(Duration::ZERO))?;
    Ok(stream)
}

fn keep_alive() -> TcpKeepalive {
    let settings = TcpKeepalive::new().with_time(KEEP_ALIVE);
    settings
        .with_interval(KEEP_ALIVE_AGAIN)
        .with_retries(KEEP_ALIVE_TIMES)
}

/// Makes the server forget a connection that we gave up. It may still hold megabytes of unread
/// commands from it, and would execute them after newer ones from here.
///
/// A user who may not do that (`false`) relies on the server's fairness: it reads all connections in turns,
/// and whoever repeats a batch before going on sends at least as much as is left to read.
async fn fence(
    raw: &RawConnection,
    previous: &ClientId,
    address: &Arc<str>,
) -> Result<bool, Error> {
    let killed = ask_if_permitted(raw, &previous.kill(), "CLIENT KILL", address).await?;
    Ok(killed.is_some())
}
