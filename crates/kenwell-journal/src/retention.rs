//! Which segments may go, and when: delivered ones, by age, by size, or because room is needed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::disk::sync_dir;
use crate::error::Error;
use crate::mutex::lock;
use crate::segment::Segment;
use crate::state::JournalState;
use crate::writer::Writer;

/// When the disk is nearly full, segments shrink; not below this many bytes.
pub(crate) const MIN_RESERVED: u64 = 64 * 1024;
/// A segment that grows no more is not ended for its age before this many milliseconds have passed.
const MIN_IDLE_MS: u64 = 60_000;

/// Deletes what retention allows to delete.
pub(crate) fn release(writer: &mut Writer) {
    let options = writer.shared.options.clone();
    let now = options.clock.now_ms();
    let mut delivered_bytes = delivered_bytes(&writer.shared);
    while let Some(oldest) = oldest(&writer.shared) {
        let age = now.saturating_sub(oldest.written_ms());
        let bytes = oldest.file_bytes();
        if age < options.retain_ms() && delivered_bytes <= options.retain_bytes {
            break;
        }
        drop(oldest);
        if !release_one(writer) {
            break;
        }
        delivered_bytes = delivered_bytes.saturating_sub(bytes);
    }
    if writer.shared.full.load(Ordering::Relaxed) && release_one(writer) {
        writer.shared.full.store(false, Ordering::Relaxed);
    }
    let release_at = next_release(&writer.shared);
    writer
        .shared
        .release_at
        .store(release_at, Ordering::Release);
}

/// Deletes the oldest segment if it is delivered, whatever its age.
pub(crate) fn release_one(writer: &mut Writer) -> bool {
    let Some(oldest) = oldest(&writer.shared) else {
        return false;
    };
    let end = oldest.end();
    drop(oldest);
    if !durably_delivered(&writer.shared, end) {
        return false;
    }
    let holding = writer.shared.holding_cursors();
    let mut segments = lock(&writer.shared.segments);
    // Under the lock once more: a reader may have moved back meanwhile.
    if holding.iter().any(|cursor| cursor.durable() < end) || writer.shared.held() < end {
        return false;
    }
    let Some(segment) = segments.pop_front() else {
        return false;
    };
    drop(segments);
    let removed = remove(&segment.path).and_then(|()| sync_dir(&writer.shared.dir));
    if let Err(error) = removed {
        tracing::warn!(%error, "a delivered segment could not be deleted");
    }
    true
}

/// How large the next segment may be, at least `needed`; gives up old ones if there is no room for it.
pub(crate) fn make_room(writer: &mut Writer, needed: u64) -> Result<u64, Error> {
    let max_bytes = writer.shared.options.max_bytes;
    let segment_bytes = writer.shared.options.segment_bytes;
    let wanted = segment_bytes.max(needed);
    loop {
        let room = max_bytes.saturating_sub(writer.shared.disk_bytes());
        if room >= wanted {
            return Ok(wanted);
        }
        if release_one(writer) {
            continue;
        }
        // Use the last bit as well, unless it is so small that it would only make many small files.
        if room >= needed.max(segment_bytes / 4) {
            return Ok(room);
        }
        return Err(Error::Full { max_bytes });
    }
}

/// Ends a segment that nobody appends to any more, so that its records do not outlive the retention.
pub(crate) fn roll_when_idle(writer: &mut Writer) {
    let Some(active) = &writer.active else {
        return;
    };
    let options = &writer.shared.options;
    let idle = options
        .clock
        .now_ms()
        .saturating_sub(active.segment.written_ms());
    let empty = active.segment.identity.base == writer.next;
    if empty || idle < options.retain_ms().max(MIN_IDLE_MS) {
        return;
    }
    if durably_delivered(&writer.shared, writer.next)
        && let Err(error) = writer.roll(0)
    {
        tracing::debug!(%error, "an idle segment could not be ended yet");
    }
}

/// Removes the newest segment after a failed write has left it without a record, unless it is the only one.
pub(crate) fn forget_empty(writer: &mut Writer) {
    let mut segments = lock(&writer.shared.segments);
    if segments.len() < 2 {
        return;
    }
    let Some(empty) = segments.pop_back() else {
        return;
    };
    drop(segments);
    if let Err(error) = remove(&empty.path) {
        tracing::warn!(%error, "an empty segment could not be removed");
    }
}

/// The oldest segment, if it is not the newest as well: that one stays, since it carries the offsets on.
fn oldest(shared: &JournalState) -> Option<Arc<Segment>> {
    let segments = lock(&shared.segments);
    segments.front().filter(|_| segments.len() > 1).cloned()
}

/// Where the slowest cursor that counts is; without one, everything is delivered.
fn delivered(shared: &JournalState) -> u64 {
    let holding = shared.holding_cursors();
    let positions = holding.iter().map(|cursor| cursor.position());
    positions.fold(shared.held(), u64::min)
}

fn delivered_bytes(shared: &JournalState) -> u64 {
    let delivered = delivered(shared);
    let segments = lock(&shared.segments);
    let sealed = segments.iter().filter(|segment| segment.end() != u64::MAX);
    sealed
        .filter(|s| s.end() <= delivered)
        .map(|s| s.file_bytes())
        .sum()
}

fn next_release(shared: &JournalState) -> u64 {
    let delivered = delivered(shared);
    let segments = lock(&shared.segments);
    let waiting = segments
        .iter()
        .map(|segment| segment.end())
        .find(|end| *end > delivered);
    waiting.unwrap_or(u64::MAX)
}

/// Whether every cursor that counts is at `end` or beyond, and would be after a power cut too.
fn durably_delivered(shared: &JournalState, end: u64) -> bool {
    shared.holding_cursors().iter().all(|cursor| {
        if cursor.position() >= end
            && cursor.durable() < end
            && let Err(error) = cursor.sync()
        {
            tracing::warn!(cursor = cursor.name.as_str(), %error, "a cursor is not durable yet");
        }
        cursor.durable() >= end
    })
}

fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}
