//! Reads records from outside, also while the owner of the journal is at work.

use std::collections::VecDeque;
use std::io;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::Arc;

use crate::error::Error;
use crate::file_reader::slices;
use crate::inspect::scan_repeatedly;
use crate::offset::Offset;
use crate::segment::Segment;
use crate::segment_reader::SegmentReader;

/// The records that a journal's files held a moment ago, read without the lock and without changing anything.
///
/// What the owner deletes meanwhile is not found any more; what it appends is not seen.
#[derive(Debug)]
pub struct Snapshot {
    segments: VecDeque<Arc<Segment>>,
    first: u64,
    next: u64,
}

impl Snapshot {
    /// Looks at the journal in `dir`. Blocks while it reads the newest segment.
    ///
    /// # Errors
    /// As those of [`inspect`](crate::inspect).
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let scan = scan_repeatedly(dir)?;
        Ok(Self {
            first: scan.first(),
            next: scan.next,
            segments: scan.segments,
        })
    }

    /// The offsets that there may be records of: from the oldest segment on, up to the end of the log.
    pub fn offsets(&self) -> Range<Offset> {
        Offset(self.first)..Offset(self.next)
    }

    /// Calls `each` with the records of `range` in order, until it breaks off. Damaged records, and segments that were
    /// deleted meanwhile, are passed over. Blocks; reads the file from the last place before the range that it knows, so
    /// the first record of a segment's middle may take reading half of it.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be read.
    pub fn read(
        &self,
        range: Range<Offset>,
        mut each: impl FnMut(Offset, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let (from, end) = (range.start.0.max(self.first), range.end.0.min(self.next));
        let overlaps =
            |segment: &&Arc<Segment>| segment.identity.base < end && segment.end() > from;
        for segment in self.segments.iter().filter(overlaps) {
            match read_segment(segment, from..end.min(segment.end()), &mut each) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break,
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn read_segment(
    segment: &Arc<Segment>,
    range: Range<u64>,
    each: &mut impl FnMut(Offset, &[u8]) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, Error> {
    let mut reader = SegmentReader::open(Arc::clone(segment), range.start)?;
    while reader.next < range.end {
        let chunk = reader.read_chunk(range.end)?;
        let is_last = chunk.is_last;
        for slice in slices(chunk, range.start) {
            for (offset, record) in slice.iter() {
                if each(offset, record).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        if is_last {
            break;
        }
    }
    Ok(ControlFlow::Continue(()))
}
