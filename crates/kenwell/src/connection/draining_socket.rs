//! A socket that reads what the other side still had to say before it reports that writing has failed.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep};

/// How much longer a silence is waited out: when this process itself was stopped for a while, what came
/// meanwhile must be read before the server is called silent.
const GRACE: Duration = Duration::from_millis(100);

/// When a byte moved last on a connection, in either direction.
#[derive(Debug)]
pub(super) struct LastActivity {
    began: Instant,
    /// Milliseconds since `began`.
    latest: AtomicU64,
}

impl LastActivity {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            latest: AtomicU64::new(0),
        }
    }

    /// Something moved, or a wait begins.
    pub(super) fn note(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.latest.store(now, Ordering::Relaxed);
    }

    /// For how long nothing has moved.
    pub(super) fn quiet_for(&self) -> Duration {
        let latest = Duration::from_millis(self.latest.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(latest)
    }

    /// Resolves when nothing has moved for so long.
    pub(super) async fn silence(&self, limit: Duration) {
        loop {
            let quiet = self.quiet_for();
            if quiet < limit {
                sleep(limit.saturating_sub(quiet)).await;
                continue;
            }
            sleep(GRACE).await;
            if self.quiet_for() >= limit {
                return;
            }
        }
    }
}

/// Redis says why it hangs up (too many clients, a value that is too large, a client certificate that
/// is missing) and then closes, while we may still be writing. A client that stops at the failed write never
/// reads that. So what is written after the end is dropped, and reading tells how it ended: with the server's
/// last words, and then the end of the stream.
pub(super) struct DrainingSocket<S> {
    socket: S,
    /// Whether anything was written; before that nothing is read.
    has_written: bool,
    /// The reader that waits until something was written.
    reader: Option<Waker>,
    is_over: bool,
    activity: Arc<LastActivity>,
}

impl<S> DrainingSocket<S> {
    pub(super) fn new(socket: S) -> Self {
        Self {
            socket,
            activity: Arc::new(LastActivity::new()),
            has_written: false,
            reader: None,
            is_over: false,
        }
    }

    /// Tells when a byte moved last.
    pub(super) fn activity(&self) -> &Arc<LastActivity> {
        &self.activity
    }

    /// `done` instead of the error of a connection that the other side has closed.
    fn excuse<T>(&mut self, result: Poll<io::Result<T>>, done: T) -> Poll<io::Result<T>> {
        match result {
            Poll::Ready(Err(error))
                if matches!(
                    error.kind(),
                    ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
                ) =>
            {
                self.is_over = true;
                Poll::Ready(Ok(done))
            }
            result => result,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for DrainingSocket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.has_written {
            self.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let read = Pin::new(&mut self.socket).poll_read(context, buffer);
        if read.is_ready() {
            self.activity.note();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for DrainingSocket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_over {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        let written = self.excuse(written, bytes.len());
        if written.is_ready() {
            self.activity.note();
            self.has_written = true;
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_over {
            return Poll::Ready(Ok(()));
        }
        let flushed = Pin::new(&mut self.socket).poll_flush(context);
        self.excuse(flushed, ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn last_words_are_heard_although_writing_has_failed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (mut server, _) = server.unwrap();
        let mut client = DrainingSocket::new(client.unwrap());
        client.write_all(b"unread").await.unwrap();
        server.readable().await.unwrap();
        server.write_all(b"-ERR enough").await.unwrap();
        // With something unread, closing resets the connection.
        drop(server);
        while !client.is_over {
            client.write_all(b"more").await.unwrap();
            client.flush().await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut heard = [0; 11];
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"-ERR enough");
        client.write_all(b"to nobody").await.unwrap();
        assert_eq!(client.read(&mut heard).await.unwrap_or(0), 0);
    }
}
