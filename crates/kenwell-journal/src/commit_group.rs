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
            mut pending,
        } = append;
        let first = self.next();
        frame::stamp(&mut frames, first, seed);
        let expected = self.expected.max(frames.len());
        self.expected = expected - frames.len();
        self.bytes += frames.len();
        self.records += records;
        match self.buffers.last_mut() {
            Some(last) if last.frames.len() + frames.len() <= COPIED_BYTES => {
                last.append(&frames, records, expected);
                pending.keep_copied(frames);
            }
            _ => self.buffers.push(GroupBuffer {
                frames,
                first,
                records,
            }),
        }
        self.pending.push((Offset(first), pending));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::append_queue::AppendQueue;
    use crate::batch::Batch;
    use crate::frame_slice::FrameSlice;
    use crate::recent_records::RecentRecords;

    /// A group of one append for each of these sizes, which its record has all of its bytes from.
    fn group_of(sizes: &[usize]) -> CommitGroup {
        let queue = AppendQueue::new(1 << 24);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let mut answers = Vec::new();
        for (number, size) in (0..).zip(sizes) {
            let mut batch = Batch::new();
            batch.push(&[&vec![number; *size]]);
            answers.push(
                runtime
                    .as_ref()
                    .unwrap()
                    .block_on(queue.push(batch))
                    .unwrap(),
            );
        }
        let mut appends = Vec::new();
        queue.take(&mut appends, std::time::Duration::ZERO);
        let bytes = appends.iter().map(|append| append.frames.len()).sum();
        let mut group = CommitGroup::new(7, bytes);
        for append in appends {
            group.add(append, 0);
        }
        group
    }

    #[test]
    fn small_appends_are_joined_and_large_ones_stay_in_order() {
        let sizes = [10, 20, 20_000, 30, 40, 16_400, 40_000, 50];
        let group = group_of(&sizes);
        assert_eq!((group.first, group.records, group.next()), (7, 8, 15));
        let framed: usize = sizes.iter().map(|size| size + frame::HEADER).sum();
        assert_eq!(group.bytes, framed);
        let buffers: Vec<_> = group
            .buffers
            .iter()
            .map(|buffer| (buffer.first, buffer.records))
            .collect();
        assert_eq!(
            buffers,
            [(7, 2), (9, 1), (10, 2), (12, 1), (13, 1), (14, 1)]
        );
        // No more room is taken than the frames have.
        for buffer in &group.buffers {
            assert!(buffer.frames.capacity() <= COPIED_BYTES.max(2 * buffer.frames.len()));
        }

        let mut recent = RecentRecords::new(1 << 24);
        recent.push_all(group.buffers);
        let mut shared = std::collections::VecDeque::new();
        recent.share(7, 100, 1 << 24, &mut shared);
        let records = shared.iter().flat_map(FrameSlice::iter);
        let found: Vec<_> = records
            .map(|(offset, record)| (offset.0, record.len(), record[0]))
            .collect();
        let expected: Vec<_> = (0u8..)
            .zip(&sizes)
            .map(|(number, size)| (7 + u64::from(number), *size, number))
            .collect();
        assert_eq!(found, expected);
    }
}
