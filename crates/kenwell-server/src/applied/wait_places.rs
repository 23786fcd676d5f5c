//! Places for requests that wait: a fixed number. Whose sender may have hung up gives way to one that comes.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex},
};

use tokio::sync::oneshot;

use crate::mutex::lock;

/// The most requests that wait at once, however many connections there may be.
const MAX_PLACES: usize = 1_024;

/// Places for requests that wait. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct WaitPlaces {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// Places that are taken and may be had, the one offered first before the others: whom to tell by dropping this.
    offered: BTreeMap<u64, oneshot::Sender<Infallible>>,
    last_number: u64,
}

/// A place, which is free again when this is dropped, unless it was offered and taken.
pub(super) struct WaitPlace {
    places: WaitPlaces,
    /// The number that it is offered under.
    offer: Option<u64>,
}

impl WaitPlaces {
    /// For so many connections: a quarter of them may wait, but at most 1,024 and at least one.
    pub(super) fn of_connections(connections: usize) -> Self {
        Self::new((connections / 4).clamp(1, MAX_PLACES))
    }

    /// How many of these may be of one source: a half, so that one whose destination is down leaves places to the others.
    pub(crate) fn of_source(connections: usize) -> Self {
        let all = (connections / 4).clamp(1, MAX_PLACES);
        Self::new((all / 2).max(1))
    }

    fn new(count: usize) -> Self {
        let state = State {
            free: count,
            offered: BTreeMap::new(),
            last_number: 0,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// A place that is free, or else the one that was offered first.
    pub(super) fn take(&self) -> Option<WaitPlace> {
        let mut state = lock(&self.state);
        if let Some(free) = state.free.checked_sub(1) {
            state.free = free;
        } else {
            // Dropped, it tells who had it.
            state.offered.pop_first()?;
        }
        drop(state);
        Some(WaitPlace {
            places: self.clone(),
            offer: None,
        })
    }
}

impl WaitPlace {
    /// Offers the place to whoever comes when none is free. Resolves when it was taken.
    pub(super) async fn offer(&mut self) {
        let (tell, taken) = oneshot::channel();
        {
            let mut state = lock(&self.places.state);
            state.last_number += 1;
            let number = state.last_number;
            let earlier = self.offer.replace(number);
            if earlier.is_some_and(|earlier| state.offered.remove(&earlier).is_none()) {
                return;
            }
            state.offered.insert(number, tell);
        }
        drop(taken.await);
    }
}

impl Drop for WaitPlace {
    fn drop(&mut self) {
        let mut state = lock(&self.places.state);
        let offer = self.offer.take();
        if offer.is_none_or(|number| state.offered.remove(&number).is_some()) {
            state.free += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_offered_is_taken_once_when_nothing_is_free() {
        let places = WaitPlaces::new(2);
        let (mut first, second) = (places.take().unwrap(), places.take().unwrap());
        assert!(places.take().is_none());
        let comes = async {
            drop(second);
            let free = places.take().unwrap();
            let offered = places.take().unwrap();
            assert!(places.take().is_none());
            (free, offered)
        };
        let ((), taken) = tokio::join!(biased; first.offer(), comes);
        // It is not its own any more.
        drop(first);
        assert!(places.take().is_none());
        drop(taken);
        let both = (places.take(), places.take());
        assert!(both.0.is_some() && both.1.is_some() && places.take().is_none());
    }

    #[tokio::test]
    async fn a_place_that_was_offered_and_not_taken_is_free_again() {
        let places = WaitPlaces::new(1);
        let mut place = places.take().unwrap();
        tokio::select! {
            biased;
            () = place.offer() => unreachable!(),
            () = std::future::ready(()) => {}
        }
        drop(place);
        assert!(places.take().is_some());
    }

    #[test]
    fn a_source_has_half_of_them() {
        for (connections, all, of_source) in [(1, 1, 1), (16, 4, 2), (1_000_000, 1_024, 512)] {
            for (places, count) in [
                (WaitPlaces::of_connections(connections), all),
                (WaitPlaces::of_source(connections), of_source),
            ] {
                assert_eq!(lock(&places.state).free, count, "{connections}");
            }
        }
    }
}
