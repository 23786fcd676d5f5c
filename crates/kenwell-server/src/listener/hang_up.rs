//! Notices that the other side of a connection has closed it, while nothing is read from it.

use std::{future::pending, sync::Weak};

use tokio::{
    io::{Interest, Ready},
    net::tcp::OwnedWriteHalf,
};

/// Sees a connection being closed by its other side, whatever that has sent before and is not read yet. By default it
/// sees nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct HangUpWatch {
    socket: Weak<OwnedWriteHalf>,
}

impl HangUpWatch {
    /// Of the connection that is written to by this.
    pub(super) fn new(socket: Weak<OwnedWriteHalf>) -> Self {
        Self { socket }
    }

    /// Resolves when the other side sends no more. It may have hung up, or may still read what it is sent: which of both
    /// cannot be seen.
    pub(crate) async fn half_closed(&self) {
        // Where there is no other way, what comes next hides that it is the last.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let interest = Interest::PRIORITY;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let interest = Interest::READABLE;
        let seen = self.wait(interest | Interest::ERROR).await;
        if !seen.is_read_closed() && !seen.is_error() {
            pending::<()>().await;
        }
    }

    /// Resolves when the other side takes nothing any more.
    pub(crate) async fn reset(&self) {
        self.wait(Interest::ERROR).await;
    }

    /// Never resolves when the socket is closed on this side.
    async fn wait(&self, interest: Interest) -> Ready {
        if let Some(socket) = self.socket.upgrade()
            && let Ok(seen) = socket.ready(interest).await
        {
            return seen;
        }
        pending().await
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, net::Shutdown, time::Duration};

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        time::timeout,
    };

    use crate::listener::Socket;

    /// Long enough for what must not happen, in a test that passes.
    const A_WHILE: Duration = Duration::from_millis(100);

    async fn pair() -> (Socket, std::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let other = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (Socket::new(listener.accept().await.unwrap().0), other)
    }

    #[tokio::test]
    async fn a_half_closed_connection_is_seen_behind_what_is_not_read_and_is_not_reset() {
        let (mut socket, mut other) = pair().await;
        let watch = socket.hang_up_watch();
        other.write_all(b"GET").unwrap();
        assert!(timeout(A_WHILE, watch.half_closed()).await.is_err());
        let mut first = [0];
        socket.read_exact(&mut first).await.unwrap();
        other.write_all(b" /").unwrap();
        other.shutdown(Shutdown::Write).unwrap();
        watch.half_closed().await;
        assert!(timeout(A_WHILE, watch.reset()).await.is_err());
        let mut rest = String::new();
        socket.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "ET /");
    }

    #[tokio::test]
    async fn a_reset_is_seen_also_behind_a_half_closed_connection() {
        for half_closes in [false, true] {
            let (mut socket, other) = pair().await;
            let watch = socket.hang_up_watch();
            // Closed with something unread, it is reset.
            socket.write_all(b"x").await.unwrap();
            other.peek(&mut [0]).unwrap();
            if half_closes {
                other.shutdown(Shutdown::Write).unwrap();
                watch.half_closed().await;
            }
            drop(other);
            watch.reset().await;
            watch.half_closed().await;
        }
    }
}
