//! Opening one connection: socket, TLS, login.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo, Value};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;

use super::address::Address;
use super::credentials::{self, Credentials};
use super::login::{Ticket, log_in};
use super::patient::{Activity, Patient};
use super::settings::{Settings, Target};
use super::tls;
use crate::Error;
use crate::reply::Reply;

/// How long a connection may be idle before the kernel asks whether the server is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// An open connection and the task that moves its bytes.
pub(super) struct Line {
    pub(super) connection: MultiplexedConnection,
    driver: JoinHandle<()>,
    /// When a byte moved last.
    pub(super) activity: Arc<Activity>,
    /// What the server calls this connection, if it told.
    pub(super) ticket: Option<Ticket>,
}

impl Line {
    /// Whether the server, or the network, has closed it.
    pub(super) fn is_closed(&self) -> bool {
        self.driver.is_finished()
    }

    /// Closes the socket before returning, so that nothing sent on it can be executed after what
    /// a later connection sends.
    pub(super) async fn close(mut self) {
        self.driver.abort();
        // The result only says that the task was cancelled.
        let _cancelled = (&mut self.driver).await;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Opens a connection with what the settings' files hold now, logs in, and makes sure that the
/// `previous` one is dead. The caller bounds the time.
pub(super) async fn dial(
    settings: &Settings,
    target: &Target,
    address: &Arc<str>,
    previous: Option<&Ticket>,
) -> Result<Line, Error> {
    let credentials = Credentials::read(settings, target.expected)?;
    let refused = |source: io::Error| Error::Connect {
        address: Arc::clone(address),
        source: Arc::new(source),
    };
    let mut line = match (&target.address, &target.tls) {
        (Address::Unix(path), _) => {
            start(UnixStream::connect(path).await.map_err(refused)?, address).await?
        }
        (Address::Tcp { host, port }, None) => {
            start(tcp(host, *port).await.map_err(refused)?, address).await?
        }
        (Address::Tcp { host, port }, Some(tls)) => {
            let (connector, name) = tls.current(settings)?;
            let socket = tcp(host, *port).await.map_err(refused)?;
            let stream = connector.connect(name, socket).await;
            let stream = stream.map_err(|error| tls::handshake(error, settings, address))?;
            start(stream, address).await?
        }
    };
    let greeted = log_in(&line, credentials.as_ref(), settings.database, address).await;
    let greeting = greeted.map_err(|error| {
        let error = tls::alert(error, settings);
        credentials::explained(error, settings, target.expected).while_opening()
    })?;
    if let Some(hello) = &greeting.hello {
        target.expected.check(hello, address)?;
    }
    line.ticket = greeting.ticket;
    if let Some(previous) = previous {
        fence(&line, previous, address).await?;
    }
    Ok(line)
}

async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEP_ALIVE))?;
    // We close a connection only when all its replies came, or to give it up. Then whatever the
    // kernel has not sent yet must never arrive: it is sent again on another connection, and a
    // late copy would overwrite newer values.
    socket.set_linger(Some(Duration::ZERO))?;
    Ok(stream)
}

pub(super) async fn start<S>(stream: S, address: &Arc<str>) -> Result<Line, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // No login by the client library: it hides the server's words, and we classify by them.
    let silent = RedisConnectionInfo::default().set_skip_set_lib_name();
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None);
    let socket = Patient::new(stream);
    let activity = Arc::clone(socket.activity());
    let (connection, driver) = MultiplexedConnection::new_with_config(&silent, socket, config)
        .await
        .map_err(|source| Error::Lost {
            address: Arc::clone(address),
            command: "connecting",
            source,
        })?;
    Ok(Line {
        connection,
        driver: tokio::spawn(driver),
        activity,
        ticket: None,
    })
}

/// Makes the server forget a connection that we gave up. It may still hold megabytes of unread
/// commands from it, and would execute them after newer ones from here.
///
/// A user who may not do that relies on the server's fairness: it reads all connections in turns,
/// and whoever repeats a batch before going on sends at least as much as is left to read.
async fn fence(line: &Line, previous: &Ticket, address: &Arc<str>) -> Result<(), Error> {
    match ask(line, &previous.kill(), "CLIENT KILL", address).await {
        Ok(_) | Err(Error::Refused { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Sends one command; several may be under way.
pub(super) async fn ask(
    line: &Line,
    command: &redis::Cmd,
    name: &'static str,
    address: &Arc<str>,
) -> Result<Value, Error> {
    match line.connection.clone().send_packed_command(command).await {
        Ok(Value::ServerError(error)) => Err(Error::Refused {
            address: Arc::clone(address),
            command: name,
            reply: Reply::new(error.code(), error.details().unwrap_or_default()),
        }),
        Ok(value) => Ok(value),
        Err(source) => Err(Error::Lost {
            address: Arc::clone(address),
            command: name,
            source,
        }),
    }
}
