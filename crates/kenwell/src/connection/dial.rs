//! Opening one connection: socket, TLS, login.

use std::io;
use std::sync::Arc;

#[cfg(unix)]
use tokio::net::UnixStream;

use super::Settings;
use super::address::Address;
use super::client_id::ClientId;
use super::credentials::{self, Credentials};
use super::login::log_in;
use super::raw_connection::{RawConnection, ask_if_permitted, start};
use super::target::Target;
use super::tcp;
use crate::Error;

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
    // Half of the time for the look-up, so that something is left for the addresses that it finds.
    let tcp = |host, port| tcp::open(host, port, &target.resolver, settings.connect_timeout / 2);
    let mut raw = match (&target.address, &target.tls) {
        #[cfg(unix)]
        (Address::Unix(path), _) => start(UnixStream::connect(path).await.map_err(refused)?),
        #[cfg(not(unix))]
        (Address::Unix(_), _) => return Err(refused(io::ErrorKind::Unsupported.into())),
        (Address::Tcp { host, port }, None) => {
            let socket = tcp(host, *port).await;
            start(socket.map_err(refused)?)
        }
        #[cfg(not(feature = "tls"))]
        (Address::Tcp { .. }, Some(tls)) => match *tls {},
        #[cfg(feature = "tls")]
        (Address::Tcp { host, port }, Some(tls)) => {
            let (connector, name) = tls.current(settings)?;
            let socket = tcp(host, *port).await;
            let socket = socket.map_err(refused)?;
            match connector.connect(name, socket).await {
                Ok(stream) => start(stream),
                Err(error) => {
                    let reconnect = async { tcp(host, *port).await.ok() };
                    return Err(match tls.explain_failure(&error, reconnect).await {
                        Some(explanation) => explanation.into_error(Arc::clone(address), error),
                        None => refused(error),
                    });
                }
            }
        }
    };
    let logged_in = log_in(&raw, credentials.as_ref(), settings.database, address).await;
    let login = logged_in.map_err(|error| {
        let error = match &target.tls {
            Some(tls) => tls.alert(error),
            None => error,
        };
        credentials::explained(error, settings, target.expected).while_opening()
    })?;
    if let Some(hello) = &login.hello {
        target.expected.check(hello, address)?;
    }
    raw.client_id = login.client_id;
    if let Some(previous) = previous {
        raw.has_fenced = fence(&raw, previous, address).await?;
    }
    Ok(raw)
}

/// Makes the server forget a connection that we gave up. It may still hold megabytes of unread
/// commands from it, and would execute them after newer ones from here.
///
/// A user that may not do that (`false`) relies on the server's fairness: it reads all connections in turns, and a
/// writer that repeats a batch before going on sends at least as much as is left to read.
async fn fence(
    raw: &RawConnection,
    previous: &ClientId,
    address: &Arc<str>,
) -> Result<bool, Error> {
    let killed = ask_if_permitted(raw, &previous.kill(), "CLIENT KILL", address).await?;
    Ok(killed.is_some())
}
