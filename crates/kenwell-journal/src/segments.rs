//! The list of all segments, and the rule under which one may leave it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use crate::mutex::lock;
use crate::segment::Segment;

/// The segments of the log, oldest first. Only the writer's thread changes the list.
///
/// A segment leaves it under the lock of the list, so whatever is decided under that lock holds for what is there.
#[derive(Debug)]
pub(crate) struct SegmentList {
    segments: Mutex<VecDeque<Arc<Segment>>>,
    /// Where each [`RangeReader`](crate::RangeReader) began: nothing from there on is deleted.
    holds: Mutex<Vec<u64>>,
}

impl SegmentList {
    pub(crate) fn new(segments: VecDeque<Arc<Segment>>) -> Self {
        Self {
            segments: Mutex::new(segments),
            holds: Mutex::default(),
        }
    }

    /// Calls `use_it` with the oldest offset there is, `next` when there is no record. No segment is deleted meanwhile.
    pub(crate) fn with_first<T>(&self, next: u64, use_it: impl FnOnce(u64) -> T) -> T {
        let segments = lock(&self.segments);
        let base = segments.front().map_or(next, |s| s.identity.base);
        use_it(base.min(next))
    }

    /// From now on nothing from `offset` on is deleted, until [`SegmentList::release`].
    pub(crate) fn hold(&self, offset: u64) {
        let segments = lock(&self.segments);
        lock(&self.holds).push(offset);
        drop(segments);
    }

    /// Ends one [`SegmentList::hold`] of this offset.
    pub(crate) fn release(&self, offset: u64) {
        let mut holds = lock(&self.holds);
        if let Some(at) = holds.iter().position(|other| *other == offset) {
            holds.swap_remove(at);
        }
    }

    /// The oldest offset that is held; `u64::MAX` when none is.
    pub(crate) fn held(&self) -> u64 {
        lock(&self.holds).iter().copied().min().unwrap_or(u64::MAX)
    }

    /// The oldest segment, if it is not the newest as well: that one stays, since it carries the offsets on.
    pub(crate) fn oldest_deletable(&self) -> Option<Arc<Segment>> {
        let segments = lock(&self.segments);
        segments.front().filter(|_| segments.len() > 1).cloned()
    }

    /// The newest segment.
    pub(crate) fn newest(&self) -> Option<Arc<Segment>> {
        lock(&self.segments).back().cloned()
    }

    /// The oldest segment for which `wanted` holds.
    pub(crate) fn find(&self, wanted: impl Fn(&Segment) -> bool) -> Option<Arc<Segment>> {
        let segments = lock(&self.segments);
        segments.iter().find(|segment| wanted(segment)).cloned()
    }

    /// Whether this very segment is in the list and `check` holds. It does not leave the list meanwhile.
    pub(crate) fn contains_and(
        &self,
        segment: &Arc<Segment>,
        check: impl FnOnce() -> bool,
    ) -> bool {
        let segments = lock(&self.segments);
        segments.iter().any(|other| Arc::ptr_eq(other, segment)) && check()
    }

    /// Number of segments.
    pub(crate) fn len(&self) -> usize {
        lock(&self.segments).len()
    }

    /// The sum of `bytes` over all segments.
    pub(crate) fn sum(&self, bytes: impl Fn(&Segment) -> u64) -> u64 {
        let segments = lock(&self.segments);
        segments.iter().map(|segment| bytes(segment)).sum()
    }

    /// Adds a segment that was begun.
    pub(crate) fn push(&self, segment: Arc<Segment>) {
        lock(&self.segments).push_back(segment);
    }

    /// Takes the oldest segment off the list, unless a reader holds a part of it or `allowed` says no.
    pub(crate) fn remove_oldest(&self, allowed: impl FnOnce() -> bool) -> Option<Arc<Segment>> {
        let mut segments = lock(&self.segments);
        let end = segments.front()?.end();
        if self.held() < end || !allowed() {
            return None;
        }
        segments.pop_front()
    }

    /// Takes the newest segment off the list, unless it is the only one.
    pub(crate) fn remove_newest(&self) -> Option<Arc<Segment>> {
        let mut segments = lock(&self.segments);
        if segments.len() < 2 {
            return None;
        }
        segments.pop_back()
    }
}
