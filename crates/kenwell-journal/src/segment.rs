//! One file of the log, as everybody but the writer sees it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::disk::{Disk, sync_dir};
use crate::error::Error;
use crate::files::{self, UNFINISHED};
use crate::frame;
use crate::mutex::lock;
use crate::segment_header::{HEADER_BYTES, SegmentHeader, SegmentIdentity};

/// Distance of the entries of the index in bytes: how much is walked over at most to find a record.
const INDEX_BYTES: u64 = 256 * 1024;

/// A segment: its identity, where its records end, and how to find one of them.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) identity: SegmentIdentity,
    pub(crate) path: PathBuf,
    /// Offset after the last record; `u64::MAX` while it is being written.
    end: AtomicU64,
    /// Size of the file.
    file_bytes: AtomicU64,
    /// Bytes up to the end of the last record.
    used_bytes: AtomicU64,
    /// When the last record was written, in milliseconds since 1970.
    written_ms: AtomicU64,
    /// (offset, position) of some records, ascending.
    index: Mutex<Vec<(u64, u64)>>,
}

impl Segment {
    /// Describes a file. `end` is the offset after its last record.
    pub(crate) fn new(identity: SegmentIdentity, path: PathBuf, end: u64, file_bytes: u64) -> Self {
        Self {
            identity,
            path,
            end: AtomicU64::new(end),
            file_bytes: AtomicU64::new(file_bytes),
            used_bytes: AtomicU64::new(file_bytes),
            written_ms: AtomicU64::new(0),
            index: Mutex::new(vec![(identity.base, HEADER_BYTES)]),
        }
    }

    pub(crate) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    pub(crate) fn set_end(&self, end: u64) {
        self.end.store(end, Ordering::Release);
    }

    pub(crate) fn file_bytes(&self) -> u64 {
        self.file_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn set_file_bytes(&self, bytes: u64) {
        self.file_bytes.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn set_used_bytes(&self, bytes: u64) {
        self.used_bytes.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn written_ms(&self) -> u64 {
        self.written_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn set_written_ms(&self, now: u64) {
        self.written_ms.store(now, Ordering::Relaxed);
    }

    /// Notes where the record at `offset` begins, if the last note is far enough behind.
    pub(crate) fn note(&self, offset: u64, position: u64) {
        let mut index = lock(&self.index);
        if index
            .last()
            .is_none_or(|&(last, at)| offset > last && position >= at.saturating_add(INDEX_BYTES))
        {
            index.push((offset, position));
        }
    }

    /// A record at or before `offset`, and its position.
    pub(crate) fn locate(&self, offset: u64) -> (u64, u64) {
        let index = lock(&self.index);
        let after = index.partition_point(|&(noted, _)| noted <= offset);
        let entry = after.checked_sub(1).and_then(|at| index.get(at).copied());
        entry.unwrap_or((self.identity.base, HEADER_BYTES))
    }

    pub(crate) fn open(&self) -> Result<File, Error> {
        files::open(&self.path).map_err(Error::io("open", &self.path))
    }
}

/// Makes the file of a new segment, durable in its directory, with `bytes` bytes reserved. Returns it open for writing.
///
/// Never from the file of an earlier one: what that held would stay readable behind the new records for longer than
/// its retention.
pub(crate) fn create(
    dir: &Path,
    header: &SegmentHeader,
    bytes: u64,
    disk: &Disk,
) -> Result<File, Error> {
    let path = dir.join(header.identity.file_name());
    let begun = dir.join(format!("{}{UNFINISHED}", header.identity.id));
    let made = fill(&begun, header, bytes, disk).and_then(|made| {
        std::fs::rename(&begun, &path).map_err(Error::io("rename", &begun))?;
        sync_dir(dir)?;
        Ok(made)
    });
    if made.is_err() {
        for left in [&begun, &path] {
            // It may well not be there; a file left over is found by the next start.
            drop(std::fs::remove_file(left));
        }
    }
    made
}

fn fill(path: &Path, header: &SegmentHeader, bytes: u64, disk: &Disk) -> Result<File, Error> {
    let file = files::make_anew(path).map_err(Error::io("create", path))?;
    disk.reserve(&file, bytes)
        .map_err(Error::io("reserve space for", path))?;
    // The zeroes after the header end the segment.
    let mut first = header.encode().to_vec();
    first.extend_from_slice(&[0; frame::HEADER]);
    file.write_all_at(&first, 0)
        .map_err(Error::io("write", path))?;
    file.sync_all().map_err(Error::io("fsync", path))?;
    Ok(file)
}
