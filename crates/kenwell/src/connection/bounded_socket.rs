//! A socket that refuses a reply as soon as it is longer than its command can give, or is no reply of Redis.
//!
//! What is written is read along ([`ReplyLimits`]) to know which replies are awaited and how large each may be; what
//! is read is followed ([`ReplyScanner`]) before the decoder of the client library sees it, since that would
//! allocate whatever a reply announces.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::reply_limits::ReplyLimits;
use super::reply_scanner::ReplyScanner;
use crate::cause::NotRedis;

/// Why a connection was given up, once that is so.
pub(super) type ProtocolFault = Arc<OnceLock<NotRedis>>;

/// What the decoder reads from: bytes that are well-formed and bounded, whatever the other side sends.
pub(super) struct BoundedSocket<S> {
    socket: S,
    asked: ReplyLimits,
    replies: ReplyScanner,
    fault: ProtocolFault,
}

impl<S> BoundedSocket<S> {
    pub(super) fn new(socket: S) -> Self {
        Self {
            socket,
            asked: ReplyLimits::default(),
            replies: ReplyScanner::default(),
            fault: ProtocolFault::default(),
        }
    }

    /// Tells why nothing more is read, once that is so.
    pub(super) fn fault(&self) -> &ProtocolFault {
        &self.fault
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for BoundedSocket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.fault.get().is_none() {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut this.socket).poll_read(context, buffer))?;
            let bytes = buffer.filled().get(before..).unwrap_or_default();
            let Err(fault) = this.replies.read(bytes, &mut this.asked) else {
                return Poll::Ready(Ok(()));
            };
            buffer.set_filled(before);
            // It is set here only.
            this.fault.get_or_init(|| NotRedis(fault));
        }
        Poll::Ready(Err(
            fault_of(&this.fault).unwrap_or_else(|| io::ErrorKind::ConnectionReset.into())
        ))
    }
}

/// The error for a connection that was given up, if it was. Its kind tells the client library that nothing more
/// will come.
pub(super) fn fault_of(fault: &ProtocolFault) -> Option<io::Error> {
    let fault = fault.get()?.clone();
    Some(io::Error::new(io::ErrorKind::ConnectionReset, fault))
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BoundedSocket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.socket).poll_write(context, bytes))?;
        let bytes = bytes.get(..written).unwrap_or(bytes);
        self.asked.written(bytes);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
