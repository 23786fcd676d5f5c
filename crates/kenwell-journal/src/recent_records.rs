//! The newest records, kept in memory so that a reader that keeps up never touches a file.

use std::collections::VecDeque;

use crate::frame_slice::FrameSlice;

/// The runs of the last groups, oldest first, without a gap between them.
#[derive(Debug)]
pub(crate) struct RecentRecords {
    runs: VecDeque<FrameSlice>,
    bytes: usize,
    limit: usize,
}

impl RecentRecords {
    /// An empty tail of at most `limit` bytes (one group may be larger than that and is then not kept).
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            runs: VecDeque::new(),
            bytes: 0,
            limit,
        }
    }

    /// Adds the newest group, and forgets the oldest ones that do not fit any more.
    pub(crate) fn push(&mut self, run: FrameSlice) {
        self.bytes += run.memory();
        self.runs.push_back(run);
        while self.bytes > self.limit
            && let Some(oldest) = self.runs.pop_front()
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
        self.runs.front().is_some_and(|run| run.first() <= offset)
            && self.runs.back().is_some_and(|run| offset < run.next())
    }

    /// Shares the runs from `offset` on with `into` until it has `records` records or `bytes` bytes more; whole runs,
    /// except for what lies before `offset`.
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
        let at = self.runs.partition_point(|run| run.next() <= offset);
        let (mut shared, mut shared_bytes) = (0u64, 0usize);
        for run in self.runs.range(at..) {
            if shared >= records as u64 || shared_bytes >= bytes {
                return;
            }
            let mut run = run.clone();
            run.skip_to(offset);
            shared += run.records();
            shared_bytes = shared_bytes.saturating_add(run.record_bytes());
            into.push_back(run);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::frame;

    fn run(first: u64, records: u64) -> FrameSlice {
        let mut frames = Vec::new();
        for _ in 0..records {
            frame::push(&mut frames, &[b"0123456789"], 10);
        }
        frame::stamp(&mut frames, first, 0);
        let end = frames.len();
        FrameSlice::new(Arc::new(frames), 0, end, first, records)
    }

    #[test]
    fn the_oldest_groups_go_first() {
        let mut tail = RecentRecords::new(run(0, 4).memory() * 2);
        for first in [0, 4, 8] {
            tail.push(run(first, 4));
        }
        assert!(!tail.covers(3) && tail.covers(4) && tail.covers(11) && !tail.covers(12));
        tail.push(run(12, 400));
        assert!(!tail.covers(12), "a group over the limit is not kept");
        assert_eq!(tail.bytes(), 0);
    }

    #[test]
    fn sharing_starts_in_the_middle_of_a_group_and_stops_at_the_limit() {
        let mut tail = RecentRecords::new(1 << 20);
        for first in [0, 4, 8] {
            tail.push(run(first, 4));
        }
        let mut shared = VecDeque::new();
        tail.share(2, 3, 1000, &mut shared);
        let seen: Vec<_> = shared.iter().map(|run| (run.first(), run.next())).collect();
        assert_eq!(seen, [(2, 4), (4, 8)]);
        shared.clear();
        tail.share(12, 3, 1000, &mut shared);
        assert!(shared.is_empty());
    }
}
