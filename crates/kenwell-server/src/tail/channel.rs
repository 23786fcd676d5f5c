//! The way from those who tell to those who look: a bounded queue for each reader.

use std::fmt;
use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use tokio::sync::mpsc;

use super::observation::{Head, Observation};
use super::{Filter, TailEvent};

/// Readers at once: each is a connection and a share of the work.
pub const MAX_SUBSCRIBERS: usize = 16;
/// Events that wait for one reader; beyond it he misses some, and is told how many.
const WAITING: usize = 256;

/// Where gateway and delivery tell what they do, and readers come to look. Clones are the same.
#[derive(Clone, Default)]
pub struct Tail {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// How many there are: all that is looked at when nobody looks.
    count: AtomicUsize,
    shown: AtomicU64,
    subscriptions: RwLock<Vec<Arc<Subscription>>>,
}

/// Where one reader gets his events.
struct Subscription {
    filter: Filter,
    queue: mpsc::Sender<Arc<TailEvent>>,
    missed: AtomicU64,
}

/// Somebody who looks, from now until it is dropped.
pub struct Subscriber {
    inner: Arc<Inner>,
    subscription: Arc<Subscription>,
    queue: mpsc::Receiver<Arc<TailEvent>>,
}

/// Events that a reader was too slow for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissedEvents(pub u64);

impl fmt::Debug for Tail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tail").finish_non_exhaustive()
    }
}

impl Tail {
    /// Whether anybody looks. Ask before telling.
    pub fn has_subscribers(&self) -> bool {
        self.inner.count.load(Ordering::Relaxed) > 0
    }

    /// Shows this to everybody who looks for it.
    pub fn publish(&self, observation: &Observation<'_>) {
        let head = Head::of(observation);
        let subscriptions = self.inner.subscriptions.read();
        let subscriptions = subscriptions.unwrap_or_else(PoisonError::into_inner);
        let mut copy: Option<Arc<TailEvent>> = None;
        for subscription in subscriptions
            .iter()
            .filter(|subscription| subscription.filter.wants(observation, &head))
        {
            let Ok(place) = subscription.queue.try_reserve() else {
                subscription.missed.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let seen = copy.get_or_insert_with(|| {
                let number = self.inner.shown.fetch_add(1, Ordering::Relaxed) + 1;
                Arc::new(TailEvent::new(number, observation, &head))
            });
            place.send(Arc::clone(seen));
        }
    }

    /// Begins to look; `None` when [`MAX_SUBSCRIBERS`] do already.
    pub fn subscribe(&self, filter: Filter) -> Option<Subscriber> {
        let (sender, queue) = mpsc::channel(WAITING);
        let subscription = Arc::new(Subscription {
            filter,
            queue: sender,
            missed: AtomicU64::new(0),
        });
        let subscriptions = self.inner.subscriptions.write();
        let mut subscriptions = subscriptions.unwrap_or_else(PoisonError::into_inner);
        if subscriptions.len() >= MAX_SUBSCRIBERS {
            return None;
        }
        subscriptions.push(Arc::clone(&subscription));
        self.inner
            .count
            .store(subscriptions.len(), Ordering::Relaxed);
        Some(Subscriber {
            inner: Arc::clone(&self.inner),
            subscription,
            queue,
        })
    }
}

impl Subscriber {
    /// What comes next.
    ///
    /// # Errors
    /// [`MissedEvents`], when this reader was too slow for some; the next call goes on.
    pub async fn next(&mut self) -> Result<Arc<TailEvent>, MissedEvents> {
        let missed = self.subscription.missed.swap(0, Ordering::Relaxed);
        if missed > 0 {
            return Err(MissedEvents(missed));
        }
        match self.queue.recv().await {
            Some(seen) => Ok(seen),
            // The other end lives as long as the reader.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let subscriptions = self.inner.subscriptions.write();
        let mut subscriptions = subscriptions.unwrap_or_else(PoisonError::into_inner);
        subscriptions.retain(|subscription| !Arc::ptr_eq(subscription, &self.subscription));
        self.inner
            .count
            .store(subscriptions.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tail::Outcome;

    fn tell(tail: &Tail, source: &str) {
        tail.publish(&Observation {
            source,
            outcome: Outcome::Accepted,
            event: b"{}",
            reason: None,
            destination: None,
            update: None,
        });
    }

    #[tokio::test]
    async fn everybody_sees_what_he_looks_for_in_order() {
        let tail = Tail::default();
        assert!(!tail.has_subscribers());
        tell(&tail, "web");
        let mut all = tail.subscribe(Filter::default()).unwrap();
        let only_ios = Filter {
            source: Some("ios".to_owned()),
            ..Filter::default()
        };
        let mut ios = tail.subscribe(only_ios).unwrap();
        assert!(tail.has_subscribers());
        tell(&tail, "web");
        tell(&tail, "ios");
        assert_eq!(all.next().await.unwrap().seq, 1);
        assert_eq!(all.next().await.unwrap().seq, 2);
        assert_eq!(ios.next().await.unwrap().seq, 2);
        drop((all, ios));
        assert!(!tail.has_subscribers());
    }

    #[tokio::test]
    async fn the_slow_are_told_how_much_they_missed() {
        let tail = Tail::default();
        let mut reader = tail.subscribe(Filter::default()).unwrap();
        for _ in 0..WAITING + 7 {
            tell(&tail, "web");
        }
        assert_eq!(reader.next().await.unwrap_err(), MissedEvents(7));
        assert_eq!(reader.next().await.unwrap().seq, 1);
    }

    #[test]
    fn readers_are_bounded() {
        let tail = Tail::default();
        let watch = || tail.subscribe(Filter::default());
        let readers: Vec<_> = (0..MAX_SUBSCRIBERS).map(|_| watch().unwrap()).collect();
        assert!(watch().is_none());
        drop(readers);
        assert!(watch().is_some());
    }
}
