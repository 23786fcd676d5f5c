//! What of the journal one destination has, told by its delivery, and who waits for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    mem::{replace, take},
    ops::Range,
    sync::{Arc, Mutex},
};

use kenwell_journal::Offset;
use tokio::sync::oneshot;

use super::{
    not_applied::{NotApplied, Stopped},
    unapplied_ranges::UnappliedRanges,
};
use crate::mutex::lock;

/// What one destination has. Clones are the same; it outlives the deliveries of its destination.
#[derive(Debug, Clone, Default)]
pub struct AppliedEvents {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Everything before this has its outcome or is deferred.
    settled: Offset,
    /// Events before it that have none. Of an update that is written in parts, they stay until all have theirs.
    deferred: BTreeSet<Offset>,
    unapplied: UnappliedRanges,
    /// Why nothing is delivered, while nothing is.
    stopped: Option<Stopped>,
    /// Whom to wake by dropping this, by the end of what they wait for, and a number that tells them apart.
    waiting: Waiting,
    last_number: u64,
}

type Waiting = BTreeMap<(Offset, u64), oneshot::Sender<Infallible>>;

/// A place among those who wait, which is given up when this is dropped.
struct Waiter {
    events: AppliedEvents,
    key: (Offset, u64),
    /// Fails when there is something new to see.
    woken: oneshot::Receiver<Infallible>,
}

/// What is known of some events.
enum Look {
    /// They have their outcome, and so many of them are not in Redis; or it makes no sense to wait for it.
    Known(Result<u64, NotApplied>),
    Unknown(Waiter),
}

impl AppliedEvents {
    /// A delivery begins here, and knows of nothing that is deferred. What lies behind comes again, even if it was
    /// applied before.
    pub(crate) fn begin(&self, position: Offset) {
        let mut state = lock(&self.state);
        state.settled = position;
        state.deferred.clear();
        let passed = state.take_passed();
        drop(state);
        wake(passed);
    }

    /// Everything before `end` has its outcome or is deferred, and survives the death of the process.
    pub(crate) fn settle(&self, end: Offset) {
        let mut state = lock(&self.state);
        state.settled = state.settled.max(end);
        let passed = state.take_passed();
        drop(state);
        wake(passed);
    }

    /// These events wait by themselves, and others pass them. To be called before those are settled.
    pub(crate) fn defer(&self, events: impl IntoIterator<Item = Offset>) {
        lock(&self.state).deferred.extend(events);
    }

    /// These events have their outcome now.
    pub(crate) fn settle_deferred(&self, events: impl IntoIterator<Item = Offset>) {
        let mut state = lock(&self.state);
        for event in events {
            state.deferred.remove(&event);
        }
        let passed = state.take_passed();
        drop(state);
        wake(passed);
    }

    /// None of these events will be in Redis: they are dead letters or lost. To be called before they are settled.
    pub(crate) fn leave_out(&self, events: Range<Offset>) {
        lock(&self.state).unapplied.add(events);
    }

    /// From now on the destination gets nothing, for this reason; or it does again.
    pub(crate) fn set_stopped(&self, stopped: Option<Stopped>) {
        let mut state = lock(&self.state);
        state.stopped = stopped;
        let waiting = match stopped {
            Some(_) => take(&mut state.waiting),
            None => Waiting::new(),
        };
        drop(state);
        wake(waiting);
    }

    /// Resolves when all of these events are in Redis or had nothing for it, or as soon as that cannot be waited for.
    /// They must be durable. Dropped earlier, it has changed nothing.
    ///
    /// # Errors
    /// [`NotApplied::Stopped`], [`NotApplied::Refused`].
    pub(super) async fn applied(&self, events: Range<Offset>) -> Result<(), NotApplied> {
        let unapplied = self.settled(&events).await?;
        if unapplied > 0 {
            return Err(NotApplied::Refused(unapplied));
        }
        Ok(())
    }

    /// Resolves when all of these events have their outcome; tells how many of them are not in Redis, at most.
    ///
    /// # Errors
    /// [`NotApplied::Stopped`].
    pub(super) async fn settled(&self, events: &Range<Offset>) -> Result<u64, NotApplied> {
        loop {
            match self.look(events) {
                Look::Known(known) => return known,
                Look::Unknown(mut waiter) => drop((&mut waiter.woken).await),
            }
        }
    }

    fn look(&self, events: &Range<Offset>) -> Look {
        let mut state = lock(&self.state);
        if state.has_settled(events) {
            return Look::Known(Ok(state.unapplied.count(events)));
        }
        if let Some(stopped) = state.stopped {
            return Look::Known(Err(NotApplied::Stopped(stopped)));
        }
        state.last_number += 1;
        let key = (events.end, state.last_number);
        let (wake, woken) = oneshot::channel();
        state.waiting.insert(key, wake);
        drop(state);
        Look::Unknown(Waiter {
            events: self.clone(),
            key,
            woken,
        })
    }

    /// How many wait.
    #[cfg(test)]
    fn waiting(&self) -> usize {
        lock(&self.state).waiting.len()
    }
}

