//! What a reader hands out: records with their offsets, sharing the memory they were written from or read into.

use std::ops::Range;

use crate::frame_slice::FrameSlice;
use crate::offset::Offset;

/// How much [`Reader::next`](crate::Reader::next) may return at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Number of records; 0 counts as 1.
    pub records: usize,
    /// Bytes of records; a single record may be larger.
    pub bytes: usize,
}

impl Default for Limit {
    /// 1,024 records, 4 MiB.
    fn default() -> Self {
        Self {
            records: 1024,
            bytes: 4 * 1024 * 1024,
        }
    }
}

/// Records in offset order, and the offsets between them that are lost to damage: at least one of either. Cheap to
/// clone; can be kept while the next ones are read.
///
/// Keeping them keeps the whole groups or chunks of files that they lie in, so do not keep them for long.
#[derive(Debug, Clone)]
pub struct Records {
    slices: Vec<FrameSlice>,
    lost: Vec<Range<Offset>>,
    next: u64,
}

impl Records {
    pub(crate) fn new(slices: Vec<FrameSlice>, lost: Vec<Range<Offset>>, next: u64) -> Self {
        Self { slices, lost, next }
    }

    /// Drops what is at or behind `end`.
    pub(crate) fn cut(&mut self, end: u64) {
        self.next = self.next.min(end);
        for lost in &mut self.lost {
            lost.end = lost.end.min(Offset(end));
        }
        self.lost.retain(|lost| !lost.is_empty());
        self.slices.retain(|slice| slice.first() < end);
        if let Some(last) = self.slices.last_mut().filter(|last| last.next() > end) {
            let records = usize::try_from(end - last.first()).unwrap_or(usize::MAX);
            *last = last.split_front(records, usize::MAX);
        }
    }

    /// The records with their offsets. Offsets ascend; one is missing only where damage cost a record.
    pub fn iter(&self) -> impl Iterator<Item = (Offset, &[u8])> {
        self.slices.iter().flat_map(FrameSlice::iter)
    }

    /// Offsets whose records are lost to damage, ascending: those before, between and behind the records here, from
    /// where the last call ended. Nobody knows what they held.
    pub fn lost(&self) -> &[Range<Offset>] {
        &self.lost
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        let records: u64 = self.slices.iter().map(FrameSlice::records).sum();
        usize::try_from(records).unwrap_or(usize::MAX)
    }

    /// Whether there is no record; then some were lost.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The offset behind the last record, or behind what is lost after it: what to ack once all of them are dealt with.
    pub fn next_offset(&self) -> Offset {
        Offset(self.next)
    }
}
