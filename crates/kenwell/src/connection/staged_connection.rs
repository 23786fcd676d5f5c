//! A connection that is opened in stages, so that each stage can be judged by itself.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::ProtocolVersion;
use rustls::pki_types::CertificateDer;
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use super::Settings;
use super::address::Address;
use super::credentials::Credentials;
use super::login::log_in;
use super::raw_connection::{self, RawConnection};
use super::server_kind::ServerKind;
use super::target::Target;
use super::tcp;
use super::tls::Explanation;
use crate::Error;
use crate::resp::{Command, Value};

/// A connection to one server that is opened in stages: for the doctor, which judges each stage by itself.
pub(crate) struct StagedConnection {
    settings: Settings,
    target: Target,
    /// The address as errors show it.
    shown: Arc<str>,
    /// The connection once it is open.
    raw: Option<RawConnection>,
}

/// An open socket on which nothing was said yet.
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl StagedConnection {
    /// Checks all that can be checked without the server.
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        let target = settings.targets()?.swap_remove(0);
        Ok(Self {
            shown: target.address.to_string().into(),
            settings: settings.clone(),
            target,
            raw: None,
        })
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where the server listens.
    pub(crate) fn address(&self) -> &Address {
        &self.target.address
    }

    /// The addresses of a host.
    pub(crate) async fn look_up(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
        let found = self.opening("looking up the host", lookup_host((host, port)));
        Ok(found.await?.collect())
    }

    /// Connects to a socket file.
    pub(crate) async fn reach_file(&self, path: &Path) -> Result<Socket, Error> {
        let socket = self.opening("connecting", UnixStream::connect(path));
        socket.await.map(Socket::Unix)
    }

    /// Connects to the first of these addresses that answers, and says which one that was.
    pub(crate) async fn reach(&self, at: &[SocketAddr]) -> Result<(Socket, SocketAddr), Error> {
        let stream = self.opening("connecting", tcp::connect(at)).await?;
        let peer = stream.peer_addr().map_err(|error| self.refused(error))?;
        Ok((Socket::Tcp(stream), peer))
    }

    /// Goes over to TLS. The error is what TLS said, in words; `None` when it did not come to that.
    pub(crate) async fn secure(&self, socket: Socket) -> Result<Socket, Option<Explanation>> {
        let (Some(tls), Socket::Tcp(stream)) = (&self.target.tls, socket) else {
            return Err(None);
        };
        let peer = stream.peer_addr();
        let (connector, name) = tls
            .current(&self.settings)
            .map_err(|error| Some(Explanation::new(error.to_string(), "correct that setting")))?;
        let shake = connector.connect(name, stream);
        let shaken = timeout(self.settings.connect_timeout, shake).await;
        let error = match shaken {
            Ok(Ok(stream)) => return Ok(Socket::Tls(Box::new(stream))),
            Ok(Err(error)) => error,
            Err(_elapsed) => return Err(None),
        };
        let reconnect = async {
            let socket = TcpStream::connect(peer.ok()?);
            timeout(self.settings.connect_timeout, socket)
                .await
                .ok()?
                .ok()
        };
        Err(tls.explain_failure(&error, reconnect).await)
    }

    /// Starts to speak Redis and logs in. Stays in database 0.
    pub(crate) async fn log_in(&mut self, socket: Socket) -> Result<(), Error> {
        let credentials = Credentials::read(&self.settings, ServerKind::Standalone)?;
        let enter = async {
            let raw = match socket {
                Socket::Tcp(stream) => raw_connection::start(stream),
                Socket::Unix(stream) => raw_connection::start(stream),
                Socket::Tls(stream) => raw_connection::start(*stream),
            };
            log_in(&raw, credentials.as_ref(), 0, &self.shown).await?;
            Ok(raw)
        };
        let limit = self.settings.connect_timeout;
        let entered = timeout(limit, enter)
            .await
            .map_err(|_elapsed| self.late("logging in", limit))?;
        let raw = entered.map_err(|error| match &self.target.tls {
            Some(tls) => tls.alert(error),
            None => error,
        })?;
        self.raw = Some(raw);
        Ok(())
    }

    /// Sends one command and gives its reply.
    pub(crate) async fn ask(
        &mut self,
        name: &'static str,
        command: &Command,
    ) -> Result<Value, Error> {
        let limit = self.settings.command_timeout;
        let Some(raw) = &self.raw else {
            return Err(self.refused(io::ErrorKind::NotConnected.into()));
        };
        timeout(limit, raw_connection::ask(raw, command, name, &self.shown))
            .await
            .map_err(|_elapsed| self.late(name, limit))?
    }

    async fn opening<T>(
        &self,
        action: &'static str,
        step: impl Future<Output = io::Result<T>>,
    ) -> Result<T, Error> {
        let limit = self.settings.connect_timeout;
        timeout(limit, step)
            .await
            .map_err(|_elapsed| self.late(action, limit))?
            .map_err(|error| self.refused(error))
    }

    fn late(&self, action: &'static str, limit: Duration) -> Error {
        Error::Timeout {
            address: Arc::clone(&self.shown),
            action,
            limit,
        }
    }

    fn refused(&self, source: io::Error) -> Error {
        Error::Connect {
            address: Arc::clone(&self.shown),
            source: Arc::new(source),
        }
    }
}

impl Socket {
    /// The TLS version, and the server's own certificate.
    pub(crate) fn tls_session(&self) -> Option<(ProtocolVersion, &CertificateDer<'static>)> {
        let Self::Tls(stream) = self else {
            return None;
        };
        let (_, session) = stream.get_ref();
        let certificate = session.peer_certificates()?.first()?;
        Some((session.protocol_version()?, certificate))
    }
}
