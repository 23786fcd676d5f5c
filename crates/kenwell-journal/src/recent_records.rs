//! The newest records, kept in memory so that a reader that keeps up never touches a file.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::commit_group::GroupBuffer;
use crate::frame_slice::FrameSlice;

/// The records of the last groups, oldest first, without a gap between them.
#[derive(Debug)]
pub(crate) struct RecentRecords {
    groups: VecDeque<FrameSlice>,
    bytes: usize,
    limit: usize,
}

impl RecentRecords {
    /// Room for at most `limit` bytes (one group may be larger than that and is then not kept).
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            groups: VecDeque::new(),
            bytes: 0,
            limit,
        }
    }

    /// Adds the newest buffers of a commit group.
    pub(crate) fn push_all(&mut self, buffers: Vec<GroupBuffer>) {
        for buffer in buffers {
            let end = buffer.frames.len();
            let (bytes, first) = (Arc::new(buffer.frames), buffer.first);
            self.push(FrameSlice::new(bytes, 0, end, first, buffer.records));
        }
    }

    /// Adds the newest group, and forgets the oldest ones that do not fit any more.
    pub(crate) fn push(&mut self, group: FrameSlice) {
        self.bytes += group.memory();
        self.groups.push_back(group);
        while self.bytes > self.limit
            && let Some(oldest) = self.groups.pop_front()
        {
            self.bytes -= oldest.memory();
        }
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the record at `offset` is here.
    pub(crate) fn covers(&self, offset: u64) -> bool {
        self.groups
            .front()
            .is_some_and(|group| group.first() <= offset)
            && self
                .groups
                .back()
                .is_some_and(|group| offset < group.next())
    }

    /// Shares the groups from `offset` on with `into` until it has `records` records or `bytes` bytes more. Groups are
    /// not split, except for what lies before `offset`.
    pub(crate) fn share(
        &self,
        offset: u64,
        records: usize,
        bytes: usize,
        into: &mut VecDeque<FrameSlice>,
    ) {
        if !self.covers(offset) {
            return;
        }
        let at = self.groups.partition_point(|group| group.next() <= offset);
        let (mut shared, mut shared_bytes) = (0u64, 0usize);
        for group in self.groups.range(at..) {
            if shared >= records as u64 || shared_bytes >= bytes {
                return;
            }
            let mut group = group.clone();
            group.skip_to(offset);
            shared += group.records();
            shared_bytes = shared_bytes.saturating_add(group.record_bytes());
            into.push_back(group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame;

    fn group(first: u64, records: u64) -> FrameSlice {
        let mut frames = Vec::new();
        for number in 0..records {
            frame::push(&mut frames, &[b"0123456789"], 10, number);
        }
        frame::stamp(&mut frames, first, 0);
        let end = frames.len();
        FrameSlice::new(Arc::new(frames), 0, end, first, records)
    }

    #[test]
    fn the_oldest_groups_go_first() {
        let mut recent = RecentRecords::new(group(0, 4).memory() * 2);
        for first in [0, 4, 8] {
            recent.push(group(first, 4));
        }
        assert!(!recent.covers(3) && recent.covers(4) && recent.covers(11) && !recent.covers(12));
        recent.push(group(12, 400));
        assert!(!recent.covers(12), "a group over the limit is not kept");
        assert_eq!(recent.bytes(), 0);
    }

    #[test]
    fn sharing_starts_in_the_middle_of_a_group_and_stops_at_the_limit() {
        let mut recent = RecentRecords::new(1 << 20);
        for first in [0, 4, 8] {
            recent.push(group(first, 4));
        }
        let mut shared = VecDeque::new();
        recent.share(2, 3, 1000, &mut shared);
        let seen: Vec<_> = shared
            .iter()
            .map(|group| (group.first(), group.next()))
            .collect();
        assert_eq!(seen, [(2, 4), (4, 8)]);
        shared.clear();
        recent.share(12, 3, 1000, &mut shared);
        assert!(shared.is_empty());
    }
}
