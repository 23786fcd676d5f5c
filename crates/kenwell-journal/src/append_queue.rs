//! The appends that wait for the writer: bounded in bytes and number, waited for without blocking a thread.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::batch::{Batch, OnStored};
use crate::error::Error;
use crate::mutex::lock;
use crate::offset::Offset;

/// What an append counts on top of its bytes; bounds the number of waiting appends.
const APPEND_BYTES: usize = 256;

/// One append.
#[derive(Debug)]
pub(crate) struct QueuedAppend {
    pub(crate) frames: Vec<u8>,
    pub(crate) records: u64,
    pub(crate) pending: PendingAppend,
}

/// Whom to tell what became of an append.
#[derive(Debug)]
pub(crate) struct PendingAppend {
    on_stored: OnStored,
    reply: oneshot::Sender<AppendAnswer>,
    /// Its frames, once they were copied elsewhere.
    copied: Vec<u8>,
    /// Its room in the queue.
    _room: OwnedSemaphorePermit,
}

/// What became of an append.
#[derive(Debug)]
pub(crate) struct AppendAnswer {
    pub(crate) result: Result<Offset, Error>,
    /// Frames that were copied elsewhere, to be freed by the thread that made them: freeing what another thread allocated
    /// costs both of them more.
    pub(crate) copied: Vec<u8>,
}

impl PendingAppend {
    /// Calls what was to be called once the batch is durable.
    pub(crate) fn call_on_stored(&mut self, first: Offset) {
        self.on_stored.call(first);
    }

    /// Keeps frames that were copied elsewhere until the append is answered.
    pub(crate) fn keep_copied(&mut self, frames: Vec<u8>) {
        self.copied = frames;
    }

    /// Answers the append, and gives its room back. The caller may have gone; its batch is written all the same.
    pub(crate) fn answer(self, result: Result<Offset, Error>) {
        let copied = self.copied;
        drop(self.reply.send(AppendAnswer { result, copied }));
    }
}

#[derive(Debug, Default)]
struct QueueState {
    appends: Vec<QueuedAppend>,
    woken: bool,
    closing: bool,
    /// The writer has nothing to do, and waits to be notified.
    is_waiting: bool,
}

/// The queue between the callers and the one writer.
#[derive(Debug)]
pub(crate) struct AppendQueue {
    state: Mutex<QueueState>,
    ready: Condvar,
    room: Arc<Semaphore>,
    limit: usize,
}

impl AppendQueue {
    /// A queue for `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            state: Mutex::default(),
            ready: Condvar::new(),
            room: Arc::new(Semaphore::new(limit)),
            limit,
        }
    }

    /// Waits for room and queues the batch. From then on it will be written, whether or not anyone waits for it.
    pub(crate) async fn push(
        &self,
        batch: Batch,
    ) -> Result<oneshot::Receiver<AppendAnswer>, Error> {
        let (frames, records, on_stored) = batch.into_frames();
        // One batch may be larger than the queue: it then takes all of it.
        let size = frames.len().saturating_add(APPEND_BYTES).min(self.limit);
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(size).await;
        let room = room.map_err(|_| Error::Closed)?;
        let (reply, answer) = oneshot::channel();
        let mut state = lock(&self.state);
        if state.closing {
            return Err(Error::Closed);
        }
        // A writer that is at work looks for itself when it has done that: to notify it would be a system call for nothing.
        let is_awaited = std::mem::take(&mut state.is_waiting);
        state.appends.push(QueuedAppend {
            frames,
            records,
            pending: PendingAppend {
                on_stored,
                reply,
                copied: Vec::new(),
                _room: room,
            },
        });
        drop(state);
        if is_awaited {
            self.ready.notify_one();
        }
        Ok(answer)
    }

    /// Makes the writer look after cursors and space now.
    pub(crate) fn wake_writer(&self) {
        lock(&self.state).woken = true;
        self.ready.notify_one();
    }

    /// Takes no more appends; what is queued is still written.
    pub(crate) fn close(&self) {
        self.room.close();
        lock(&self.state).closing = true;
        self.ready.notify_one();
    }

    /// Whether [`AppendQueue::close`] was called.
    pub(crate) fn is_closing(&self) -> bool {
        lock(&self.state).closing
    }

    /// Closes, and drops the appends that nobody will write any more.
    pub(crate) fn close_and_discard(&self) {
        self.close();
        let left = std::mem::take(&mut lock(&self.state).appends);
        drop(left);
    }

    /// Waits until there are appends, somebody wakes the writer, the queue is closed, or `timeout` is over; moves all
    /// appends to `into`.
    pub(crate) fn take(&self, into: &mut Vec<QueuedAppend>, timeout: Duration) -> Wakeup {
        let is_idle = |state: &mut QueueState| {
            state.is_waiting = state.appends.is_empty() && !state.woken && !state.closing;
            state.is_waiting
        };
        let waited = self
            .ready
            .wait_timeout_while(lock(&self.state), timeout, is_idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        // Also when the time is over.
        state.is_waiting = false;
        std::mem::swap(&mut state.appends, into);
        Wakeup {
            woken: std::mem::take(&mut state.woken),
            closing: state.closing,
        }
    }
}

/// Why the writer goes on, apart from appends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wakeup {
    /// Somebody asked it to look after cursors and space.
    pub(crate) woken: bool,
    /// These are the last appends.
    pub(crate) closing: bool,
}
