//! From gateway and delivery to those who look: a bounded queue for each subscriber.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use tokio::sync::mpsc;

use super::observation::{EventFields, Observation};
use super::{Filter, TailEvent};

/// Subscribers at once: each is a connection and a share of the work.
pub const MAX_SUBSCRIBERS: usize = 16;
/// Events that wait for one subscriber. Beyond, it misses some, and is told how many.
const QUEUE_EVENTS: usize = 256;

/// Where gateway and delivery publish what became of events. Clones are the same tail.
#[derive(Debug, Clone, Default)]
pub struct Tail {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// How many subscriptions there are: all that is read while there are none.
    count: AtomicUsize,
    /// Events that were shown to anybody since the start.
    shown: AtomicU64,
    subscriptions: RwLock<Vec<Arc<Subscription>>>,
}

/// What one subscriber wants to see, and where it gets it.
#[derive(Debug)]
struct Subscription {
    filter: Filter,
    queue: mpsc::Sender<Arc<TailEvent>>,
    missed: AtomicU64,
}

/// Gets events from when it was made until it is dropped.
pub struct Subscriber {
    inner: Arc<Inner>,
    subscription: Arc<Subscription>,
    queue: mpsc::Receiver<Arc<TailEvent>>,
}

/// How many events a subscriber was too slow for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissedEvents(pub u64);

impl Tail {
    /// Whether anybody looks. To be asked before an observation is made.
    pub fn has_subscribers(&self) -> bool {
        self.inner.count.load(Ordering::Relaxed) > 0
    }

    /// Whether anybody looks at what is written to this destination.
    pub fn watches_writes_to(&self, destination: &str) -> bool {
        if !self.has_subscribers() {
            return false;
        }
        let subscriptions = self.inner.subscriptions.read();
        let subscriptions = subscriptions.unwrap_or_else(PoisonError::into_inner);
        let mut filters = subscriptions.iter().map(|it| &it.filter);
        filters.any(|filter| filter.may_want_writes_to(destination))
    }

    /// Shows an event to every subscriber that wants to see it.
    pub fn publish(&self, observation: &Observation<'_>) {
        let fields = EventFields::of(observation);
        let subscriptions = self.inner.subscriptions.read();
        let subscriptions = subscriptions.unwrap_or_else(PoisonError::into_inner);
        let mut copy: Option<Arc<TailEvent>> = None;
        for subscription in subscriptions
            .iter()
            .filter(|subscription| subscription.filter.wants(observation, &fields))
        {
            let Ok(permit) = subscription.queue.try_reserve() else {
                subscription.missed.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let event = copy.get_or_insert_with(|| {
                let number = self.inner.shown.fetch_add(1, Ordering::Relaxed) + 1;
                Arc::new(TailEvent::new(number, observation, &fields))
            });
            permit.send(Arc::clone(event));
        }
    }

    /// A new subscriber; `None` when there are [`MAX_SUBSCRIBERS`] already.
    pub fn subscribe(&self, filter: Filter) -> Option<Subscriber> {
        let (sender, queue) = mpsc::channel(QUEUE_EVENTS);
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
    /// The next event.
    ///
    /// # Errors
    /// [`MissedEvents`], when this subscriber was too slow for some; the next call goes on.
    pub async fn next(&mut self) -> Result<Arc<TailEvent>, MissedEvents> {
        let missed = self.subscription.missed.swap(0, Ordering::Relaxed);
        if missed > 0 {
            return Err(MissedEvents(missed));
        }
        match self.queue.recv().await {
            Some(event) => Ok(event),
            // The other end lives as long as the subscriber.
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

    fn publish(tail: &Tail, source: &str) {
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
    async fn each_subscriber_sees_what_it_looks_for_in_order() {
        let tail = Tail::default();
        assert!(!tail.has_subscribers());
        publish(&tail, "web");
        let mut all = tail.subscribe(Filter::default()).unwrap();
        let only_ios = Filter {
            source: Some("ios".to_owned()),
            ..Filter::default()
        };
        let mut ios = tail.subscribe(only_ios).unwrap();
        assert!(tail.has_subscribers());
        publish(&tail, "web");
        publish(&tail, "ios");
        assert_eq!(all.next().await.unwrap().seq, 1);
        assert_eq!(all.next().await.unwrap().seq, 2);
        assert_eq!(ios.next().await.unwrap().seq, 2);
        drop((all, ios));
        assert!(!tail.has_subscribers());
    }

    #[test]
    fn only_what_somebody_may_see_is_watched() {
        let tail = Tail::default();
        assert!(!tail.watches_writes_to("a"));
        let filter = |destination: &str, outcome| Filter {
            destination: Some(destination.to_owned()),
            outcome,
            ..Filter::default()
        };
        let _refused = tail.subscribe(filter("a", Some(Outcome::DeadLettered)));
        assert!(!tail.watches_writes_to("a"));
        let _written = tail.subscribe(filter("a", Some(Outcome::Written)));
        assert!(tail.watches_writes_to("a") && !tail.watches_writes_to("b"));
        let _all = tail.subscribe(Filter::default());
        assert!(tail.watches_writes_to("b"));
    }

    #[tokio::test]
    async fn a_slow_subscriber_is_told_how_much_it_missed() {
        let tail = Tail::default();
        let mut subscriber = tail.subscribe(Filter::default()).unwrap();
        for _ in 0..QUEUE_EVENTS + 7 {
            publish(&tail, "web");
        }
        assert_eq!(subscriber.next().await.unwrap_err(), MissedEvents(7));
        assert_eq!(subscriber.next().await.unwrap().seq, 1);
    }

    #[test]
    fn subscribers_are_bounded() {
        let tail = Tail::default();
        let subscribe = || tail.subscribe(Filter::default());
        let subscribers: Vec<_> = (0..MAX_SUBSCRIBERS).map(|_| subscribe().unwrap()).collect();
        assert!(subscribe().is_none());
        drop(subscribers);
        assert!(subscribe().is_some());
    }
}
