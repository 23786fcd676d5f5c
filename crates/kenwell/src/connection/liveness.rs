//! Whether an open connection still lives: it is asked after a pause, its task may stand still, or have ended.
//!
//! A client library moves a connection's bytes in a task of its own. That task may run on another runtime than the
//! caller's; when that runtime stands still, or the task has ended, a caller would wait for its reply for ever.
//! So the task counts how often it was polled, can be woken, and tells when it ends, and calls note their replies.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::task::AtomicWaker;
use tokio::sync::Notify;

use super::command_queue::{Broken, closed};
use super::draining_socket::LastActivity;

/// After so long without a reply the next call first asks whether the server is still there (`PING`): a firewall
/// may have forgotten the connection without telling either side.
const IDLE: Duration = Duration::from_secs(3);

/// Shared by the task that moves a connection's bytes and the calls that wait for replies.
pub(super) struct Liveness {
    /// How often the task was polled.
    polls: AtomicU64,
    task: AtomicWaker,
    under_way: AtomicUsize,
    /// When the latest reply came.
    answered: LastActivity,
    has_ended: AtomicBool,
    /// Told when the task has ended.
    ended: Notify,
}

/// Tells that the task has ended, when it is dropped with the task.
struct EndGuard(Arc<Liveness>);

/// A call that is under way, for as long as it lives.
pub(super) struct CallGuard(Arc<Liveness>);

impl Liveness {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            polls: AtomicU64::new(0),
            task: AtomicWaker::new(),
            under_way: AtomicUsize::new(0),
            answered: LastActivity::new(),
            has_ended: AtomicBool::new(false),
            ended: Notify::new(),
        })
    }

    /// Runs the task that moves the bytes: counts how often it is polled, and tells when it has ended.
    pub(super) async fn watch(self: Arc<Self>, task: impl Future<Output = ()>) {
        // Dropped after the task, and with it after everything that the task still held.
        let _end = EndGuard(Arc::clone(&self));
        let mut task = pin!(task);
        poll_fn(|context| {
            self.task.register(context.waker());
            self.polls.fetch_add(1, Ordering::Relaxed);
            task.as_mut().poll(context)
        })
        .await;
    }

    /// Wakes the task, whatever it waits for, and tells how often it was polled before. When that is still so long
    /// after that, its runtime stands still.
    pub(super) fn wake_task(&self) -> u64 {
        let polls = self.polls();
        self.task.wake();
        polls
    }

    /// How often the task was polled so far.
    pub(super) fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    /// Whether the connection has not been used for a while.
    pub(super) fn is_idle(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) == 0 && self.answered.quiet_for() >= IDLE
    }

    /// A reply came.
    pub(super) fn note_reply(&self) {
        self.answered.note();
    }

    /// Awaits a reply, or fails when the task has ended: a command that was handed over in the moment of the
    /// task's end may never be sent, and its reply never come.
    pub(super) async fn await_reply<T>(
        &self,
        reply: impl Future<Output = Result<T, Broken>>,
    ) -> Result<T, Broken> {
        let mut reply = pin!(reply);
        tokio::select! {
            biased;
            reply = &mut reply => reply,
            () = self.end() => {
                // It may have come just before the end.
                let lost = || Err(closed());
                reply.now_or_never().unwrap_or_else(lost)
            }
        }
    }

    async fn end(&self) {
        let mut ended = pin!(self.ended.notified());
        ended.as_mut().enable();
        if !self.has_ended.load(Ordering::Acquire) {
            ended.await;
        }
    }

    /// A call is under way.
    pub(super) fn begin_call(self: &Arc<Self>) -> CallGuard {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        CallGuard(Arc::clone(self))
    }
}

impl Drop for EndGuard {
    fn drop(&mut self) {
        self.0.has_ended.store(true, Ordering::Release);
        self.0.ended.notify_waiters();
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn no_call_waits_for_a_task_that_has_ended() {
        let liveness = Liveness::new();
        let task = tokio::spawn(Arc::clone(&liveness).watch(pending()));
        let waiting = tokio::spawn({
            let liveness = Arc::clone(&liveness);
            async move { liveness.await_reply(pending::<Result<(), Broken>>()).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        task.abort();
        let lost = waiting.await.unwrap().unwrap_err();
        assert_eq!(lost.kind(), std::io::ErrorKind::BrokenPipe);
        assert!(
            liveness
                .await_reply(pending::<Result<(), Broken>>())
                .await
                .is_err()
        );
        assert!(liveness.await_reply(async { Ok(1) }).await.is_ok());
    }

    #[tokio::test]
    async fn a_task_that_waits_for_something_else_can_be_woken() {
        let liveness = Liveness::new();
        let _task = tokio::spawn(Arc::clone(&liveness).watch(pending()));
        tokio::task::yield_now().await;
        for _time in 0..2 {
            let polls = liveness.wake_task();
            assert_eq!(liveness.polls(), polls);
            tokio::task::yield_now().await;
            assert_eq!(liveness.polls(), polls + 1);
        }
    }
}
