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

use super::address::Address;
use super::bounded_socket::{BoundedSocket, ProtocolFault, fault_of};
use super::credentials::{self, Credentials};
use super::draining_socket::{DrainingSocket, LastActivity};
use super::liveness::Liveness;
use super::login::{ClientId, log_in};
use super::resolver;
use super::settings::{Settings, Target};
use super::tls::Tls;
use crate::Error;
use crate::reply::Reply;

/// How long a connection may be idle before the kernel asks whether the server is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long the kernel waits for each answer, and how many it misses before it gives the connection up.
const KEEP_ALIVE_AGAIN: Duration = Duration::from_secs(5);
const KEEP_ALIVE_TIMES: u32 = 3;

/// How long closing a socket may take. It is the matter of one moment, unless the runtime on which the
/// connection was opened stands still; then nothing is written any more either.
const CLOSING: Duration = Duration::from_millis(200);

/// How long a look at the certificate of a server that refused us may take, so that its reason is told in any case.
const LOOK: Duration = Duration::from_secs(1);

/// How many pipelines can wait for the task that moves the bytes. They are bounded by those who wait for
/// their replies; this only must never be reached, because those who wait for a place have no order.
const PIPELINES: usize = 1 << 24;

/// An open connection and the task that moves its bytes.
pub(super) struct RawConnection {
    pub(super) connection: MultiplexedConnection,
    driver: JoinHandle<()>,
    /// When a byte moved last.
    pub(super) activity: Arc<LastActivity>,
    pub(super) liveness: Arc<Liveness>,
    /// Why nothing more is read, if the server said what it cannot say.
    pub(super) fault: ProtocolFault,
    /// What the server calls this connection, if it told.
    pub(super) client_id: Option<ClientId>,
    /// Whether the server was made to forget the line before.
    pub(super) has_fenced: bool,
}

impl RawConnection {
    /// Whether the server, or the network, has closed it.
    pub(super) fn is_closed(&self) -> bool {
        self.driver.is_finished()
    }

    /// Has the socket closed, soon.
    pub(super) fn leave(&self) {
        self.driver.abort();
    }

    /// Closes the socket before returning, so that nothing sent on it can be executed after what
    /// a later connection sends.
    pub(super) async fn close(mut self) {
        self.leave();
        // The result only says that the task was cancelled, or that nobody runs it.
        let _cancelled = timeout(CLOSING, &mut self.driver).await;
    }
}

impl Drop for RawConnection {
    fn drop(&mut self) {
        self.leave();
    }
}

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

pub(super) async fn start<S>(stream: S, address: &Arc<str>) -> Result<RawConnection, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // No login by the client library: it hides the server's words, and we classify by them.
    let silent = RedisConnectionInfo::default().set_skip_set_lib_name();
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_pipeline_buffer_size(PIPELINES)
        .set_response_timeout(None);
    let socket = DrainingSocket::new(stream);
    let activity = Arc::clone(socket.activity());
    let socket = BoundedSocket::new(socket);
    let fault = Arc::clone(socket.fault());
    let (connection, driver) = MultiplexedConnection::new_with_config(&silent, socket, config)
        .await
        .map_err(|source| Error::Lost {
            address: Arc::clone(address),
            command: "connecting",
            source,
        })?;
    let liveness = Liveness::new();
    Ok(RawConnection {
        connection,
        driver: tokio::spawn(Arc::clone(&liveness).watch(driver)),
        activity,
        liveness,
        fault,
        client_id: None,
        has_fenced: false,
    })
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

/// Asks for something that not every server does for everybody; `None` when it is refused for good.
///
/// A refusal may as well be one of the moment: a quota, or a proxy without its server. Whoever took that for
/// "never" would go without a name or a fence for as long as the connection lives. So it is asked whether the
/// server does anything for us now, and then once more.
pub(super) async fn ask_if_permitted(
    raw: &RawConnection,
    command: &redis::Cmd,
    name: &'static str,
    address: &Arc<str>,
) -> Result<Option<Value>, Error> {
    match ask(raw, command, name, address).await {
        Err(Error::Refused { reply, .. }) if reply.is_lasting() => return Ok(None),
        Err(Error::Refused { .. }) => {}
        answer => return answer.map(Some),
    }
    match ask(raw, &redis::cmd("PING"), "PING", address).await {
        // Users may not have the right to it, but what else refuses it refuses everything.
        Err(Error::Refused { reply, .. }) if reply.is_lasting() => {}
        Err(error) => return Err(error.while_opening()),
        Ok(_) => {}
    }
    match ask(raw, command, name, address).await {
        Err(Error::Refused { .. }) => Ok(None),
        answer => answer.map(Some),
    }
}

/// Sends one command; several may be under way.
pub(super) async fn ask(
    raw: &RawConnection,
    command: &redis::Cmd,
    name: &'static str,
    address: &Arc<str>,
) -> Result<Value, Error> {
    let mut connection = raw.connection.clone();
    let reply = connection.send_packed_command(command);
    match raw.liveness.await_reply(reply).await {
        Ok(Value::ServerError(error)) => Err(Error::Refused {
            address: Arc::clone(address),
            command: name,
            reply: Reply::new(error.code(), error.details().unwrap_or_default()),
        }),
        Ok(value) => Ok(value),
        Err(source) => Err(lost(source, &raw.fault, name, address)),
    }
}

/// The error for a connection that broke. What was wrong with the server's answer says more than that we
/// gave the connection up.
pub(super) fn lost(
    source: RedisError,
    fault: &ProtocolFault,
    command: &'static str,
    address: &Arc<str>,
) -> Error {
    let source = match fault.get() {
        Some(_) => fault_of(fault).into(),
        None => source,
    };
    Error::Lost {
        address: Arc::clone(address),
        command,
        source,
    }
}
