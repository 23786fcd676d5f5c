//! Commands that wait to be sent on one connection, and their replies when they come.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::{mpsc, oneshot};

use super::command_buffer::CommandBuffer;
use crate::resp::{Pipeline, Value};

/// How many pipelines can wait for the task that moves the bytes. The calls that wait for
/// replies bound them; this bound must never be reached, because calls that wait for a place have no order.
const PIPELINES: usize = 1 << 24;

/// Commands that are sent together.
pub(super) struct Request {
    /// Encoded, one after the other.
    pub(super) bytes: Vec<u8>,
    pub(super) commands: usize,
    /// Whether none of them answers with more than a status or a number.
    pub(super) has_short_replies: bool,
}

/// The replies to a request: all of them, or those that came before the connection failed.
pub(super) struct Replies {
    pub(super) values: Vec<Value>,
    /// Why the others are missing.
    pub(super) failure: Option<Broken>,
}

/// A request in the queue.
pub(super) struct QueuedRequest {
    pub(super) request: Request,
    pub(super) replies: oneshot::Sender<Replies>,
}

/// Where requests are put to be sent, in this order. Clones put them in the same queue.
#[derive(Clone)]
pub(super) struct CommandQueue(mpsc::Sender<QueuedRequest>);

/// Replies on their way. Dropped before the request was sent, it is not sent any more.
pub(super) struct PendingReplies(Option<oneshot::Receiver<Replies>>);

/// A queue, and its end.
pub(super) fn command_queue() -> (CommandQueue, mpsc::Receiver<QueuedRequest>) {
    let (sender, receiver) = mpsc::channel(PIPELINES);
    (CommandQueue(sender), receiver)
}

/// Why a connection failed.
pub(super) type Broken = Arc<io::Error>;

/// The error for a connection that has been closed.
pub(super) fn closed() -> Broken {
    Arc::new(ErrorKind::BrokenPipe.into())
}

impl CommandQueue {
    /// Puts a request in the queue; it has its place when this returns.
    pub(super) fn push(&self, request: Request) -> PendingReplies {
        let (replies, receiver) = oneshot::channel();
        let queued = QueuedRequest { request, replies };
        PendingReplies(self.0.try_send(queued).is_ok().then_some(receiver))
    }
}

impl Future for PendingReplies {
    type Output = Result<Replies, Broken>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Some(receiver) => Pin::new(receiver)
                .poll(context)
                .map_err(|_dropped| closed()),
            None => Poll::Ready(Err(closed())),
        }
    }
}

impl Replies {
    /// All replies, or why some are missing.
    pub(super) fn all(self) -> Result<Vec<Value>, Broken> {
        self.failure.map_or(Ok(self.values), Err)
    }
}

impl From<CommandBuffer> for Request {
    fn from(commands: CommandBuffer) -> Self {
        Self {
            commands: commands.len(),
            has_short_replies: commands.has_short_replies(),
            bytes: commands.into_bytes(),
        }
    }
}

impl From<&Pipeline> for Request {
    fn from(pipeline: &Pipeline) -> Self {
        CommandBuffer::from(pipeline).into()
    }
}
