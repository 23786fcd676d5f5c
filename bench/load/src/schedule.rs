//! When requests are due, with `--rate`: an open loop. Requests become due by the clock, whatever became of the ones
//! before, and latencies count from then, so that a slow answer cannot hide the requests that it held up.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio::sync::Semaphore;

/// Pause between two looks at the clock: requests that become due within it start together.
const PAUSE: Duration = Duration::from_micros(100);

/// At most so many wait for a request to be due.
const MAX_CONNECTIONS: usize = 4096;

/// Requests at a fixed rate.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    started: Instant,
    /// Events a second.
    rate: u64,
    /// One permit for each request that is due and not sent.
    due: Arc<Semaphore>,
}

impl Schedule {
    /// Begins: the first request is due at `started`. The clock is watched by a thread of its own, because timers of the
    /// async runtime are up to a millisecond late.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(crate) fn begin(
        started: Instant,
        rate: u64,
        events: u64,
        batch: u64,
    ) -> anyhow::Result<Self> {
        let schedule = Self {
            started,
            rate,
            due: Arc::new(Semaphore::new(0)),
        };
        let clock = schedule.clone();
        thread::Builder::new()
            .name("schedule".to_owned())
            .spawn(move || clock.release(events, batch))
            .context("cannot start a thread")?;
        Ok(schedule)
    }

    /// Waits until a request is due, or none is left.
    pub(crate) async fn wait(&self) -> anyhow::Result<()> {
        self.due.acquire().await?.forget();
        Ok(())
    }

    /// When the request that begins with this event is due.
    pub(crate) fn due(&self, event: u64) -> Instant {
        let nanoseconds = u128::from(event) * 1_000_000_000 / u128::from(self.rate.max(1));
        self.started + Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    /// Gives one permit for each request when it is due.
    fn release(&self, events: u64, batch: u64) {
        for event in (0..events).step_by(usize::try_from(batch.max(1)).unwrap_or(1)) {
            let due = self.due(event);
            while let Some(early) = due.checked_duration_since(Instant::now()) {
                thread::sleep(early.max(PAUSE));
            }
            self.due.add_permits(1);
        }
        // Whoever still waits sees that nothing is left.
        self.due.add_permits(MAX_CONNECTIONS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_request_has_its_permit_and_none_comes_early() {
        let started = Instant::now();
        let schedule = Schedule::begin(started, 10_000, 300, 100).unwrap();
        for event in [0, 100, 200] {
            schedule.wait().await.unwrap();
            assert!(Instant::now() >= schedule.due(event));
        }
        assert_eq!(schedule.due(200) - started, Duration::from_millis(20));
        // A connection that finds nothing left is not kept waiting.
        schedule.wait().await.unwrap();
    }
}
