//! A TCP connection that can still be read when the other side has gone, and that no client can block for ever.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::{Sleep, sleep},
};

use super::hang_up::HangUpWatch;

/// How long the other side may take none of what there is to send.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// A TCP connection. A sender that has gone cannot be answered, but what it sent before may still lie
/// here: after a failed write, further ones go nowhere without an error, and reading ends only
/// when everything was read. Nothing more can arrive then, so that end is near.
///
/// One that is there and does not read what we answer is another matter: after 30 seconds in which nothing
/// could be sent, writing fails, which ends the connection. One that reads slowly, or is sent nothing, is left alone.
pub(crate) struct Socket {
    reading: OwnedReadHalf,
    /// None once it was shut down, which happens when the last one is dropped.
    writing: Option<Arc<OwnedWriteHalf>>,
    /// Whether a write has failed.
    write_failed: bool,
    write_timeout: Duration,
    /// Runs while nothing can be sent.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self::with_timeout(stream, WRITE_TIMEOUT)
    }

    fn with_timeout(stream: TcpStream, write_timeout: Duration) -> Self {
        let (reading, writing) = stream.into_split();
        Self {
            reading,
            writing: Some(Arc::new(writing)),
            write_failed: false,
            write_timeout,
            stalled: None,
        }
    }

    /// Writes what fits at once, without waiting.
    ///
    /// # Errors
    /// When nothing fits, or the other side has closed.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let writing = self.writing.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        writing.try_write(bytes)
    }

    /// Sees the other side hang up.
    pub(super) fn hang_up_watch(&self) -> HangUpWatch {
        let writing = self.writing.as_ref().map(Arc::downgrade);
        HangUpWatch::new(writing.unwrap_or_default())
    }

    /// Writes once there is room.
    fn poll_write_with(
        &self,
        context: &mut Context<'_>,
        write: impl Fn(&OwnedWriteHalf) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let writing = self.writing.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        loop {
            let stream: &TcpStream = (**writing).as_ref();
            ready!(stream.poll_write_ready(context))?;
            match write(writing) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    /// `written`, or all of `length` when the other side cannot be reached. An error when it takes nothing.
    fn or_nowhere(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
        length: usize,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Pending => {
                let limit = self.write_timeout;
                let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(limit)));
                stalled.as_mut().poll(context).map(|()| {
                    tracing::debug!("a connection is closed whose other side reads nothing");
                    Err(io::ErrorKind::TimedOut.into())
                })
            }
            Poll::Ready(Err(error)) => {
                tracing::debug!(%error, "a sender has gone; what it sent is still processed");
                self.write_failed = true;
                Poll::Ready(Ok(length))
            }
            written @ Poll::Ready(Ok(_)) => {
                self.stalled = None;
                written
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reading).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.write_failed {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = self.poll_write_with(context, |writing| writing.try_write(bytes));
        self.or_nowhere(context, written, bytes.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = slices.iter().map(|slice| slice.len()).sum();
        if self.write_failed {
            return Poll::Ready(Ok(length));
        }
        let written = self.poll_write_with(context, |writing| writing.try_write_vectored(slices));
        self.or_nowhere(context, written, length)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writing = None;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read, net::TcpListener, time::Instant};

    use tokio::io::AsyncWriteExt;

    use super::*;

    const BYTES: usize = 16 * 1024 * 1024;

    async fn pair() -> (TcpStream, std::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await;
        (stream.unwrap(), listener.accept().unwrap().0)
    }

    #[tokio::test]
    async fn who_reads_nothing_is_given_up() {
        let (stream, other) = pair().await;
        let mut socket = Socket::with_timeout(stream, Duration::from_millis(100));
        let sent = socket.write_all(&vec![0; BYTES]).await;
        assert_eq!(sent.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(other);
    }

    #[tokio::test]
    async fn who_reads_slowly_is_let_be() {
        let begun = Instant::now();
        let limit = Duration::from_secs(4);
        let (stream, mut other) = pair().await;
        let reading = std::thread::spawn(move || {
            let mut piece = vec![0; BYTES / 12];
            for _ in 0..12 {
                std::thread::sleep(Duration::from_millis(400));
                other.read_exact(&mut piece).unwrap();
            }
            other
        });
        let mut socket = Socket::with_timeout(stream, limit);
        socket.write_all(&vec![0; BYTES / 12 * 12]).await.unwrap();
        reading.join().unwrap();
        assert!(begun.elapsed() > limit);
    }
}
