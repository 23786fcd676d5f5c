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
use super::kind::Expected;
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
    /// What the server calls this connection, if it told.
    pub(super) ticket: Option<Ticket>,
}

/// What identifies a connection at the server: its number and its address as the server sees them.
/// Both together, because a restarted server counts from one again.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    id: String,
    addr: String,
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

/// Opens a connection, logs in, and makes sure that the `previous` one is dead. The caller bounds
/// the time.
pub(super) async fn dial(
    settings: &Settings,
    target: &Target,
    address: &Arc<str>,
    previous: Option<&Ticket>,
) -> Result<Line, Error> {
    let refused = |source: io::Error| Error::Connect {
        address: Arc::clone(address),
        source: Arc::new(source),
    };
    let line = match (&target.address, &target.tls) {
        (Address::Unix(path), _) => {
            start(UnixStream::connect(path).await.map_err(refused)?, address).await?
        }
        (Address::Tcp { host, port }, None) => {
            start(tcp(host, *port).await.map_err(refused)?, address).await?
        }
        (Address::Tcp { host, port }, Some(tls)) => {
            let socket = tcp(host, *port).await.map_err(refused)?;
            let stream = tokio_rustls::TlsConnector::from(Arc::clone(&tls.config))
                .connect(tls.name.clone(), socket)
                .await
                .map_err(|error| tls::handshake(error, settings, address))?;
            start(stream, address).await?
        }
    };
    let mut line = login(line, settings, address)
        .await
        .map_err(|error| tls::alert(error, settings))?;
    check_kind(&mut line, target.expected, address).await?;
    line.ticket = ticket(&mut line, address).await?;
    if let Some(previous) = previous {
        fence(&mut line, previous, address).await?;
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
    let (connection, driver) = MultiplexedConnection::new_with_config(&silent, stream, config)
        .await
        .map_err(|source| Error::Lost {
            address: Arc::clone(address),
            command: "connecting",
            source,
        })?;
    Ok(Line {
        connection,
        driver: tokio::spawn(driver),
        ticket: None,
    })
}

/// `AUTH`, `SELECT`, and a greeting that tells the server's operator who we are.
pub(super) async fn login(
    mut line: Line,
    settings: &Settings,
    address: &Arc<str>,
) -> Result<Line, Error> {
    if let Some(password) = &settings.password {
        let named = redis::cmd("AUTH")
            .arg(settings.username.as_deref().unwrap_or("default"))
            .arg(password.expose())
            .take();
        let mut answer = ask(&mut line, &named, "AUTH", address).await;
        if settings.username.is_none() && answer.as_ref().is_err_and(predates_users) {
            let unnamed = redis::cmd("AUTH").arg(password.expose()).take();
            answer = ask(&mut line, &unnamed, "AUTH", address).await;
        }
        answer?;
    }
    if settings.database != 0 {
        let select = redis::cmd("SELECT").arg(settings.database).take();
        ask(&mut line, &select, "SELECT", address).await?;
    }
    let greeting = redis::cmd("CLIENT")
        .arg("SETINFO")
        .arg("LIB-NAME")
        .arg("kenwell")
        .take();
    match ask(&mut line, &greeting, "CLIENT SETINFO", address).await {
        // Servers before 7.2 do not know it, and a restricted user may not say it.
        Err(Error::Refused { reply, .. }) if !reply.spoils_connection() => Ok(line),
        Err(error) => Err(error),
        Ok(_) => Ok(line),
    }
}

/// Asks what the server is. Every user may say `HELLO`; a server or proxy that does not know it is
/// taken for what the settings say.
async fn check_kind(line: &mut Line, expected: Expected, address: &Arc<str>) -> Result<(), Error> {
    let hello = redis::cmd("HELLO").arg(2).take();
    match ask(line, &hello, "HELLO", address).await {
        Err(Error::Refused { reply, .. }) if !reply.spoils_connection() => Ok(()),
        Err(error) => Err(error),
        Ok(said) => expected.check(&said, address),
    }
}

/// Asks how the server calls this connection. A server before 6.2, or one that does not let this
/// user ask, leaves it without a ticket.
async fn ticket(line: &mut Line, address: &Arc<str>) -> Result<Option<Ticket>, Error> {
    let question = redis::cmd("CLIENT").arg("INFO").take();
    let text = match ask(line, &question, "CLIENT INFO", address).await {
        Ok(Value::BulkString(text)) => text,
        Ok(_) | Err(Error::Refused { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let text = String::from_utf8_lossy(&text);
    let value = |name: &str| {
        let found = text.split(' ').find_map(|pair| pair.strip_prefix(name));
        found.map(str::to_owned)
    };
    Ok(value("id=")
        .zip(value("addr="))
        .map(|(id, addr)| Ticket { id, addr }))
}

/// Makes the server forget a connection that we gave up. It may still hold megabytes of unread
/// commands from it, and would execute them after newer ones from here.
///
/// A user who may not do that relies on the server's fairness: it reads all connections in turns,
/// and whoever repeats a batch before going on sends at least as much as is left to read.
async fn fence(line: &mut Line, previous: &Ticket, address: &Arc<str>) -> Result<(), Error> {
    let kill = redis::cmd("CLIENT")
        .arg("KILL")
        .arg("ID")
        .arg(&previous.id)
        .arg("ADDR")
        .arg(&previous.addr)
        .take();
    match ask(line, &kill, "CLIENT KILL", address).await {
        Ok(_) | Err(Error::Refused { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Redis 5 and older have no users and want the password alone.
fn predates_users(error: &Error) -> bool {
    matches!(error, Error::Refused { reply, .. } if reply.text().contains("wrong number of arguments"))
}

pub(super) async fn ask(
    line: &mut Line,
    command: &redis::Cmd,
    name: &'static str,
    address: &Arc<str>,
) -> Result<Value, Error> {
    match line.connection.send_packed_command(command).await {
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
