//! Writes the newest segment: where its next frame goes, and how it ends.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

use crate::commit_group::CommitGroup;
use crate::disk::{Disk, sync_dir};
use crate::error::Error;
use crate::files::{self, UNFINISHED};
use crate::frame;
use crate::options::Durability;
use crate::segment::Segment;
use crate::segment_header::{HEADER_BYTES, SegmentHeader};

/// The zeroes that end a segment, behind its last frame.
const END: [u8; frame::HEADER] = [0; frame::HEADER];

/// The segment that is being written.
#[derive(Debug)]
pub(crate) struct SegmentWriter {
    pub(crate) segment: Arc<Segment>,
    /// Checksum seed of its frames.
    pub(crate) seed: u32,
    file: File,
    disk: Disk,
    /// Position of the next frame.
    position: u64,
    /// Size of the file; a segment is never written beyond it.
    limit: u64,
}

impl SegmentWriter {
    /// Begins a segment in a new file, durable in its directory, with `bytes` bytes reserved.
    ///
    /// Never in the file of an earlier one: what that held would stay readable behind the new records for longer than
    /// its retention.
    pub(crate) fn create(
        dir: &Path,
        header: &SegmentHeader,
        bytes: u64,
        disk: &Disk,
    ) -> Result<Self, Error> {
        let identity = header.identity;
        let path = dir.join(identity.file_name());
        let unfinished = dir.join(format!("{}{UNFINISHED}", identity.id));
        let created = create_file(&unfinished, header, bytes, disk).and_then(|file| {
            std::fs::rename(&unfinished, &path).map_err(Error::io("rename", &unfinished))?;
            sync_dir(dir)?;
            Ok(file)
        });
        let file = created.inspect_err(|_| {
            for left in [&unfinished, &path] {
                // It may well not be there; a file left over is found by the next start.
                drop(std::fs::remove_file(left));
            }
        })?;
        let segment = Segment::new(identity, path, u64::MAX, bytes);
        segment.set_used_bytes(HEADER_BYTES);
        segment.set_written_ms(header.created_ms);
        Ok(Self {
            seed: identity.seed(),
            segment: Arc::new(segment),
            file,
            disk: disk.clone(),
            position: HEADER_BYTES,
            limit: bytes,
        })
    }

    /// Whether another program deleted the file: what is written to it then could not be read again.
    pub(crate) fn is_deleted(&self) -> bool {
        self.file.metadata().is_ok_and(|file| file.nlink() == 0)
    }

    /// Whether frames of this size still fit, with the zeroes that end the segment.
    pub(crate) fn fits(&self, frames: usize) -> bool {
        let needed = (frames as u64).saturating_add(frame::HEADER as u64);
        self.position.saturating_add(needed) <= self.limit
    }

    /// Writes a group's frames followed by [`frame::HEADER`] zeroes, and makes them durable.
    pub(crate) fn write(
        &mut self,
        group: &CommitGroup,
        durability: Durability,
    ) -> Result<(), Error> {
        let path = &self.segment.path;
        let frames = group.buffers.iter().map(|buffer| &buffer.frames[..]);
        let parts = frames.chain(std::iter::once(&END[..]));
        let mut parts: Vec<_> = parts.map(IoSlice::new).collect();
        self.disk
            .write_at(&self.file, &mut parts, self.position)
            .map_err(Error::io("write", path))?;
        if durability == Durability::Fsync {
            self.disk
                .fdatasync(&self.file)
                .map_err(Error::io("fdatasync", path))?;
        }
        for buffer in &group.buffers {
            self.segment.add_to_index(buffer.first, self.position);
            self.position += buffer.frames.len() as u64;
        }
        self.segment.set_used_bytes(self.position);
        Ok(())
    }

    /// Ends the segment before offset `end`; it is never written again.
    pub(crate) fn seal(self, end: u64) {
        // Only worth a system call when a large batch made us leave much of it unused.
        if self.limit - self.position > self.limit / 4 {
            self.truncate_or_warn();
        }
        self.segment.set_end(end);
    }

    /// Ends the segment after a failed write: what it holds from offset `end` on is unknown, so it is cut off. Should
    /// that fail as well, the next segment begins at `end`, which says the same.
    pub(crate) fn seal_after_failure(self, end: u64) {
        self.truncate_or_warn();
        self.segment.set_end(end);
    }

    /// Ends the segment because the journal is closed.
    pub(crate) fn close(self, end: u64) -> Result<(), Error> {
        let path = &self.segment.path;
        self.truncate()
            .map_err(Error::io("truncate and fsync", path))?;
        self.segment.set_end(end);
        Ok(())
    }

    fn truncate_or_warn(&self) {
        if let Err(error) = self.truncate() {
            let segment = self.segment.path.display();
            tracing::warn!(%segment, %error, "could not cut the unused end of a segment");
        }
    }

    /// Cuts off what the file holds behind its last record, durably.
    fn truncate(&self) -> io::Result<()> {
        self.file.set_len(self.position)?;
        self.file.sync_all()?;
        self.segment.set_file_bytes(self.position);
        Ok(())
    }
}

/// A file with the header of a segment and the zeroes that end it.
fn create_file(
    path: &Path,
    header: &SegmentHeader,
    bytes: u64,
    disk: &Disk,
) -> Result<File, Error> {
    let file = files::make_anew(path).map_err(Error::io("create", path))?;
    disk.reserve(&file, bytes)
        .map_err(Error::io("reserve space for", path))?;
    let mut start = header.encode().to_vec();
    start.extend_from_slice(&END);
    file.write_all_at(&start, 0)
        .map_err(Error::io("write", path))?;
    file.sync_all().map_err(Error::io("fsync", path))?;
    Ok(file)
}
