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
}

/// What the next part of the file held.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) bytes: Vec<u8>,
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
        })
    }

    /// Reads and checks the next chunk, up to offset `end`.
    pub(crate) fn read_chunk(&mut self, end: u64) -> Result<Chunk, Error> {
        let mut size = CHUNK_BYTES;
        loop {
            let bytes = read_up_to(&self.file, self.position, size)
                .map_err(Error::io("read", &self.segment.path))?;
            let is_last = bytes.len() < size;
            let scan = scan(&bytes, self.seed, self.next..end, is_last);
            if scan.needed > bytes.len() {
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
}

/// Up to `size` bytes from `at` on; fewer only at the end of the file.
pub(crate) fn read_up_to(file: &File, at: u64, size: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; size];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
