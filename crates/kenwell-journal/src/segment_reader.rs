//! A place in a segment's file, read on from in large pieces.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::error::Error;
use crate::scan::{ExpectedOffsets, FoundFrames, walk};
use crate::segment::Segment;

/// How much is read at once; a larger record makes it more.
const PIECE_BYTES: usize = 1024 * 1024;

/// Where reading a segment stands.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    pub(crate) segment: Arc<Segment>,
    file: File,
    seed: u32,
    /// Position of the next byte to look at.
    at: u64,
    /// The next offset.
    pub(crate) expected: u64,
}

/// What the next piece of the file held.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) bytes: Vec<u8>,
    /// Position of its first byte in the file.
    pub(crate) position: u64,
    pub(crate) found: Vec<FoundFrames>,
    pub(crate) lost: Vec<Range<u64>>,
    /// The file ends here.
    pub(crate) last: bool,
}

impl SegmentReader {
    /// The record at `offset`, or the nearest one before it that the index knows.
    pub(crate) fn new(segment: Arc<Segment>, offset: u64) -> Result<Self, Error> {
        let (expected, at) = segment.locate(offset);
        Ok(Self {
            file: segment.open()?,
            seed: segment.identity.seed(),
            segment,
            at,
            expected,
        })
    }

    /// Reads and checks the next piece, up to offset `end`.
    pub(crate) fn step(&mut self, end: u64) -> Result<Chunk, Error> {
        let mut size = PIECE_BYTES;
        loop {
            let bytes = read_up_to(&self.file, self.at, size)
                .map_err(Error::io("read", &self.segment.path))?;
            let last = bytes.len() < size;
            let expectation = ExpectedOffsets {
                seed: self.seed,
                next: self.expected,
                end,
            };
            let walk = walk(&bytes, expectation, last);
            if walk.needed > bytes.len() {
                size = walk.needed;
                continue;
            }
            let position = self.at;
            for found in &walk.found {
                self.segment
                    .note(found.offsets.start, position + found.bytes.start as u64);
            }
            self.at += walk.consumed as u64;
            self.expected = walk.expected;
            return Ok(Chunk {
                bytes,
                position,
                found: walk.found,
                lost: walk.lost,
                last,
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
