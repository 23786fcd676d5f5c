//! Group commit: the appends that are written together and become durable by the same `fdatasync`.

use crate::append_queue::{PendingAppend, QueuedAppend};
use crate::frame;
use crate::offset::Offset;

/// Appends that are written together.
#[derive(Debug)]
pub(crate) struct CommitGroup {
    /// Their frames; before they are written, the zeroes that end the segment follow.
    pub(crate) bytes: Vec<u8>,
    /// Offset of the first record.
    pub(crate) first: u64,
    /// Number of records.
    pub(crate) records: u64,
    /// The appends, each with the offset of its first record.
    pub(crate) pending: Vec<(Offset, PendingAppend)>,
}

impl CommitGroup {
    /// A group that begins at offset `first`, with room for `bytes` bytes of frames.
    pub(crate) fn new(first: u64, bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes + frame::HEADER),
            first,
            records: 0,
            pending: Vec::new(),
        }
    }

    /// Adds an append, whose frames get their offsets and the checksums of the segment with this seed.
    pub(crate) fn add(&mut self, append: QueuedAppend, seed: u32) {
        let QueuedAppend {
            mut frames,
            records,
            pending,
        } = append;
        let first = self.next();
        frame::stamp(&mut frames, first, seed);
        self.bytes.extend_from_slice(&frames);
        self.records += records;
        self.pending.push((Offset(first), pending));
    }

    /// Offset after the last record.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.records
    }
}
