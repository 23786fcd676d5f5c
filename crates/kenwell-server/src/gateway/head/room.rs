//! The memory that heads may take while they arrive, over all connections.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that every connection may keep without asking: as much as hyper reads at once, of which something may
/// belong to what comes after. Usual heads have a tenth of it.
const FREE_BYTES: usize = 32 * 1024;
/// Bytes that all larger heads together may take while they arrive.
const LARGE_BYTES: usize = 32 * 1024 * 1024;

/// The room for large heads that all connections share.
#[derive(Debug, Clone)]
pub(in crate::gateway) struct HeadRoom {
    large: Arc<Semaphore>,
}

/// A part of a head that was received already, with the room it takes.
#[derive(Debug)]
pub(super) struct Gathered {
    bytes: Vec<u8>,
    /// How many of them were taken away.
    gone: usize,
    room: HeadRoom,
    taken: Option<OwnedSemaphorePermit>,
}

impl HeadRoom {
    pub(in crate::gateway) fn new() -> Self {
        Self {
            large: Arc::new(Semaphore::new(LARGE_BYTES)),
        }
    }

    pub(super) fn gathered(&self) -> Gathered {
        Gathered {
            bytes: Vec::new(),
            gone: 0,
            room: self.clone(),
            taken: None,
        }
    }
}

impl Gathered {
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.gone..).unwrap_or_default()
    }

    /// Adds `more`; false when there is no room for it.
    #[must_use]
    pub(super) fn add(&mut self, more: &[u8]) -> bool {
        if more.is_empty() {
            return true;
        }
        self.bytes.drain(..self.gone);
        self.gone = 0;
        let needed = self.bytes.len() + more.len();
        if needed > self.bytes.capacity() {
            // Doubled, so that a head in small pieces is not copied again and again.
            let capacity = needed.max(2 * self.bytes.capacity()).max(1024);
            if !self.make_room(capacity) {
                return false;
            }
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(more);
        true
    }

    /// Takes the first `length` bytes away.
    pub(super) fn remove(&mut self, length: usize) {
        self.gone = self.gone.saturating_add(length);
        if self.gone >= self.bytes.len() {
            // A connection that waits holds no memory.
            self.bytes = Vec::new();
            self.gone = 0;
            self.taken = None;
        }
    }

    fn make_room(&mut self, capacity: usize) -> bool {
        let held = self
            .taken
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let more = capacity.saturating_sub(FREE_BYTES).saturating_sub(held);
        if more == 0 {
            return true;
        }
        let Ok(more) = u32::try_from(more) else {
            return false;
        };
        let Ok(more) = Arc::clone(&self.room.large).try_acquire_many_owned(more) else {
            return false;
        };
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            none => *none = Some(more),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_heads_share_what_there_is_and_give_it_back() {
        let room = HeadRoom::new();
        let piece = vec![b'x'; 10_000];
        let fill = || {
            let mut gathered = room.gathered();
            while gathered.bytes().len() < 500_000 && gathered.add(&piece) {}
            gathered
        };
        let mut all: Vec<_> = (0..200).map(|_| fill()).collect();
        let whole = |all: &[Gathered]| all.iter().filter(|it| it.bytes().len() >= 500_000).count();
        assert!((30..70).contains(&whole(&all)), "{}", whole(&all));
        let held: usize = all.iter().map(|it| it.bytes.capacity()).sum();
        assert!(held <= LARGE_BYTES + 200 * FREE_BYTES, "{held}");
        for gathered in &mut all {
            gathered.remove(usize::MAX);
        }
        assert_eq!(room.large.available_permits(), LARGE_BYTES);
        assert_eq!(whole(&[fill()]), 1);
    }
}
