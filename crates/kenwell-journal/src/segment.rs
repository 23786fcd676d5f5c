//! One file of the log, as everybody but its writer sees it.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Error;
use crate::files;
use crate::mutex::lock;
use crate::segment_header::{HEADER_BYTES, SegmentIdentity};

/// Distance of the entries of the index in bytes: how much is read at most to find a record.
const INDEX_BYTES: u64 = 256 * 1024;

/// A segment: its identity, where its records end, and how to find one of them. Shared by all threads.
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

    /// Adds where the record at `offset` begins, if the last entry is far enough before it.
    pub(crate) fn add_to_index(&self, offset: u64, position: u64) {
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
        let after = index.partition_point(|&(indexed, _)| indexed <= offset);
        let entry = after.checked_sub(1).and_then(|at| index.get(at).copied());
        entry.unwrap_or((self.identity.base, HEADER_BYTES))
    }

    pub(crate) fn open(&self) -> Result<File, Error> {
        files::open(&self.path).map_err(Error::io("open", &self.path))
    }
}
