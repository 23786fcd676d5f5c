//! What a reader hands out: records with their offsets, sharing the memory they were written from or read into.

use crate::frame;
use crate::offset::Offset;
use crate::run::Run;

/// Records in offset order, at least one. Cheap to clone; can be kept while the next ones are read.
///
/// Keeping them keeps the whole groups or file pieces that they lie in, so do not keep them for long.
#[derive(Debug, Clone)]
pub struct Records {
    runs: Vec<Run>,
}

impl Records {
    pub(crate) fn new(runs: Vec<Run>) -> Self {
        Self { runs }
    }

    /// The records with their offsets. Offsets ascend; one is missing only where damage cost a record.
    pub fn iter(&self) -> Iter<'_> {
        Iter {
            runs: self.runs.iter(),
            frames: &[],
            offset: 0,
        }
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        let records: u64 = self.runs.iter().map(Run::records).sum();
        usize::try_from(records).unwrap_or(usize::MAX)
    }

    /// Never true for what a reader returns.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the records.
    pub fn bytes(&self) -> usize {
        self.runs.iter().map(Run::record_bytes).sum()
    }

    /// The offset behind the last record: what to ack once all of them are dealt with.
    pub fn next_offset(&self) -> Offset {
        Offset(self.runs.last().map_or(0, Run::next))
    }
}

impl<'a> IntoIterator for &'a Records {
    type Item = (Offset, &'a [u8]);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Iterates over [`Records`].
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    runs: std::slice::Iter<'a, Run>,
    frames: &'a [u8],
    offset: u64,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Offset, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while self.frames.is_empty() {
            let run = self.runs.next()?;
            self.frames = run.frames();
            self.offset = run.first();
        }
        let (record, rest) = frame::split(self.frames)?;
        let offset = Offset(self.offset);
        self.frames = rest;
        self.offset += 1;
        Some((offset, record))
    }
}
