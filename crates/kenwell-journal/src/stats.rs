//! Numbers about a journal, for metrics, a console, or a person at a prompt.

use crate::cursor::CursorName;
use crate::offset::Offset;

/// The state of a journal at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// The oldest record there is (equal to `next_offset` when there is none).
    pub first_offset: Offset,
    /// The offset of the next record to be appended.
    pub next_offset: Offset,
    /// Number of segment files.
    pub segments: usize,
    /// Bytes of records, with their framing.
    pub bytes: u64,
    /// Bytes of the segments' files, with preallocation. Never above `max_bytes`.
    pub disk_bytes: u64,
    /// The bound on `disk_bytes`; 0 from [`inspect`](crate::inspect), which does not know it.
    pub max_bytes: u64,
    /// The last append was refused because of `max_bytes`, and no room has appeared since.
    pub full: bool,
    /// The last append was refused because the disk is full.
    pub no_space: bool,
    /// Records found to be lost to damage since the journal was opened.
    pub corrupt_records: u64,
    /// Bytes of the newest records kept in memory.
    pub memory_bytes: usize,
    /// All cursors, by name.
    pub cursors: Vec<CursorStats>,
}

/// The state of one cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CursorStats {
    /// Its name.
    pub name: String,
    /// The first record that it has not acknowledged.
    pub position: Offset,
    /// Records from there to the end, including those lost to damage.
    pub pending: u64,
}

impl CursorStats {
    /// The state of a cursor at `position` in a log that ends at `next`.
    pub(crate) fn new(name: &CursorName, position: u64, next: u64) -> Self {
        Self {
            name: name.as_str().to_owned(),
            position: Offset(position),
            pending: next.saturating_sub(position),
        }
    }
}
