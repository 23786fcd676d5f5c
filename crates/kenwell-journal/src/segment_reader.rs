//! Reads a segment's file from front to back, in large chunks.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::error::Error;
use crate::scan::{FoundFrames, scan};
use crate::segment::Segment;

/// How much is read at once; a larger record makes it more.
const CHUNK_BYTES: usize = 1024 * 1024;
/// How many chunks' memory is kept to be read into again: about what a delivery has under way.
const MAX_KEPT: usize = 8;

/// An open segment, and how far it was read.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    pub(crate) segment: Arc<Segment>,
    file: File,
    seed: u32,
    /// Position of the next byte to look at.
    position: u64,
    /// The offset that comes next.
    pub(crate) next: u64,
    /// The memory of earlier chunks, some of which may still be looked at. Fresh memory costs the kernel more than
    /// reading into it.
    kept: Vec<Arc<Vec<u8>>>,
}

/// What the next part of the file held.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// It, and possibly what is left of an earlier one.
    pub(crate) bytes: Arc<Vec<u8>>,
    /// Position of its first byte in the file.
    pub(crate) position: u64,
    pub(crate) frames: Vec<FoundFrames>,
    pub(crate) lost: Vec<Range<u64>>,
    /// The file ends here.
    pub(crate) is_last: bool,
}

impl SegmentReader {
    /// Opens a segment at the record at `offset`, or at the nearest one before it that the index knows.
    pub(crate) fn open(segment: Arc<Segment>, offset: u64) -> Result<Self, Error> {
        let (next, position) = segment.locate(offset);
        Ok(Self {
            file: segment.open()?,
            seed: segment.identity.seed(),
            segment,
            position,
            next,
            kept: Vec::new(),
        })
    }

    /// Reads and checks the next chunk, up to offset `end`.
    pub(crate) fn read_chunk(&mut self, end: u64) -> Result<Chunk, Error> {
        let mut size = CHUNK_BYTES;
        loop {
            let (bytes, filled) = self
                .read(size)
                .map_err(Error::io("read", &self.segment.path))?;
            let is_last = filled < size;
            let read = bytes.get(..filled).unwrap_or_default();
            let scan = scan(read, self.seed, self.next..end, is_last);
            if scan.needed > filled {
                size = scan.needed;
                continue;
            }
            let position = self.position;
            for frames in &scan.frames {
                self.segment
                    .add_to_index(frames.offsets.start, position + frames.bytes.start as u64);
            }
            self.position += scan.consumed as u64;
            self.next = scan.next;
            return Ok(Chunk {
                bytes,
                position,
                frames: scan.frames,
                lost: scan.lost,
                is_last,
            });
        }
    }

    /// Reads up to `size` bytes into memory that nobody looks at any more, if there is such; says how many.
    fn read(&mut self, size: usize) -> io::Result<(Arc<Vec<u8>>, usize)> {
        let is_free =
            |bytes: &mut Arc<Vec<u8>>| bytes.len() == size && Arc::get_mut(bytes).is_some();
        let free = self.kept.iter_mut().position(is_free);
        let mut bytes = match free {
            Some(place) => self.kept.swap_remove(place),
            None => Arc::new(vec![0; size]),
        };
        let room = Arc::get_mut(&mut bytes).map_or(&mut [][..], Vec::as_mut_slice);
        let filled = fill(&self.file, self.position, room)?;
        if size == CHUNK_BYTES && self.kept.len() < MAX_KEPT {
            self.kept.push(Arc::clone(&bytes));
        }
        Ok((bytes, filled))
    }
}

/// Up to `size` bytes from `at` on; fewer only at the end of the file.
pub(crate) fn read_up_to(file: &File, at: u64, size: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; size];
    let filled = fill(file, at, &mut bytes)?;
    bytes.truncate(filled);
    Ok(bytes)
}

/// Fills `bytes` with what is in the file from `at` on, and says how many that were; fewer only at the end of the file.
fn fill(file: &File, at: u64, bytes: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame;
    use crate::segment_header::{HEADER_BYTES, SegmentIdentity};

    /// A segment of so many records of 100,000 bytes, and no header.
    fn segment(dir: &std::path::Path, records: u64) -> Arc<Segment> {
        let identity = SegmentIdentity::new(1, 0);
        let (mut frames, record) = (Vec::new(), vec![7; 100_000]);
        for number in 0..records {
            frame::push(&mut frames, &[&record], 100_000, number);
        }
        frame::stamp(&mut frames, 0, identity.seed());
        let header = usize::try_from(HEADER_BYTES).unwrap();
        let path = dir.join(identity.file_name());
        std::fs::write(&path, [vec![0; header], frames].concat()).unwrap();
        Arc::new(Segment::new(identity, path, records, 0))
    }

    #[test]
    fn memory_that_nobody_looks_at_is_read_into_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut reader = SegmentReader::open(segment(dir.path(), 300), 0).unwrap();
        let mut places = std::collections::BTreeSet::new();
        let (mut held, mut next) = (Vec::new(), 0);
        while next < 300 {
            let chunk = reader.read_chunk(300).unwrap();
            assert!(chunk.lost.is_empty());
            for found in &chunk.frames {
                assert_eq!(found.offsets.start, next);
                next = found.offsets.end;
                let (record, _) = frame::split(&chunk.bytes[found.bytes.clone()]).unwrap();
                assert!(record.len() == 100_000 && record.iter().all(|byte| *byte == 7));
            }
            places.insert(chunk.bytes.as_ptr());
            // The latest two are still looked at.
            held.insert(0, chunk);
            held.truncate(2);
        }
        assert_eq!(places.len(), 3);
        assert_eq!(reader.kept.len(), 3);
    }

    #[test]
    fn not_more_memory_is_kept_than_that_of_some_chunks() {
        let dir = tempfile::tempdir().unwrap();
        let mut reader = SegmentReader::open(segment(dir.path(), 200), 0).unwrap();
        let mut held = Vec::new();
        while reader.next < 200 {
            held.push(reader.read_chunk(200).unwrap());
        }
        assert!(held.len() > MAX_KEPT);
        assert_eq!(reader.kept.len(), MAX_KEPT);
    }
}
