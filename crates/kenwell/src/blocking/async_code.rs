//! Whether the calling code runs within a task of tokio, whose thread must not be held up.

use std::task::{Context, Waker};

use tokio::runtime::Handle;
use tokio::task::coop::poll_proceed;

/// More steps than tokio lets a task do before others have their turn, which are 128.
const STEPS: usize = 512;

/// Whether the caller is async code: a task, or what a runtime blocks on.
///
/// A runtime can be entered from threads that may block too, such as those of `spawn_blocking`, and tokio does not tell
/// them apart. But only async code has a budget of steps; so it is used up here, and given back.
pub(super) fn is_async_code() -> bool {
    if Handle::try_current().is_err() {
        return false;
    }
    let mut context = Context::from_waker(Waker::noop());
    let mut taken = Vec::with_capacity(STEPS);
    let is_limited = (0..STEPS).any(|_step| match poll_proceed(&mut context) {
        std::task::Poll::Ready(step) => {
            taken.push(step);
            false
        }
        std::task::Poll::Pending => true,
    });
    // Each gives back what was left before it was taken, so the first one comes last.
    while taken.pop().is_some() {}
    is_limited
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, Runtime};
    use tokio::task::{LocalSet, block_in_place, coop, spawn, spawn_blocking};

    use super::*;

    fn runtimes() -> [Runtime; 2] {
        let mut several = Builder::new_multi_thread();
        let several = several.worker_threads(2).build();
        [
            Builder::new_current_thread().build().unwrap(),
            several.unwrap(),
        ]
    }

    #[test]
    fn async_code_is_told_from_threads_that_may_block() {
        assert!(!is_async_code());
        for runtime in runtimes() {
            let entered = runtime.enter();
            assert!(!is_async_code());
            drop(entered);
            runtime.block_on(async {
                assert!(is_async_code(), "what is blocked on");
                assert!(spawn(async { is_async_code() }).await.unwrap());
                assert!(!spawn_blocking(is_async_code).await.unwrap());
                let local = LocalSet::new();
                assert!(local.run_until(async { is_async_code() }).await);
            });
        }
        let [_, several] = runtimes();
        several.block_on(async {
            let within = async { (is_async_code(), block_in_place(is_async_code)) };
            assert_eq!(spawn(within).await.unwrap(), (true, false));
        });
    }

    #[test]
    fn the_budget_of_a_task_is_given_back() {
        let [runtime, _] = runtimes();
        runtime.block_on(async {
            let left = || {
                let mut context = Context::from_waker(Waker::noop());
                let steps = (0..STEPS).map(|_| poll_proceed(&mut context));
                let mut steps: Vec<_> = steps.take_while(std::task::Poll::is_ready).collect();
                let count = steps.len();
                while steps.pop().is_some() {}
                count
            };
            let before = left();
            assert!((1..STEPS).contains(&before), "{before}");
            assert!(is_async_code());
            assert_eq!(left(), before);
            assert!(coop::has_budget_remaining());
        });
    }
}
