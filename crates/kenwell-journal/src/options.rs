//! How a journal is set up: sizes, bounds, durability, and the clock.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::frame;
use crate::segment_header;

/// The smallest segment; smaller values are raised to it.
pub const MIN_SEGMENT_BYTES: u64 = 4 * 1024;
/// A journal is always cut into at least this many segments, so that room can be given back while it is in use.
pub const MIN_SEGMENTS: u64 = 8;
/// The largest batch, framing included, whatever the options say.
pub const MAX_BATCH_BYTES: u64 = 64 * 1024 * 1024;

/// The longest delay of a write in milliseconds, whatever the options say.
pub const MAX_COMMIT_DELAY_MS: u64 = 100;

/// What "written" means before an append resolves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// On the disk: one `fdatasync` for each group of appends. Survives a power cut.
    #[default]
    Fsync,
    /// With the operating system: survives the death of the process, not that of the machine.
    Os,
}

/// Where the journal takes the time from, so that retention can be tested without waiting.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// A clock that shows what `now` returns.
    pub fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Milliseconds since 1970; 0 for times before that.
    pub(crate) fn now_ms(&self) -> u64 {
        to_ms((self.0)())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clock")
    }
}

/// Milliseconds since 1970; 0 for times before that.
pub(crate) fn to_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The settings of a journal. `Options::default()` suits a server.
#[derive(Debug, Clone)]
pub struct Options {
    /// Size of a segment file in bytes; default 64 MiB, at least [`MIN_SEGMENT_BYTES`], at most `max_bytes` /
    /// [`MIN_SEGMENTS`]. Retention works by whole segments.
    pub segment_bytes: u64,
    /// What all files of the log may take on disk, preallocation included; default 8 GiB. When it is reached,
    /// delivered segments go first, then appends fail with [`Error::Full`](crate::Error::Full).
    pub max_bytes: u64,
    /// How long delivered records stay for a replay; default 24 hours.
    pub retain: Duration,
    /// How many bytes of delivered segments stay for a replay at most; default 1 GiB.
    pub retain_bytes: u64,
    /// When an append counts as written; default [`Durability::Fsync`].
    pub durability: Durability,
    /// The least time from the start of one write to that of the next; default zero: as soon as the one before is durable. With
    /// more, appends that come close together share an `fdatasync`, and are answered later by as much at most; one that
    /// comes alone is not. At most [`MAX_COMMIT_DELAY_MS`].
    pub commit_delay: Duration,
    /// How many bytes of the newest records stay in memory, shared by all readers that keep up; default 8 MiB:
    /// whoever has fallen farther behind reads files, which the operating system has in memory too.
    pub memory_bytes: usize,
    /// How many bytes of appends may wait for the writer before further ones wait for room; default 16 MiB. Every
    /// append counts 256 bytes on top of its size, which bounds their number as well.
    pub queue_bytes: usize,
    /// Source of time; default the wall clock.
    pub clock: Clock,
    /// Makes system calls fail.
    #[cfg(test)]
    pub(crate) injected_faults: crate::fault_injection::InjectedFaults,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 * 1024 * 1024,
            max_bytes: 8 * 1024 * 1024 * 1024,
            retain: Duration::from_hours(24),
            retain_bytes: 1024 * 1024 * 1024,
            durability: Durability::Fsync,
            commit_delay: Duration::ZERO,
            memory_bytes: 8 * 1024 * 1024,
            queue_bytes: 16 * 1024 * 1024,
            clock: Clock::new(SystemTime::now),
            #[cfg(test)]
            injected_faults: crate::fault_injection::InjectedFaults::default(),
        }
    }
}

impl Options {
    /// The same with every bound brought into its range.
    pub(crate) fn normalised(mut self) -> Self {
        self.max_bytes = self.max_bytes.max(MIN_SEGMENTS * MIN_SEGMENT_BYTES);
        self.segment_bytes = self
            .segment_bytes
            .clamp(MIN_SEGMENT_BYTES, self.max_bytes / MIN_SEGMENTS);
        let longest = Duration::from_millis(MAX_COMMIT_DELAY_MS);
        self.commit_delay = self.commit_delay.min(longest);
        self.queue_bytes = self.queue_bytes.clamp(64 * 1024, 1024 * 1024 * 1024);
        self
    }

    /// The largest batch, framing included, that fits with these options: half of `max_bytes`, at most
    /// [`MAX_BATCH_BYTES`]. A batch larger than a segment gets a segment of its own.
    pub(crate) fn max_batch_bytes(&self) -> u64 {
        let bound = self.max_bytes.max(MIN_SEGMENTS * MIN_SEGMENT_BYTES);
        MAX_BATCH_BYTES.min(bound / 2)
    }

    /// Retention age in milliseconds.
    pub(crate) fn retain_ms(&self) -> u64 {
        u64::try_from(self.retain.as_millis()).unwrap_or(u64::MAX)
    }

    /// Size of a file that holds `frames` bytes of records.
    pub(crate) fn file_bytes_for(frames: u64) -> u64 {
        frames
            .saturating_add(segment_header::HEADER_BYTES)
            .saturating_add(frame::HEADER as u64)
    }
}
