//! Signs of life of one open connection.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// After so long without a call the next one first asks whether the server is still there: a firewall may
/// have forgotten the connection without telling either side.
const IDLE: Duration = Duration::from_secs(3);

/// Shared by the task that moves a connection's bytes and those who wait for replies.
pub(super) struct Pulse {
    opened: Instant,
    /// How often the task was run.
    beats: AtomicU64,
    under_way: AtomicUsize,
    /// When the latest reply came, in milliseconds since `opened`.
    answered: AtomicU64,
}

/// A call that is under way, for as long as it lives.
pub(super) struct UnderWay(Arc<Pulse>);

impl Pulse {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            beats: AtomicU64::new(0),
            under_way: AtomicUsize::new(0),
            answered: AtomicU64::new(0),
        })
    }

    /// Counts how often the task is run.
    pub(super) async fn count(self: Arc<Self>, task: impl Future<Output = ()>) {
        let mut task = pin!(task);
        poll_fn(|context| {
            self.beats.fetch_add(1, Ordering::Relaxed);
            task.as_mut().poll(context)
        })
        .await;
    }

    /// How often the task was run so far. It is woken by every command; when it was not run long after
    /// that, its runtime stands still.
    pub(super) fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }

    /// Whether nobody has used the connection for a while.
    pub(super) fn is_idle(&self) -> bool {
        let answered = Duration::from_millis(self.answered.load(Ordering::Relaxed));
        self.under_way.load(Ordering::Relaxed) == 0
            && self.opened.elapsed().saturating_sub(answered) >= IDLE
    }

    /// A reply came.
    pub(super) fn answered(&self) {
        let now = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.answered.store(now, Ordering::Relaxed);
    }

    /// A call is under way.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}
