//! The appends that wait for the writer: bounded in bytes and number, waited for without blocking a thread.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::batch::{Batch, OnStored};
use crate::error::Error;
use crate::mutex::lock;
use crate::offset::Offset;

/// What an append counts on top of its bytes; bounds the number of waiting appends.
const REQUEST_BYTES: usize = 256;

/// One append.
#[derive(Debug)]
pub(crate) struct QueuedAppend {
    pub(crate) frames: Vec<u8>,
    pub(crate) records: u64,
    pub(crate) stored: OnStored,
    pub(crate) reply: oneshot::Sender<Result<Offset, Error>>,
    /// Gives the room in the queue back once the append has its answer.
    pub(crate) room: OwnedSemaphorePermit,
}

#[derive(Debug, Default)]
struct State {
    requests: Vec<QueuedAppend>,
    nudged: bool,
    closing: bool,
}

/// The queue between the callers and the one writer.
#[derive(Debug)]
pub(crate) struct AppendQueue {
    state: Mutex<State>,
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
    ) -> Result<oneshot::Receiver<Result<Offset, Error>>, Error> {
        let (frames, records, stored) = batch.into_frames();
        // One batch may be larger than the queue: it then takes all of it.
        let size = frames.len().saturating_add(REQUEST_BYTES).min(self.limit);
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(size).await;
        let room = room.map_err(|_| Error::Closed)?;
        let (reply, answer) = oneshot::channel();
        let mut state = lock(&self.state);
        if state.closing {
            return Err(Error::Closed);
        }
        let first = state.requests.is_empty();
        state.requests.push(QueuedAppend {
            frames,
            records,
            stored,
            reply,
            room,
        });
        drop(state);
        if first {
            self.ready.notify_one();
        }
        Ok(answer)
    }

    /// Bytes of room taken, counting every append as its size plus 256.
    pub(crate) fn bytes(&self) -> usize {
        self.limit.saturating_sub(self.room.available_permits())
    }

    /// Makes the writer look at its other duties now.
    pub(crate) fn nudge(&self) {
        lock(&self.state).nudged = true;
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

    /// Closes, and drops what nobody will write any more.
    pub(crate) fn abandon(&self) {
        self.close();
        let left = std::mem::take(&mut lock(&self.state).requests);
        drop(left);
    }

    /// Waits for appends, a nudge, the end, or `patience`; moves all that is queued to `into`.
    pub(crate) fn take(&self, into: &mut Vec<QueuedAppend>, patience: Duration) -> Wakeup {
        let idle = |state: &mut State| state.requests.is_empty() && !state.nudged && !state.closing;
        let waited = self
            .ready
            .wait_timeout_while(lock(&self.state), patience, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut state.requests, into);
        Wakeup {
            nudged: std::mem::take(&mut state.nudged),
            closing: state.closing,
        }
    }
}

/// Why the writer woke, apart from appends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wakeup {
    /// Somebody asked it to look after space and cursors.
    pub(crate) nudged: bool,
    /// These are the last appends.
    pub(crate) closing: bool,
}
