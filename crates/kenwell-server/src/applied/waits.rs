//! Requests that wait: so many at once, each for a limited time, and none longer than the server runs.

use std::{ops::Range, time::Duration};

use futures_util::future::try_join_all;
use kenwell_journal::Offset;
use tokio::{sync::Semaphore, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{applied_events::AppliedEvents, not_applied::NotApplied};

/// How long a request waits that does not say it.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(5);
/// The longest that a request may wait.
pub const MAX_WAIT: Duration = Duration::from_mins(1);
/// The most requests that wait at once, however many connections there may be.
const MAX_WAITS: usize = 1_024;

/// The requests of one listener that wait.
#[derive(Debug)]
pub struct Waits {
    places: Semaphore,
    closing: CancellationToken,
}

/// How many of so many connections may wait.
fn places(connections: usize) -> usize {
    (connections / 4).clamp(1, MAX_WAITS)
}

/// How many of these may be of one source: a half, so that one whose destination is down leaves places to the others.
pub(crate) fn source_share(connections: usize) -> usize {
    (places(connections) / 2).max(1)
}

impl Waits {
    /// Lets a quarter of so many connections wait, but at most `MAX_WAITS` and at least one, until `closing` is cancelled.
    pub fn new(connections: usize, closing: CancellationToken) -> Self {
        Self {
            places: Semaphore::new(places(connections)),
            closing,
        }
    }

    /// The server stops: every wait ends at once, and those that begin later, too.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Resolves when these events, which are durable, are in the Redis of all these destinations or had nothing for
    /// them; or as soon as that cannot be waited for. Dropped earlier, it leaves nothing behind.
    ///
    /// # Errors
    /// [`NotApplied`].
    pub async fn applied(
        &self,
        limit: Duration,
        events: impl IntoIterator<Item = (AppliedEvents, Range<Offset>)>,
    ) -> Result<(), NotApplied> {
        let waits = events.into_iter();
        let waits =
            waits.map(|(destination, events)| async move { destination.applied(events).await });
        self.limit(limit, try_join_all(waits)).await.map(drop)
    }

    /// Resolves when these events have their outcome at a destination, also those that are dead letters.
    ///
    /// # Errors
    /// [`NotApplied`].
    pub async fn settled(
        &self,
        limit: Duration,
        destination: &AppliedEvents,
        events: &Range<Offset>,
    ) -> Result<(), NotApplied> {
        self.limit(limit, destination.settled(events))
            .await
            .map(drop)
    }

    async fn limit<T>(
        &self,
        limit: Duration,
        wait: impl Future<Output = Result<T, NotApplied>>,
    ) -> Result<T, NotApplied> {
        let Ok(_place) = self.places.try_acquire() else {
            return Err(NotApplied::TooManyWaits);
        };
        tokio::select! {
            biased;
            ended = timeout(limit, wait) => ended.unwrap_or(Err(NotApplied::TimedOut)),
            () = self.closing.cancelled() => Err(NotApplied::Stopping),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::applied::Stopped;

    const LONG: Duration = Duration::from_hours(1);

    fn events() -> Range<Offset> {
        Offset(0)..Offset(1)
    }

    fn applied() -> AppliedEvents {
        let applied = AppliedEvents::default();
        applied.settle(Offset(1));
        applied
    }

    #[tokio::test]
    async fn all_destinations_must_have_the_events_and_one_that_is_stopped_ends_the_wait() {
        let waits = Waits::new(100, CancellationToken::new());
        let (here, away) = (applied(), AppliedEvents::default());
        let all = || [(here.clone(), events()), (away.clone(), events())];
        let soon = Duration::from_millis(1);
        assert_eq!(waits.applied(soon, all()).await, Err(NotApplied::TimedOut));
        let third = AppliedEvents::default();
        third.set_stopped(Some(Stopped::Removed));
        let with_third = all().into_iter().chain([(third, events())]);
        let removed = Err(NotApplied::Stopped(Stopped::Removed));
        assert_eq!(waits.applied(LONG, with_third).await, removed);
        away.settle(Offset(1));
        assert_eq!(waits.applied(LONG, all()).await, Ok(()));
        assert_eq!(waits.applied(LONG, []).await, Ok(()));
    }

    #[tokio::test]
    async fn only_so_many_wait_and_none_longer_than_the_server_runs() {
        let waits = Waits::new(4, CancellationToken::new());
        let (away, events) = (AppliedEvents::default(), events());
        let both = tokio::join!(waits.settled(LONG, &away, &events), async {
            let second = waits.settled(LONG, &away, &events).await;
            waits.close();
            second
        });
        assert_eq!(
            both,
            (Err(NotApplied::Stopping), Err(NotApplied::TooManyWaits))
        );
        let later = waits.settled(LONG, &away, &events).await;
        assert_eq!(later, Err(NotApplied::Stopping));
        assert_eq!(waits.settled(LONG, &applied(), &events).await, Ok(()));
    }
}
