//! Accepting connections, and shaking hands on those that speak TLS.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::either::Either;

use super::{HangUpWatch, ServerIdentity, Socket, certificate_reloader};

/// The longest a TLS handshake may take. Less than what a stopping server allows for the requests
/// under way, so that a client who says nothing does not hold it up.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
/// Connections that the system may keep until they are accepted: as many as it lets us have
/// (`net.core.somaxconn`), to which it cuts this down.
const BACKLOG: u32 = i32::MAX.cast_unsigned();

/// A connection on which HTTP is spoken, with TLS below it or without.
pub(crate) type Stream = Either<Socket, Box<TlsStream<Socket>>>;

/// A socket that is listened on.
pub struct Listener {
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
}

impl Listener {
    /// Listens. With an identity every connection must speak TLS (1.2 or 1.3, HTTP/1.1).
    ///
    /// # Errors
    /// When the address is not free or not this machine's, or the identity cannot be used.
    pub fn bind(address: SocketAddr, identity: Option<ServerIdentity>) -> io::Result<Self> {
        let tls = identity.map(certificate_reloader::config).transpose()?;
        Ok(Self {
            socket: listen(address)?,
            tls: tls.map(|config| TlsAcceptor::from(Arc::new(config))),
        })
    }

    /// The address, with the port that it really got.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Whether connections speak TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// The next connection, on which nothing was sent yet, and its other end.
    pub(super) async fn accept(&self) -> io::Result<(AcceptedConnection, SocketAddr)> {
        let (socket, peer) = self.socket.accept().await?;
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "answers on this connection may be delayed");
        }
        let (socket, tls) = (Socket::new(socket), self.tls.clone());
        Ok((AcceptedConnection { socket, tls }, peer))
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restart need not wait until the connections of the run before are forgotten.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A connection before its TLS handshake, if it is to have one.
pub(crate) struct AcceptedConnection {
    socket: Socket,
    tls: Option<TlsAcceptor>,
}

impl AcceptedConnection {
    /// Shakes hands where TLS is spoken, within five seconds. Not to be waited for in the loop that
    /// accepts.
    ///
    /// # Errors
    /// When the other side does not speak TLS, does not trust the certificate, is too slow, or goes away.
    pub(super) async fn open(self) -> io::Result<Stream> {
        let Some(tls) = self.tls else {
            return Ok(Either::Left(self.socket));
        };
        let stream = tokio::time::timeout(HANDSHAKE_LIMIT, tls.accept(self.socket)).await;
        let stream = stream.map_err(|_elapsed| io::Error::from(io::ErrorKind::TimedOut))??;
        Ok(Either::Right(Box::new(stream)))
    }

    /// Sees its other side hang up.
    pub(super) fn hang_up_watch(&self) -> HangUpWatch {
        self.socket.hang_up_watch()
    }

    /// Sends `answer` and closes, without waiting. With TLS it only closes: nothing can be sent before the
    /// handshake.
    pub(crate) fn refuse(self, answer: &[u8]) {
        if self.tls.is_some() {
            return;
        }
        // One attempt: a peer that cannot take 200 bytes at once gets a closed connection only.
        if let Err(error) = self.socket.try_write(answer) {
            tracing::debug!(%error, "a connection beyond the limit was closed without an answer");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn as_many_connections_wait_as_the_system_lets_them() {
        // Clients and listener are one process here.
        crate::listener::raise_descriptors();
        let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
        let count = most.trim().parse::<usize>().unwrap().min(1500);
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None).unwrap();
        let address = listener.local_addr().unwrap();
        // Nobody accepts them. One that does not fit is left without an answer.
        let mut waiting = Vec::new();
        for number in 0..count {
            let connected = TcpStream::connect_timeout(&address, Duration::from_mins(1));
            waiting.push(connected.unwrap_or_else(|error| panic!("{number} of {count}: {error}")));
        }
    }
}
