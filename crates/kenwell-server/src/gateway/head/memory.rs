//! The memory that heads may take while they arrive, over all connections.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that every connection may keep without asking: as much as hyper reads at once, of which something may
/// belong to what comes after. Usual heads have a tenth of it.
const FREE_BYTES: usize = 32 * 1024;
/// Bytes that all larger heads together may take while they arrive.
const LARGE_BYTES: usize = 32 * 1024 * 1024;

/// The memory for large heads that all connections share.
#[derive(Debug, Clone)]
pub(in crate::gateway) struct HeadMemory {
    large: Arc<Semaphore>,
}

/// What was received of a head and is not used yet, with the memory that it takes.
#[derive(Debug)]
pub(super) struct HeadBuffer {
    bytes: Vec<u8>,
    /// How many of them were removed.
    removed: usize,
    memory: HeadMemory,
    reserved: Option<OwnedSemaphorePermit>,
}

impl HeadMemory {
    pub(in crate::gateway) fn new() -> Self {
        Self {
            large: Arc::new(Semaphore::new(LARGE_BYTES)),
        }
    }

    pub(super) fn buffer(&self) -> HeadBuffer {
        HeadBuffer {
            bytes: Vec::new(),
            removed: 0,
            memory: self.clone(),
            reserved: None,
        }
    }
}

impl HeadBuffer {
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.removed..).unwrap_or_default()
    }

    /// Adds `more`; false when there is no memory for it.
    #[must_use]
    pub(super) fn add(&mut self, more: &[u8]) -> bool {
        if more.is_empty() {
            return true;
        }
        self.bytes.drain(..self.removed);
        self.removed = 0;
        let needed = self.bytes.len() + more.len();
        if needed > self.bytes.capacity() {
            // Doubled, so that a head in small pieces is not copied again and again.
            let capacity = needed.max(2 * self.bytes.capacity()).max(1024);
            if !self.reserve(capacity) {
                return false;
            }
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(more);
        true
    }

    /// Removes the first `length` bytes.
    pub(super) fn remove(&mut self, length: usize) {
        self.removed = self.removed.saturating_add(length);
        if self.removed >= self.bytes.len() {
            // A connection that waits holds no memory.
            self.bytes = Vec::new();
            self.removed = 0;
            self.reserved = None;
        }
    }

    fn reserve(&mut self, capacity: usize) -> bool {
        let held = self
            .reserved
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let more = capacity.saturating_sub(FREE_BYTES).saturating_sub(held);
        if more == 0 {
            return true;
        }
        let Ok(more) = u32::try_from(more) else {
            return false;
        };
        let Ok(more) = Arc::clone(&self.memory.large).try_acquire_many_owned(more) else {
            return false;
        };
        match &mut self.reserved {
            Some(reserved) => reserved.merge(more),
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
        let memory = HeadMemory::new();
        let piece = vec![b'x'; 10_000];
        let fill = || {
            let mut buffer = memory.buffer();
            while buffer.bytes().len() < 500_000 && buffer.add(&piece) {}
            buffer
        };
        let mut all: Vec<_> = (0..200).map(|_| fill()).collect();
        let whole =
            |all: &[HeadBuffer]| all.iter().filter(|it| it.bytes().len() >= 500_000).count();
        assert!((30..70).contains(&whole(&all)), "{}", whole(&all));
        let held: usize = all.iter().map(|it| it.bytes.capacity()).sum();
        assert!(held <= LARGE_BYTES + 200 * FREE_BYTES, "{held}");
        for buffer in &mut all {
            buffer.remove(usize::MAX);
        }
        assert_eq!(memory.large.available_permits(), LARGE_BYTES);
        assert_eq!(whole(&[fill()]), 1);
    }
}
