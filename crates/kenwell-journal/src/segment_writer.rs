//! The segment being written: where the next frame goes, and what to do when a write fails.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use crate::disk::Disk;
use crate::error::Error;
use crate::frame;
use crate::options::Durability;
use crate::segment::Segment;

/// The open end of the log.
#[derive(Debug)]
pub(crate) struct SegmentWriter {
    pub(crate) segment: Arc<Segment>,
    pub(crate) seed: u32,
    file: File,
    /// Where the next frame goes.
    at: u64,
    /// Size of the file; a segment is never written beyond it.
    limit: u64,
}

impl SegmentWriter {
    /// A segment without records.
    pub(crate) fn new(segment: Arc<Segment>, file: File, at: u64, limit: u64) -> Self {
        Self {
            seed: segment.identity.seed(),
            segment,
            file,
            at,
            limit,
        }
    }

    /// Whether somebody else deleted the file: what is written to it could not be found again.
    pub(crate) fn is_deleted(&self) -> bool {
        self.file.metadata().is_ok_and(|file| file.nlink() == 0)
    }

    /// Whether frames of this size still fit, with the zeroes that end the segment.
    pub(crate) fn fits(&self, frames: usize) -> bool {
        let needed = (frames as u64).saturating_add(frame::HEADER as u64);
        self.at.saturating_add(needed) <= self.limit
    }

    /// Writes frames followed by [`frame::HEADER`] zeroes, and makes them durable. The first has offset `first`.
    pub(crate) fn write(
        &mut self,
        bytes: &[u8],
        first: u64,
        durability: Durability,
        disk: &Disk,
    ) -> Result<(), Error> {
        let path = &self.segment.path;
        disk.write_at(&self.file, bytes, self.at)
            .map_err(Error::io("write", path))?;
        if durability == Durability::Fsync {
            disk.sync(&self.file)
                .map_err(Error::io("fdatasync", path))?;
        }
        self.segment.note(first, self.at);
        self.at += (bytes.len() as u64).saturating_sub(frame::HEADER as u64);
        self.segment.set_used_bytes(self.at);
        Ok(())
    }

    /// Ends the segment before offset `end`; it is never written again.
    pub(crate) fn seal(self, end: u64) {
        // Only worth a system call when a large batch made us leave much of it unused.
        if self.limit - self.at > self.limit / 4 {
            self.cut();
        }
        self.segment.set_end(end);
    }

    /// Ends the segment after a failed write: what it holds from offset `end` on is unknown, so it is cut off. Should
    /// that fail as well, the next segment begins at `end`, which says the same.
    pub(crate) fn abandon(self, end: u64) {
        self.cut();
        self.segment.set_end(end);
    }

    /// Ends the segment because the journal is closed.
    pub(crate) fn close(self, end: u64) -> Result<(), Error> {
        let path = &self.segment.path;
        self.file
            .set_len(self.at)
            .map_err(Error::io("truncate", path))?;
        self.file.sync_all().map_err(Error::io("fsync", path))?;
        self.segment.set_file_bytes(self.at);
        self.segment.set_end(end);
        Ok(())
    }

    fn cut(&self) {
        match self
            .file
            .set_len(self.at)
            .and_then(|()| self.file.sync_all())
        {
            Ok(()) => self.segment.set_file_bytes(self.at),
            Err(error) => {
                let segment = self.segment.path.display();
                tracing::warn!(%segment, %error, "could not cut the unused end of a segment");
            }
        }
    }
}
