//! Moves the bytes of one connection: requests out in the order in which they came, replies in.
//!
//! A server gives up a client that does not read, so both directions always advance together.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::mem::take;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{mpsc, oneshot};

use super::command_queue::{Broken, QueuedRequest, Replies, Request, closed};
use super::reply_decoder::ReplyDecoder;
use super::reply_limits::ReplyLimits;
use super::spare_buffers::SPARE;
use crate::cause::NotRedis;
use crate::resp::Value;

/// How much is read at once, in bytes.
const READ_BYTES: usize = 16 * 1024;

/// Requests are taken from the queue until so many bytes wait to be written.
const WRITE_BYTES: usize = 256 * 1024;

/// A request of fewer bytes is joined to the one before it, so that one write carries many.
const JOINED_BYTES: usize = 16 * 1024;

/// Why a connection was given up, once that is so.
pub(super) type ProtocolFault = Arc<OnceLock<NotRedis>>;

/// The task's state. When it ends, whatever still waits for replies learns that the connection is closed.
pub(super) struct SocketTask<S> {
    socket: S,
    requests: mpsc::Receiver<QueuedRequest>,
    /// Whether there may be more requests.
    is_open: bool,
    /// What waits to be written; of the first, `written` bytes are.
    outgoing: VecDeque<Vec<u8>>,
    written: usize,
    /// Bytes in `outgoing`.
    waiting: usize,
    needs_flush: bool,
    unanswered: VecDeque<UnansweredRequest>,
    asked: ReplyLimits,
    decoder: ReplyDecoder,
    input: Box<[u8]>,
    fault: ProtocolFault,
    failure: Option<Broken>,
}

/// A request that was taken to be written, and the replies to it so far.
struct UnansweredRequest {
    commands: usize,
    values: Vec<Value>,
    replies: oneshot::Sender<Replies>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> SocketTask<S> {
    pub(super) fn new(socket: S, requests: mpsc::Receiver<QueuedRequest>) -> Self {
        Self {
            socket,
            requests,
            is_open: true,
            outgoing: VecDeque::new(),
            written: 0,
            waiting: 0,
            needs_flush: false,
            unanswered: VecDeque::new(),
            asked: ReplyLimits::default(),
            decoder: ReplyDecoder::default(),
            input: vec![0; READ_BYTES].into(),
            fault: ProtocolFault::default(),
            failure: None,
        }
    }

    /// Tells why nothing more is read, once that is so.
    pub(super) fn fault(&self) -> &ProtocolFault {
        &self.fault
    }

    /// Runs until the connection fails, or nobody can send on it any more.
    pub(super) async fn run(mut self) {
        let end = std::future::poll_fn(|context| self.advance(context)).await;
        self.failure = end.err().map(Arc::new);
    }

    /// Moves what can be moved now.
    fn advance(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if let Poll::Ready(end) = self.read(context) {
                return Poll::Ready(end);
            }
            let has_taken_all = self.take_requests(context).is_pending();
            match self.write(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) if !self.is_open && self.unanswered.is_empty() => {
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Ok(())) if has_taken_all || !self.is_open => return Poll::Pending,
                Poll::Ready(Ok(())) => {}
            }
        }
    }

    /// Reads what has come, and hands out the replies. Ready only at the end of the connection.
    fn read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut buffer = ReadBuf::new(&mut self.input);
            ready!(Pin::new(&mut self.socket).poll_read(context, &mut buffer))?;
            let bytes = buffer.filled();
            if bytes.is_empty() {
                return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
            }
            let unanswered = &mut self.unanswered;
            let receive = |value| receive(unanswered, value);
            if let Err(fault) = self.decoder.read(bytes, &mut self.asked, receive) {
                // It is set here only.
                self.fault.get_or_init(|| NotRedis(fault));
                let error = fault_of(&self.fault);
                return Poll::Ready(Err(
                    error.unwrap_or_else(|| ErrorKind::ConnectionReset.into())
                ));
            }
        }
    }

    /// Takes requests from the queue. Pending when there are no more now; ready when enough wait to be written, or
    /// there will be no more.
    fn take_requests(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.is_open && self.waiting < WRITE_BYTES {
            match ready!(self.requests.poll_recv(context)) {
                // Nobody waits for a reply any more: it is not sent.
                Some(queued) if queued.replies.is_closed() => {}
                Some(queued) => self.take_request(queued),
                None => self.is_open = false,
            }
        }
        Poll::Ready(())
    }

    fn take_request(&mut self, QueuedRequest { request, replies }: QueuedRequest) {
        let Request {
            bytes,
            commands,
            has_short_replies,
        } = request;
        if has_short_replies {
            self.asked
                .sent_short(u64::try_from(commands).unwrap_or(u64::MAX));
        } else {
            self.asked.written(&bytes);
        }
        self.unanswered.push_back(UnansweredRequest {
            commands,
            values: Vec::with_capacity(commands),
            replies,
        });
        self.waiting += bytes.len();
        match self.outgoing.back_mut() {
            Some(last) if last.len() + bytes.len() <= JOINED_BYTES => last.extend(bytes),
            _ => self.outgoing.push_back(bytes),
        }
    }

    /// Writes what waits. Ready when all of it is written.
    fn write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(first) = self.outgoing.front() {
            let rest = first.get(self.written..).unwrap_or_default();
            if rest.is_empty() {
                if let Some(written) = self.outgoing.pop_front() {
                    SPARE.put(written);
                }
                self.written = 0;
                continue;
            }
            let count = ready!(Pin::new(&mut self.socket).poll_write(context, rest))?;
            if count == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            self.written += count;
            self.waiting = self.waiting.saturating_sub(count);
            self.needs_flush = true;
        }
        if self.needs_flush {
            ready!(Pin::new(&mut self.socket).poll_flush(context))?;
            self.needs_flush = false;
        }
        Poll::Ready(Ok(()))
    }
}

