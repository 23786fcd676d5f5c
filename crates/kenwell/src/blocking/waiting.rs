//! Waiting for a future on a thread that does nothing else meanwhile.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// Wakes a thread that waits.
struct WaitingThread {
    thread: Thread,
    /// Whether it was woken since it looked last. Being unparked says too little: what the future itself does may
    /// park the thread as well.
    is_woken: AtomicBool,
}

impl Wake for WaitingThread {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Waits until the future is done.
pub(super) fn wait_for<F: Future>(future: F) -> F::Output {
    let waiting = Arc::new(WaitingThread {
        thread: thread::current(),
        is_woken: AtomicBool::new(false),
    });
    let waker = Waker::from(Arc::clone(&waiting));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        while !waiting.is_woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn it_is_woken_by_another_thread() {
        let (tell, told) = oneshot::channel();
        let other = thread::spawn(move || tell.send(7));
        assert_eq!(wait_for(told), Ok(7));
        other.join().unwrap().unwrap();
    }

    #[test]
    fn a_future_that_parks_its_thread_loses_no_wake() {
        let mut polls = 0;
        let woken = poll_fn(|context| {
            polls += 1;
            if polls == 2 {
                return Poll::Ready(polls);
            }
            context.waker().wake_by_ref();
            // Takes the token that the wake left.
            thread::park();
            Poll::Pending
        });
        assert_eq!(wait_for(woken), 2);
    }
}
