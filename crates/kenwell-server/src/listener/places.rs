//! Places for connections: a fixed number. When they are short, the connection that has kept us waiting for longest gives way.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// The longest that is waited for a connection that was told to leave: it needs a moment.
const LEAVING: Duration = Duration::from_secs(1);
/// Connections that are told to leave for one that comes, should some of them have begun to work.
const ATTEMPTS: usize = 3;
/// What stands for a connection with a request under way.
const WORKING: u64 = 0;

/// The places of a listener, or some of them.
pub(crate) struct Places {
    free: Arc<Semaphore>,
    occupied: Mutex<OccupiedPlaces>,
    /// Notified when a connection does not leave, because it has a request under way by now.
    stayed: Notify,
    opened: Instant,
}

#[derive(Default)]
struct OccupiedPlaces {
    last_number: u64,
    by_number: HashMap<u64, Arc<PlaceState>>,
}

struct PlaceState {
    /// Since when we wait for a request of this connection to arrive whole, in nanoseconds from the opening of all
    /// places on; or [`WORKING`].
    waiting_since: AtomicU64,
    evict: Notify,
}

/// A connection's place, which is free again when this is dropped.
pub(crate) struct Place {
    number: u64,
    state: Arc<PlaceState>,
    places: Arc<Places>,
    _permit: OwnedSemaphorePermit,
}

/// A request under way, to the end of its answer.
pub(crate) struct RequestGuard(Arc<Place>);

impl Places {
    /// So many places.
    pub(crate) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(count)),
            occupied: Mutex::default(),
            stayed: Notify::new(),
            opened: Instant::now(),
        })
    }

    /// A place for a connection that has just come. When none is free, the connection leaves that has kept us
    /// waiting for longest; nothing when all of them have requests under way.
    pub(crate) async fn take(self: &Arc<Self>) -> Option<Place> {
        for _ in 0..ATTEMPTS {
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                return Some(self.occupy(permit));
            }
            if !self.evict_one() {
                return None;
            }
            tokio::select! {
                left = timeout(LEAVING, Arc::clone(&self.free).acquire_owned()) => {
                    return Some(self.occupy(left.ok()?.ok()?));
                }
                () = self.stayed.notified() => {}
            }
        }
        None
    }

    fn occupy(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Place {
        let state = Arc::new(PlaceState {
            waiting_since: AtomicU64::new(self.now()),
            evict: Notify::new(),
        });
        let mut occupied = self.occupied();
        occupied.last_number += 1;
        let number = occupied.last_number;
        occupied.by_number.insert(number, Arc::clone(&state));
        Place {
            number,
            state,
            places: Arc::clone(self),
            _permit: permit,
        }
    }

    /// Tells the connection to leave that we have waited for longest; false when there is none.
    fn evict_one(&self) -> bool {
        let mut occupied = self.occupied();
        let waiting = occupied.by_number.iter().filter_map(|(number, state)| {
            let since = state.waiting_since.load(Ordering::Relaxed);
            (since != WORKING).then_some((since, *number))
        });
        let longest = waiting.min().map(|(_, number)| number);
        // It is told once.
        let state = longest.and_then(|number| occupied.by_number.remove(&number));
        state.is_some_and(|state| {
            state.evict.notify_one();
            true
        })
    }

    /// Nanoseconds since the opening; never [`WORKING`].
    fn now(&self) -> u64 {
        let nanoseconds = u64::try_from(self.opened.elapsed().as_nanos());
        nanoseconds.unwrap_or(u64::MAX).max(WORKING + 1)
    }

    fn occupied(&self) -> MutexGuard<'_, OccupiedPlaces> {
        // Every change is complete in itself, so a panic elsewhere leaves it usable.
        self.occupied.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// From now on a request is waited for. A new place begins with that.
    pub(crate) fn set_waiting(&self) {
        let now = self.places.now();
        self.state.waiting_since.store(now, Ordering::Relaxed);
    }

    /// From now on there is a request that arrived whole.
    pub(crate) fn set_working(&self) {
        self.state.waiting_since.store(WORKING, Ordering::Relaxed);
    }

    /// From now on a request is under way, until what is returned is dropped.
    pub(crate) fn begin_request(self: &Arc<Self>) -> RequestGuard {
        self.set_working();
        RequestGuard(Arc::clone(self))
    }

    /// Returns when the place is needed for another connection.
    pub(super) async fn evicted(&self) {
        self.state.evict.notified().await;
    }

    /// Whether the connection, which was told to leave, may be closed at once; otherwise it has a request under
    /// way and is to be closed after that.
    pub(super) fn may_be_closed(&self) -> bool {
        let waits = self.state.waiting_since.load(Ordering::Relaxed) != WORKING;
        if !waits {
            self.places.stayed.notify_one();
        }
        waits
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.set_waiting();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.occupied().by_number.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_keeps_us_waiting_for_longest_leaves_first() {
        let places = Places::new(2);
        let first = places.take().await.unwrap();
        let second = places.take().await.unwrap();
        first.set_working();
        first.set_waiting();
        let leaving = async {
            second.evicted().await;
            assert!(second.may_be_closed());
            drop(second);
        };
        let (third, ()) = tokio::join!(places.take(), leaving);
        let third = third.unwrap();
        third.set_working();
        first.set_working();
        assert!(places.take().await.is_none(), "all have requests under way");
        drop(third);
        assert!(places.take().await.is_some());
    }

    #[tokio::test]
    async fn one_that_has_begun_to_work_stays_and_another_one_leaves() {
        let places = Places::new(2);
        let first = places.take().await.unwrap();
        let second = places.take().await.unwrap();
        let working = async {
            first.evicted().await;
            first.set_working();
            assert!(!first.may_be_closed());
        };
        let leaving = async {
            second.evicted().await;
            assert!(second.may_be_closed());
            drop(second);
        };
        let (third, (), ()) = tokio::join!(places.take(), working, leaving);
        assert!(third.is_some());
    }
}
