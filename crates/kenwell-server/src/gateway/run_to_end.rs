//! A future that runs to its end, also when nobody waits for it any more.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::runtime::Handle;
use tokio_util::task::{TaskTracker, task_tracker::TrackedFuture};

/// A future that goes on as a task of its own when it is dropped before its end. While somebody waits for it, which is
/// nearly always, it needs no task: nobody else is woken on its behalf.
pub(super) struct RunToEnd<F>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    future: Option<Pin<Box<TrackedFuture<F>>>>,
}

impl<F> RunToEnd<F>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    /// Makes `future` run to its end. `tracker` waits for that.
    pub(super) fn new(tracker: &TaskTracker, future: F) -> Self {
        Self {
            future: Some(Box::pin(tracker.track_future(future))),
        }
    }
}

impl<F> Future for RunToEnd<F>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(future) = &mut self.future else {
            // It has ended, and its output was taken.
            return Poll::Pending;
        };
        let output = ready!(future.as_mut().poll(context));
        self.future = None;
        Poll::Ready(output)
    }
}

impl<F> Drop for RunToEnd<F>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn drop(&mut self) {
        // Without a runtime there is nothing that could run it.
        if let Some(future) = self.future.take()
            && let Ok(runtime) = Handle::try_current()
        {
            drop(runtime.spawn(future));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_is_waited_for_gives_its_output() {
        let tracker = TaskTracker::new();
        assert_eq!(RunToEnd::new(&tracker, async { 7 }).await, 7);
        tracker.close();
        tracker.wait().await;
    }

    #[tokio::test]
    async fn what_is_dropped_runs_on_and_is_waited_for() {
        let tracker = TaskTracker::new();
        for polled in [true, false] {
            let (go, may_go) = oneshot::channel();
            let (ended, has_ended) = oneshot::channel();
            let mut running = RunToEnd::new(&tracker, async move {
                may_go.await.unwrap();
                ended.send(()).unwrap();
            });
            if polled {
                let mut context = Context::from_waker(std::task::Waker::noop());
                assert!(Pin::new(&mut running).poll(&mut context).is_pending());
            }
            drop(running);
            assert_eq!(tracker.len(), 1);
            go.send(()).unwrap();
            has_ended.await.unwrap();
        }
        tracker.close();
        tracker.wait().await;
    }
}