impl State {
    fn has_settled(&self, events: &Range<Offset>) -> bool {
        events.end <= self.settled && self.deferred.range(events.clone()).next().is_none()
    }

    /// Those whose events the delivery has passed. Who waits for a deferred one waits again.
    fn take_passed(&mut self) -> Waiting {
        if self.waiting.is_empty() {
            return Waiting::new();
        }
        let behind = self.waiting.split_off(&(self.settled.plus(1), 0));
        replace(&mut self.waiting, behind)
    }
}

/// Wakes them. To be called without the lock, which is the first that they take.
fn wake(waiting: Waiting) {
    drop(waiting);
}

impl Drop for Waiter {
    fn drop(&mut self) {
        lock(&self.events.state).waiting.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::Pin, task::Poll};

    use super::*;

    type Wait<'a> = Pin<Box<dyn Future<Output = Result<(), NotApplied>> + 'a>>;

    fn wait(applied: &AppliedEvents, start: u64, end: u64) -> Wait<'_> {
        Box::pin(applied.applied(Offset(start)..Offset(end)))
    }

    /// What has come of it so far.
    async fn poll(wait: &mut Wait<'_>) -> Option<Result<(), NotApplied>> {
        poll_fn(|context| {
            Poll::Ready(match wait.as_mut().poll(context) {
                Poll::Ready(result) => Some(result),
                Poll::Pending => None,
            })
        })
        .await
    }

    #[tokio::test]
    async fn events_are_applied_when_the_delivery_has_passed_all_of_them() {
        let applied = AppliedEvents::default();
        applied.begin(Offset(10));
        assert_eq!(poll(&mut wait(&applied, 8, 10)).await, Some(Ok(())));
        let (mut first, mut second) = (wait(&applied, 10, 12), wait(&applied, 12, 13));
        assert_eq!(poll(&mut first).await, None);
        assert_eq!(poll(&mut second).await, None);
        applied.settle(Offset(11));
        assert_eq!(poll(&mut first).await, None);
        applied.settle(Offset(12));
        assert_eq!(poll(&mut first).await, Some(Ok(())));
        assert_eq!(poll(&mut second).await, None);
    }

    #[tokio::test]
    async fn a_deferred_event_keeps_only_its_own_request_waiting() {
        let applied = AppliedEvents::default();
        applied.defer([Offset(1), Offset(5)]);
        applied.settle(Offset(10));
        let mut its_own = wait(&applied, 4, 7);
        assert_eq!(poll(&mut its_own).await, None);
        assert_eq!(poll(&mut wait(&applied, 2, 5)).await, Some(Ok(())));
        applied.settle_deferred([Offset(1)]);
        assert_eq!(poll(&mut its_own).await, None);
        applied.settle(Offset(20));
        assert_eq!(poll(&mut its_own).await, None);
        applied.settle_deferred([Offset(5)]);
        assert_eq!(poll(&mut its_own).await, Some(Ok(())));
    }

    #[tokio::test]
    async fn what_comes_again_is_waited_for_again() {
        let applied = AppliedEvents::default();
        applied.settle(Offset(10));
        applied.begin(Offset(3));
        let mut again = wait(&applied, 4, 5);
        assert_eq!(poll(&mut again).await, None);
        applied.settle(Offset(5));
        assert_eq!(poll(&mut again).await, Some(Ok(())));
    }

    #[tokio::test]
    async fn a_stopped_destination_is_not_waited_for_but_tells_what_it_has() {
        let applied = AppliedEvents::default();
        applied.settle(Offset(10));
        let mut early = wait(&applied, 10, 11);
        assert_eq!(poll(&mut early).await, None);
        applied.set_stopped(Some(Stopped::Paused));
        let paused = Some(Err(NotApplied::Stopped(Stopped::Paused)));
        assert_eq!(poll(&mut early).await, paused);
        assert_eq!(poll(&mut wait(&applied, 10, 11)).await, paused);
        assert_eq!(poll(&mut wait(&applied, 9, 10)).await, Some(Ok(())));
        applied.set_stopped(None);
        assert_eq!(poll(&mut wait(&applied, 10, 11)).await, None);
    }

    #[tokio::test]
    async fn a_dead_letter_is_never_called_applied() {
        let applied = AppliedEvents::default();
        applied.leave_out(Offset(2)..Offset(3));
        applied.settle(Offset(10));
        let refused = Some(Err(NotApplied::Refused(1)));
        assert_eq!(poll(&mut wait(&applied, 1, 4)).await, refused);
        assert_eq!(poll(&mut wait(&applied, 3, 4)).await, Some(Ok(())));
    }

    #[tokio::test]
    async fn who_goes_away_leaves_nothing_behind() {
        let applied = AppliedEvents::default();
        let mut waits = [wait(&applied, 1, 4), wait(&applied, 1, 4)];
        for wait in &mut waits {
            assert_eq!(poll(wait).await, None);
        }
        assert_eq!(applied.waiting(), 2);
        drop(waits);
        assert_eq!(applied.waiting(), 0);
    }
}