/// The next reply, which belongs to the request that waits longest.
fn receive(unanswered: &mut VecDeque<UnansweredRequest>, value: Value) {
    let Some(first) = unanswered.front_mut() else {
        return;
    };
    first.values.push(value);
    if first.values.len() < first.commands {
        return;
    }
    if let Some(UnansweredRequest {
        values, replies, ..
    }) = unanswered.pop_front()
    {
        // Nobody may wait for it any more.
        let _gone = replies.send(Replies {
            values,
            failure: None,
        });
    }
}

/// The error for a connection that was given up, if it was.
pub(super) fn fault_of(fault: &ProtocolFault) -> Option<io::Error> {
    let fault = fault.get()?.clone();
    Some(io::Error::new(ErrorKind::ConnectionReset, fault))
}

impl<S> Drop for SocketTask<S> {
    fn drop(&mut self) {
        let mut failure = self.failure.take();
        for request in take(&mut self.unanswered) {
            let _gone = request.replies.send(Replies {
                values: request.values,
                failure: Some(failure.take().unwrap_or_else(closed)),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::super::command_queue::command_queue;
    use super::*;

    fn request(bytes: &[u8], commands: usize) -> Request {
        Request {
            bytes: bytes.to_vec(),
            commands,
            has_short_replies: true,
        }
    }

    #[tokio::test]
    async fn requests_go_out_in_order_and_each_gets_its_own_replies() {
        // Smaller than the large request, so that it is written in many steps.
        let (ours, mut theirs) = duplex(1_000);
        let (queue, requests) = command_queue();
        let large = vec![b'L'; 2 * WRITE_BYTES];
        let first = queue.push(request(b"first", 2));
        drop(queue.push(request(b"nobody waits for it", 1)));
        let second = queue.push(request(&large, 1));
        let third = queue.push(request(b"third", 1));
        let task = tokio::spawn(SocketTask::new(ours, requests).run());
        let mut seen = vec![0; large.len() + 10];
        theirs.read_exact(&mut seen).await.unwrap();
        assert!(seen.starts_with(b"firstL") && seen.ends_with(b"Lthird"));
        for answer in [":1\r\n:", "2\r\n+O", "K\r\n:4\r\n"] {
            theirs.write_all(answer.as_bytes()).await.unwrap();
        }
        let values = |replies: Replies| replies.all().unwrap();
        let expected = [Value::Int(1), Value::Int(2)];
        assert_eq!(values(first.await.unwrap()), expected);
        assert_eq!(values(second.await.unwrap()), [Value::Okay]);
        assert_eq!(values(third.await.unwrap()), [Value::Int(4)]);
        drop(queue);
        task.await.unwrap();
    }

    #[tokio::test]
    async fn what_came_before_the_end_is_handed_out() {
        let (ours, mut theirs) = duplex(1_000);
        let (queue, requests) = command_queue();
        let cut = queue.push(request(b"cut", 3));
        let behind = queue.push(request(b"behind", 1));
        let task = tokio::spawn(SocketTask::new(ours, requests).run());
        theirs.read_exact(&mut [0; 9]).await.unwrap();
        theirs.write_all(b":1\r\n:2\r\n:").await.unwrap();
        drop(theirs);
        let cut = cut.await.unwrap();
        assert_eq!(cut.values, [Value::Int(1), Value::Int(2)]);
        assert!(cut.failure.is_some());
        assert!(behind.await.unwrap().all().is_err());
        task.await.unwrap();
        assert!(queue.push(request(b"late", 1)).await.is_err());
    }

    #[tokio::test]
    async fn the_same_when_the_task_is_ended() {
        let (ours, mut theirs) = duplex(1_000);
        let (queue, requests) = command_queue();
        let cut = queue.push(request(b"cut", 2));
        let other = queue.push(request(b"other", 1));
        let task = tokio::spawn(SocketTask::new(ours, requests).run());
        theirs.read_exact(&mut [0; 8]).await.unwrap();
        theirs.write_all(b":1\r\n:2\r\n:3").await.unwrap();
        assert_eq!(cut.await.unwrap().values.len(), 2);
        task.abort();
        let other = other.await.unwrap();
        assert!(other.values.is_empty() && other.failure.is_some());
    }

    #[tokio::test]
    async fn a_reply_that_nobody_asked_for_is_the_fault() {
        let (ours, mut theirs) = duplex(1_000);
        let (queue, requests) = command_queue();
        let task = SocketTask::new(ours, requests);
        let fault = Arc::clone(task.fault());
        let asked = queue.push(request(b"asked", 1));
        let task = tokio::spawn(task.run());
        theirs.read_exact(&mut [0; 5]).await.unwrap();
        theirs.write_all(b":1\r\n:2\r\n").await.unwrap();
        task.await.unwrap();
        assert_eq!(asked.await.unwrap().values, [Value::Int(1)]);
        let fault = fault.get().unwrap().to_string();
        assert!(fault.contains("nobody had asked for"), "{fault}");
    }
}
