//! Requests that wait: so many at once, each for a limited time, and none longer than the server runs.

use std::{ops::Range, time::Duration};

use futures_util::future::{select_all, try_join_all};
use kenwell_journal::Offset;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    applied_events::AppliedEvents,
    not_applied::NotApplied,
    wait_places::{WaitPlace, WaitPlaces},
};
use crate::listener::HangUpWatch;

/// How long a request waits that does not say it.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(5);
/// The longest that a request may wait.
pub const MAX_WAIT: Duration = Duration::from_mins(1);

/// The requests of one listener that wait.
#[derive(Debug)]
pub struct Waits {
    places: WaitPlaces,
    closing: CancellationToken,
}

/// Who waits.
pub(crate) struct WaitingSender<'a, S> {
    /// The places of each of its sources.
    pub(crate) shares: S,
    /// Sees it leave.
    pub(crate) hang_up: &'a HangUpWatch,
}

impl Waits {
    /// Lets a quarter of so many connections wait, but at most 1,024 and at least one, until `closing` is cancelled.
    pub fn new(connections: usize, closing: CancellationToken) -> Self {
        Self {
            places: WaitPlaces::of_connections(connections),
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
    /// A sender that has hung up is not waited for. One that only sends no more may have hung up, too: it waits on, and
    /// gives way to others when there are no places left.
    ///
    /// # Errors
    /// [`NotApplied`].
    pub(crate) async fn applied<'a>(
        &'a self,
        limit: Duration,
        events: impl IntoIterator<Item = (AppliedEvents, Range<Offset>)>,
        sender: WaitingSender<'_, impl Iterator<Item = &'a WaitPlaces>>,
    ) -> Result<(), NotApplied> {
        let WaitingSender { shares, hang_up } = sender;
        let places = shares.chain([&self.places]).map(WaitPlaces::take);
        let places: Option<Vec<_>> = places.collect();
        let mut places = places.ok_or(NotApplied::TooManyWaits)?;
        let waits = events.into_iter();
        let waits =
            waits.map(|(destination, events)| async move { destination.applied(events).await });
        tokio::select! {
            biased;
            ended = self.limit(limit, try_join_all(waits)) => ended.map(drop),
            reason = leaves(hang_up, &mut places) => Err(reason),
        }
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
        let _place = self.places.take().ok_or(NotApplied::TooManyWaits)?;
        self.limit(limit, destination.settled(events))
            .await
            .map(drop)
    }

    async fn limit<T>(
        &self,
        limit: Duration,
        wait: impl Future<Output = Result<T, NotApplied>>,
    ) -> Result<T, NotApplied> {
        tokio::select! {
            biased;
            ended = timeout(limit, wait) => ended.unwrap_or(Err(NotApplied::TimedOut)),
            () = self.closing.cancelled() => Err(NotApplied::Stopping),
        }
    }
}

/// Resolves when a sender has hung up; or, if that may be, when somebody else has taken one of its places.
async fn leaves(hang_up: &HangUpWatch, places: &mut [WaitPlace]) -> NotApplied {
    hang_up.half_closed().await;
    let offers = places.iter_mut().map(|place| Box::pin(place.offer()));
    tokio::select! {
        biased;
        () = hang_up.reset() => NotApplied::HungUp,
        _ = select_all(offers) => NotApplied::TooManyWaits,
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

    /// A sender without a source that is there to the end.
    async fn wait(
        waits: &Waits,
        limit: Duration,
        events: impl IntoIterator<Item = (AppliedEvents, Range<Offset>)>,
    ) -> Result<(), NotApplied> {
        let sender = WaitingSender {
            shares: std::iter::empty(),
            hang_up: &HangUpWatch::default(),
        };
        waits.applied(limit, events, sender).await
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
        assert_eq!(wait(&waits, soon, all()).await, Err(NotApplied::TimedOut));
        let third = AppliedEvents::default();
        third.set_stopped(Some(Stopped::Removed));
        let with_third = all().into_iter().chain([(third, events())]);
        let removed = Err(NotApplied::Stopped(Stopped::Removed));
        assert_eq!(wait(&waits, LONG, with_third).await, removed);
        away.settle(Offset(1));
        assert_eq!(wait(&waits, LONG, all()).await, Ok(()));
        assert_eq!(wait(&waits, LONG, []).await, Ok(()));
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
