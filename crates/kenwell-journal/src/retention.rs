//! Which segments may be deleted, and when: delivered ones, because of their age, their size, or because room is needed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::disk::sync_dir;
use crate::error::Error;
use crate::error_chain::ErrorChain;
use crate::segment::Segment;
use crate::state::JournalState;

/// A segment that grows no more is not ended for its age before this many milliseconds have passed.
const MIN_IDLE_MS: u64 = 60_000;

/// Deletes segments. The writer owns it, since only the writer's thread may change the list of segments.
#[derive(Debug)]
pub(crate) struct Retention {
    state: Arc<JournalState>,
}

impl Retention {
    pub(crate) fn new(state: Arc<JournalState>) -> Self {
        Self { state }
    }

    /// Deletes what is delivered and too old or too much.
    pub(crate) fn apply(&self) {
        let options = &self.state.options;
        let now = options.clock.now_ms();
        let mut delivered_bytes = self.delivered_bytes();
        while let Some(oldest) = self.state.segments.oldest_deletable() {
            let age = now.saturating_sub(oldest.written_ms());
            let is_kept = age < options.retain_ms() && delivered_bytes <= options.retain_bytes;
            if is_kept || !self.delete_oldest() {
                break;
            }
            delivered_bytes = delivered_bytes.saturating_sub(oldest.file_bytes());
        }
        if self.state.full.load(Ordering::Relaxed) && self.delete_oldest() {
            self.state.full.store(false, Ordering::Relaxed);
        }
        let next = self.next_deletion();
        self.state.next_deletion.store(next, Ordering::Release);
    }

    /// Deletes the oldest segment if it is delivered, whatever its age. Tells whether it did.
    pub(crate) fn delete_oldest(&self) -> bool {
        let Some(oldest) = self.state.segments.oldest_deletable() else {
            return false;
        };
        let end = oldest.end();
        if !self.is_durably_delivered(end) {
            return false;
        }
        let cursors = self.state.cursors();
        // Once more, under the lock of the list: a reader may have moved back meanwhile.
        let is_delivered = || cursors.iter().all(|cursor| cursor.durable() >= end);
        let Some(segment) = self.state.segments.remove_oldest(is_delivered) else {
            return false;
        };
        let removed = remove(&segment.path).and_then(|()| sync_dir(&self.state.dir));
        if let Err(error) = removed {
            tracing::warn!(error = %ErrorChain(&error), "a delivered segment could not be deleted");
        }
        true
    }

    /// How large the next segment may be, at least `needed`; deletes old ones if there is no room for it.
    pub(crate) fn make_room(&self, needed: u64) -> Result<u64, Error> {
        let max_bytes = self.state.options.max_bytes;
        let segment_bytes = self.state.options.segment_bytes;
        let wanted = segment_bytes.max(needed);
        loop {
            let room = max_bytes.saturating_sub(self.state.disk_bytes());
            if room >= wanted {
                return Ok(wanted);
            }
            if self.delete_oldest() {
                continue;
            }
            // Use the last bit as well, unless it is so small that it would only make many small files.
            if room >= needed.max(segment_bytes / 4) {
                return Ok(room);
            }
            return Err(Error::Full { max_bytes });
        }
    }

    /// Whether the newest segment has had no append for so long that it is to be ended, so that its records do not
    /// outlive the retention. `next` is the offset after its last record.
    pub(crate) fn is_idle_too_long(&self, newest: &Segment, next: u64) -> bool {
        let options = &self.state.options;
        let now = options.clock.now_ms();
        let idle = now.saturating_sub(newest.written_ms());
        newest.identity.base != next
            && idle >= options.retain_ms().max(MIN_IDLE_MS)
            && self.is_durably_delivered(next)
    }

    /// Removes the newest segment after a failed write has left it without a record, unless it is the only one.
    pub(crate) fn delete_empty_newest(&self) {
        let Some(empty) = self.state.segments.remove_newest() else {
            return;
        };
        if let Err(error) = remove(&empty.path) {
            tracing::warn!(error = %ErrorChain(&error), "an empty segment could not be removed");
        }
    }

    /// Where the slowest reader is; without any, everything is delivered.
    fn delivered(&self) -> u64 {
        let cursors = self.state.cursors();
        let positions = cursors.iter().map(|cursor| cursor.position());
        positions.fold(self.state.segments.held(), u64::min)
    }

    fn delivered_bytes(&self) -> u64 {
        let delivered = self.delivered();
        self.state.segments.sum(|segment| {
            let is_delivered = segment.end() != u64::MAX && segment.end() <= delivered;
            if is_delivered {
                segment.file_bytes()
            } else {
                0
            }
        })
    }

    /// The end of the oldest segment that is not delivered yet: when the slowest reader gets there, something may go.
    fn next_deletion(&self) -> u64 {
        let delivered = self.delivered();
        let waiting = self
            .state
            .segments
            .find(|segment| segment.end() > delivered);
        waiting.map_or(u64::MAX, |segment| segment.end())
    }

    /// Whether every cursor is at `end` or beyond, and would be after a power cut too.
    fn is_durably_delivered(&self, end: u64) -> bool {
        self.state.cursors().iter().all(|cursor| {
            if cursor.position() >= end
                && cursor.durable() < end
                && let Err(error) = cursor.sync()
            {
                tracing::warn!(cursor = cursor.name.as_str(), error = %ErrorChain(&error), "a cursor is not durable yet");
            }
            cursor.durable() >= end
        })
    }
}

fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}
