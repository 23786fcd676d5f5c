//! A part of a shared buffer that holds valid, consecutive frames: what memory, files and readers hand to each other.

use std::sync::Arc;

use crate::frame;
use crate::offset::Offset;

/// Valid frames with consecutive offsets. Cloning shares the bytes.
#[derive(Debug, Clone)]
pub(crate) struct FrameSlice {
    bytes: Arc<Vec<u8>>,
    start: usize,
    end: usize,
    first: u64,
    records: u64,
    /// Bytes of all records, without framing.
    record_bytes: usize,
}

impl FrameSlice {
    /// `records` frames in `bytes[start..end]`, the first of them at offset `first`.
    pub(crate) fn new(
        bytes: Arc<Vec<u8>>,
        start: usize,
        end: usize,
        first: u64,
        records: u64,
    ) -> Self {
        let mut slice = Self {
            bytes,
            start,
            end,
            first,
            records,
            record_bytes: 0,
        };
        slice.record_bytes = slice.iter().map(|(_, record)| record.len()).sum();
        slice
    }

    /// Offset of the first record.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Offset after the last record.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.records
    }

    /// Number of records.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// Bytes of all records, without framing.
    pub(crate) fn record_bytes(&self) -> usize {
        self.record_bytes
    }

    /// Bytes of the first record.
    pub(crate) fn first_bytes(&self) -> usize {
        frame::split(self.frames()).map_or(0, |(record, _)| record.len())
    }

    /// Memory that the shared buffer takes.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// The records with their offsets.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Offset, &[u8])> {
        let (mut frames, mut offset) = (self.frames(), Offset(self.first));
        std::iter::from_fn(move || {
            let (record, rest) = frame::split(frames)?;
            let next = (offset, record);
            frames = rest;
            offset = offset.plus(1);
            Some(next)
        })
    }

    /// The frames.
    fn frames(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Drops the records before `offset`.
    pub(crate) fn skip_to(&mut self, offset: u64) {
        while self.records > 0 && self.first < offset {
            self.drop_first();
        }
    }

    /// Takes the first records off: at most `records` of them and `bytes` bytes, but always at least one.
    pub(crate) fn split_front(&mut self, records: usize, bytes: usize) -> FrameSlice {
        let mut front = self.clone();
        let fits = u64::try_from(records).is_ok_and(|records| self.records <= records);
        if fits && self.record_bytes() <= bytes {
            self.start = self.end;
            self.first = self.next();
            self.records = 0;
            self.record_bytes = 0;
            return front;
        }
        let mut taken = 0;
        let mut used = 0usize;
        while self.records > 0 {
            let length = frame::split(self.frames()).map_or(0, |(record, _)| record.len());
            if taken > 0 && (taken >= records || used.saturating_add(length) > bytes) {
                break;
            }
            used = used.saturating_add(length);
            taken += 1;
            self.drop_first();
        }
        front.end = self.start;
        front.records = taken as u64;
        front.record_bytes = used;
        front
    }

    fn drop_first(&mut self) {
        let (record, rest) = frame::split(self.frames()).unwrap_or_default();
        let (dropped, left) = (record.len(), rest.len());
        self.record_bytes = self.record_bytes.saturating_sub(dropped);
        self.start = self.end - left;
        self.first += 1;
        self.records -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice_of(records: &[&[u8]]) -> FrameSlice {
        let mut frames = Vec::new();
        for (number, record) in (0..).zip(records) {
            let length = u32::try_from(record.len()).unwrap();
            frame::push(&mut frames, &[record], length, number);
        }
        frame::stamp(&mut frames, 10, 0);
        let end = frames.len();
        FrameSlice::new(Arc::new(frames), 0, end, 10, records.len() as u64)
    }

    #[test]
    fn the_front_is_bounded_by_records_and_by_bytes() {
        let mut slice = slice_of(&[b"aa", b"bb", b"cc", b"dd"]);
        let one = slice.split_front(1, 100);
        assert_eq!((one.first(), one.next(), slice.first()), (10, 11, 11));
        let by_bytes = slice.split_front(9, 5);
        assert_eq!((by_bytes.first(), by_bytes.records()), (11, 2));
        let rest = slice.split_front(9, 5);
        assert_eq!((rest.first(), rest.records(), slice.records()), (13, 1, 0));
        assert_eq!(frame::split(rest.frames()).unwrap().0, b"dd");
    }

    #[test]
    fn a_record_over_the_limit_comes_alone() {
        for second in [&b""[..], b"x"] {
            let mut slice = slice_of(&[b"large", second]);
            let front = slice.split_front(10, 1);
            assert_eq!((front.records(), front.record_bytes()), (1, 5));
            assert_eq!(slice.records(), 1);
        }
    }

    #[test]
    fn skipping_stops_at_the_end() {
        let mut slice = slice_of(&[b"a", b"b"]);
        slice.skip_to(11);
        assert_eq!((slice.first(), slice.records()), (11, 1));
        slice.skip_to(99);
        assert_eq!((slice.first(), slice.records()), (12, 0));
    }
}
