//! When something must have come, and how long that was away when it was set.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use crate::Error;

/// A process that looks at a deadline so much later than it passed was stopped meanwhile: it was frozen, or the
/// machine slept.
const STOPPED: Duration = Duration::from_millis(100);

/// How long a process that was stopped waits for what came meanwhile and was not read yet.
const GRACE: Duration = Duration::from_secs(1);

/// The same for a process that was not stopped: time to read what lies in the socket.
const LAST_LOOK: Duration = Duration::from_millis(20);

/// Stands for a time that cannot be counted. Limits are settings of some seconds.
const FOREVER: Duration = Duration::from_hours(24 * 365);

/// A point in time, and how long it was away when it was set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    until: Instant,
    length: Duration,
}

impl Deadline {
    /// So long from now on.
    pub(crate) fn of(length: Duration) -> Self {
        let now = Instant::now();
        let until = now.checked_add(length).unwrap_or(now + FOREVER);
        Self { until, length }
    }

    /// Whether nothing is left of it.
    pub(crate) fn is_over(self) -> bool {
        self.until <= Instant::now()
    }

    /// The one that ends first.
    #[must_use]
    pub(crate) fn or_sooner(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.until < self.until => other,
            _ => self,
        }
    }

    /// Awaits something until the limit; `None` when it did not come.
    ///
    /// What is there already counts: a process that was stopped beyond the deadline first reads what came
    /// meanwhile.
    pub(crate) async fn wait<F: Future>(self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        if let Ok(came) = timeout_at(self.until, &mut future).await {
            return Some(came);
        }
        let stopped = self.until.elapsed() > STOPPED;
        let last_look = if stopped { GRACE } else { LAST_LOOK };
        timeout(last_look, future).await.ok()
    }

    /// The error for what did not come in time.
    pub(crate) fn exceeded(self, action: &'static str, address: &Arc<str>) -> Error {
        Error::Timeout {
            address: Arc::clone(address),
            action,
            limit: self.length,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::time::sleep;

    use super::*;

    #[tokio::test]
    async fn the_end_comes_and_what_is_there_wins() {
        let limit = Deadline::of(Duration::from_millis(10));
        assert_eq!(limit.wait(pending::<()>()).await, None);
        assert_eq!(limit.wait(ready(1)).await, Some(1));
        let longer = Deadline::of(Duration::MAX);
        assert!(longer.or_sooner(Some(limit)).is_over());
        assert!(limit.or_sooner(Some(longer)).is_over());
    }

    #[tokio::test]
    async fn whoever_was_stopped_reads_first_what_came_meanwhile() {
        let limit = Deadline::of(Duration::from_secs(1));
        let reply = async {
            tokio::task::yield_now().await;
            // As a process that is stopped in the middle of its wait.
            std::thread::sleep(Duration::from_secs(1) + 2 * STOPPED);
            sleep(2 * LAST_LOOK).await;
        };
        assert_eq!(limit.wait(reply).await, Some(()));
    }
}
