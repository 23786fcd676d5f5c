//! Group commit: the appends that are written together and become durable by the same `fdatasync`.

use crate::append_queue::{PendingAppend, QueuedAppend};
use crate::frame;
use crate::offset::Offset;

/// Small appends are copied together until they have so many bytes; an append of that size stays where it is.
const COPIED_BYTES: usize = 16 * 1024;

/// Appends that are written together.
#[derive(Debug)]
pub(crate) struct CommitGroup {
    /// Their frames, in order.
    pub(crate) buffers: Vec<GroupBuffer>,
    /// Offset of the first record.
    pub(crate) first: u64,
    /// Number of records.
    pub(crate) records: u64,
    /// Bytes of all frames.
    pub(crate) bytes: usize,
    /// The appends, each with the offset of its first record.
    pub(crate) pending: Vec<(Offset, PendingAppend)>,
    /// Bytes of the appends that will probably follow.
    expected: usize,
}

/// Frames that lie together in memory.
#[derive(Debug)]
pub(crate) struct GroupBuffer {
    pub(crate) frames: Vec<u8>,
    /// Offset of the first record.
    pub(crate) first: u64,
    /// Number of records.
    pub(crate) records: u64,
}

impl CommitGroup {
    /// A group that begins at offset `first`, of probably `expected` bytes of frames.
    pub(crate) fn new(first: u64, expected: usize) -> Self {
        Self {
            buffers: Vec::new(),
            first,
            records: 0,
            bytes: 0,
            pending: Vec::new(),
            expected,
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
        let expected = self.expected.max(frames.len());
        self.expected = expected - frames.len();
        self.bytes += frames.len();
        self.records += records;
        self.pending.push((Offset(first), pending));
        match self.buffers.last_mut() {
            Some(last) if last.frames.len() + frames.len() <= COPIED_BYTES => {
                last.append(&frames, records, expected);
            }
            _ => self.buffers.push(GroupBuffer {
                frames,
                first,
                records,
            }),
        }
    }

    /// Offset after the last record.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.records
    }
}

impl GroupBuffer {
    /// Copies more frames here, the first of probably `expected` bytes.
    fn append(&mut self, frames: &[u8], records: u64, expected: usize) {
        if self.frames.capacity() - self.frames.len() < frames.len() {
            let room = COPIED_BYTES.saturating_sub(self.frames.len());
            self.frames.reserve_exact(room.min(expected));
        }
        self.frames.extend_from_slice(frames);
        self.records += records;
    }
}
