//! Buffers that were written and wait to be filled again: fresh memory costs the kernel more than filling it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most buffers that are kept, by the whole process.
const MAX_BUFFERS: usize = 8;

/// The smallest and the largest that are worth keeping, in bytes.
const MIN_BYTES: usize = 16 * 1024;
const MAX_BYTES: usize = 1024 * 1024;

/// Those of this process.
pub(super) static SPARE: SpareBuffers = SpareBuffers(Mutex::new(Vec::new()));

/// Empty buffers with room in them.
pub(super) struct SpareBuffers(Mutex<Vec<Vec<u8>>>);

impl SpareBuffers {
    /// An empty buffer with room for so many bytes.
    pub(super) fn take(&self, bytes: usize) -> Vec<u8> {
        let spare = if (MIN_BYTES..=MAX_BYTES).contains(&bytes) {
            self.find(bytes)
        } else {
            None
        };
        spare.unwrap_or_else(|| Vec::with_capacity(bytes))
    }

    /// Keeps a buffer to be taken again, if there is room for it.
    pub(super) fn put(&self, mut buffer: Vec<u8>) {
        if (MIN_BYTES..=MAX_BYTES).contains(&buffer.capacity()) {
            buffer.clear();
            let mut buffers = self.buffers();
            if buffers.len() < MAX_BUFFERS {
                buffers.push(buffer);
            }
        }
    }

    fn find(&self, bytes: usize) -> Option<Vec<u8>> {
        let mut buffers = self.buffers();
        let fits = buffers.iter().position(|it| it.capacity() >= bytes);
        if fits.is_none() && buffers.len() >= MAX_BUFFERS {
            // All are too small: a larger one needs the place.
            buffers.pop();
        }
        fits.map(|place| buffers.swap_remove(place))
    }

    fn buffers(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        // Every change is complete in itself, so a panic elsewhere leaves it usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_empty_and_within_bounds() {
        let spare = SpareBuffers(Mutex::default());
        for bytes in [
            0,
            MIN_BYTES - 1,
            MIN_BYTES,
            100_000,
            MAX_BYTES,
            MAX_BYTES + 1,
        ] {
            for _time in 0..2 * MAX_BUFFERS {
                spare.put(Vec::with_capacity(bytes));
            }
            let mut buffer = spare.take(bytes);
            assert!(buffer.is_empty() && buffer.capacity() >= bytes, "{bytes}");
            buffer.push(1);
            spare.put(buffer);
            assert!(spare.buffers().len() <= MAX_BUFFERS);
        }
        let buffers = spare.buffers();
        let sizes = buffers.iter().map(Vec::capacity);
        assert!(buffers.iter().all(Vec::is_empty));
        assert!(
            sizes
                .clone()
                .all(|size| (MIN_BYTES..=MAX_BYTES).contains(&size))
        );
        assert!(sizes.clone().any(|size| size == MAX_BYTES));
    }
}
