//! Places for connections: a fixed number, and whoever keeps us waiting gives way when they are short.

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
/// What stands for a connection that works.
const WORKING: u64 = 0;

/// The places of a listener, or some of them.
pub struct Places {
    free: Arc<Semaphore>,
    taken: Mutex<Taken>,
    /// Told when a connection does not leave, because it works by now.
    stays: Notify,
    opened: Instant,
}

#[derive(Default)]
struct Taken {
    last: u64,
    occupants: HashMap<u64, Arc<Occupant>>,
}

struct Occupant {
    /// Nanoseconds from the opening on since when we wait for a request of this connection to arrive whole.
    waiting: AtomicU64,
    leave: Notify,
}

/// A connection's place, which is free again when this is dropped.
pub struct Place {
    number: u64,
    occupant: Arc<Occupant>,
    places: Arc<Places>,
    _permit: OwnedSemaphorePermit,
}

/// A request that is worked on, to the end of its answer.
pub struct Work(Arc<Place>);

impl Places {
    /// So many places.
    pub fn new(count: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(count)),
            taken: Mutex::default(),
            stays: Notify::new(),
            opened: Instant::now(),
        })
    }

    /// A place for a connection that has just come. When none is free, the connection leaves that has kept us
    /// waiting for longest; nothing when all of them have requests under way.
    pub async fn take(self: &Arc<Self>) -> Option<Place> {
        for _ in 0..ATTEMPTS {
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                return Some(self.occupy(permit));
            }
            if !self.send_one_away() {
                return None;
            }
            tokio::select! {
                left = timeout(LEAVING, Arc::clone(&self.free).acquire_owned()) => {
                    return Some(self.occupy(left.ok()?.ok()?));
                }
                () = self.stays.notified() => {}
            }
        }
        None
    }

    fn occupy(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Place {
        let occupant = Arc::new(Occupant {
            waiting: AtomicU64::new(self.now()),
            leave: Notify::new(),
        });
        let mut taken = self.taken();
        taken.last += 1;
        let number = taken.last;
        taken.occupants.insert(number, Arc::clone(&occupant));
        Place {
            number,
            occupant,
            places: Arc::clone(self),
            _permit: permit,
        }
    }

    /// Tells the connection to leave that we have waited for longest; false when there is none.
    fn send_one_away(&self) -> bool {
        let mut taken = self.taken();
        let waiting = taken.occupants.iter().filter_map(|(number, occupant)| {
            let since = occupant.waiting.load(Ordering::Relaxed);
            (since != WORKING).then_some((since, *number))
        });
        let longest = waiting.min().map(|(_, number)| number);
        // It is told once.
        let occupant = longest.and_then(|number| taken.occupants.remove(&number));
        occupant.is_some_and(|occupant| {
            occupant.leave.notify_one();
            true
        })
    }

    /// The time as it is kept here; never the one of work.
    fn now(&self) -> u64 {
        let nanoseconds = u64::try_from(self.opened.elapsed().as_nanos());
        nanoseconds.unwrap_or(u64::MAX).max(WORKING + 1)
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // Every change is complete in itself, so a panic elsewhere leaves it usable.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// From now on a request is waited for. A new place begins with that.
    pub fn waits(&self) {
        let now = self.places.now();
        self.occupant.waiting.store(now, Ordering::Relaxed);
    }

    /// From now on there is a request that arrived whole.
    pub fn works(&self) {
        self.occupant.waiting.store(WORKING, Ordering::Relaxed);
    }

    /// The same until what is returned is dropped.
    pub fn work(self: &Arc<Self>) -> Work {
        self.works();
        Work(Arc::clone(self))
    }

    /// Returns when the place is needed for somebody else.
    pub async fn needed(&self) {
        self.occupant.leave.notified().await;
    }

    /// Whether the connection, which was told to leave, may be closed at once; otherwise it has a request under
    /// way and is to be closed after that.
    pub fn may_be_closed(&self) -> bool {
        let waits = self.occupant.waiting.load(Ordering::Relaxed) != WORKING;
        if !waits {
            self.places.stays.notify_one();
        }
        waits
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.waits();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken().occupants.remove(&self.number);
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
        first.works();
        first.waits();
        let leaving = async {
            second.needed().await;
            assert!(second.may_be_closed());
            drop(second);
        };
        let (third, ()) = tokio::join!(places.take(), leaving);
        let third = third.unwrap();
        third.works();
        first.works();
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
            first.needed().await;
            first.works();
            assert!(!first.may_be_closed());
        };
        let leaving = async {
            second.needed().await;
            assert!(second.may_be_closed());
            drop(second);
        };
        let (third, (), ()) = tokio::join!(places.take(), working, leaving);
        assert!(third.is_some());
    }
}
