//! The state of an open journal, which its callers, its readers and the writer's thread share.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use crate::append_queue::AppendQueue;
use crate::cursor::{Cursor, CursorName};
use crate::cursor_list;
use crate::directory::LOCK;
use crate::error::Error;
use crate::lost_offsets::LostOffsets;
use crate::mutex::lock;
use crate::offset::Offset;
use crate::options::Options;
use crate::recent_records::RecentRecords;
use crate::segment::Segment;
use crate::segments::SegmentList;
use crate::stats::{CursorStats, Stats};

/// How far readers may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PublishedEnd {
    /// Offset after the last durable record.
    pub(crate) next: u64,
    /// Nothing more will come, and the lock is released.
    pub(crate) closed: bool,
}

/// An open journal.
#[derive(Debug)]
pub(crate) struct JournalState {
    pub(crate) dir: PathBuf,
    pub(crate) options: Options,
    pub(crate) queue: AppendQueue,
    pub(crate) segments: SegmentList,
    pub(crate) recent: Mutex<RecentRecords>,
    pub(crate) published: watch::Sender<PublishedEnd>,
    /// Deletion waits for all of them.
    pub(crate) cursors: Mutex<Vec<Arc<Cursor>>>,
    /// There was no list of cursors, so nothing tells a new cursor from one whose file was lost.
    pub(crate) cursor_list_lost: bool,
    pub(crate) lost: Mutex<LostOffsets>,
    /// An append was refused because of `max_bytes`, and no room has appeared since.
    pub(crate) full: AtomicBool,
    /// An append was refused because the disk is full, and no space has appeared since.
    pub(crate) no_space: AtomicBool,
    /// An ack that reaches this offset may allow a segment to be deleted.
    pub(crate) next_deletion: AtomicU64,
    /// What went wrong when closing.
    pub(crate) close_error: Mutex<Option<Error>>,
}

impl JournalState {
    /// Offset after the last durable record.
    pub(crate) fn next(&self) -> u64 {
        self.published.borrow().next
    }

    /// The oldest offset that is still there.
    pub(crate) fn first(&self) -> u64 {
        self.segments.with_first(self.next(), |first| first)
    }

    /// All cursors at this moment.
    pub(crate) fn cursors(&self) -> Vec<Arc<Cursor>> {
        lock(&self.cursors).clone()
    }

    /// Counts records lost to damage, once, and says so.
    pub(crate) fn report_lost(&self, place: &Path, lost: &Range<u64>) {
        let records = lock(&self.lost).add(lost);
        if records == 0 {
            return;
        }
        tracing::error!(
            place = %place.display(),
            from = lost.start,
            to = lost.end,
            records,
            "records lost to damage or deletion; reading goes on behind them"
        );
    }

    /// Whether the file of this segment, which was not found, was deleted by another program. When the whole directory
    /// is missing it is not: that may come back.
    pub(crate) fn is_deleted_by_others(&self, segment: &Arc<Segment>) -> bool {
        // Under the lock of the list: retention takes a segment off it before it deletes the file.
        self.segments.contains_and(segment, || {
            self.dir.join(LOCK).exists() && !segment.path.exists()
        })
    }

    /// The cursor of this name, for one reader; made if there is none.
    pub(crate) fn take_cursor(&self, name: &str) -> Result<Arc<Cursor>, Error> {
        let name = CursorName::new(name)?;
        let mut cursors = lock(&self.cursors);
        // Under the lock: once the writer has closed all cursors, no further one appears.
        if self.queue.is_closing() {
            return Err(Error::Closed);
        }
        let known = cursors.iter().find(|cursor| cursor.name == name);
        let cursor = if let Some(cursor) = known {
            Arc::clone(cursor)
        } else {
            let cursor = Arc::new(self.create_cursor(name)?);
            let names = cursors.iter().chain([&cursor]).map(|cursor| &cursor.name);
            // It is listed once its file is there: a start accepts a cursor that has a file and is not listed.
            cursor_list::write(&self.dir, names)?;
            cursors.push(Arc::clone(&cursor));
            cursors.sort_by(|a, b| a.name.cmp(&b.name));
            cursor
        };
        cursor.occupy()?;
        drop(cursors);
        Ok(cursor)
    }

    /// A cursor at the end of the log; at the oldest record when nothing tells whether it is new.
    fn create_cursor(&self, name: CursorName) -> Result<Cursor, Error> {
        let (first, next) = (self.first(), self.next());
        if !self.cursor_list_lost || first == next {
            return Cursor::create(&self.dir, name, next);
        }
        let (records, cursor) = (next - first, name.as_str());
        tracing::warn!(
            cursor,
            records,
            "nothing tells whether this cursor is new or its file was lost; it begins at the oldest record"
        );
        Cursor::create(&self.dir, name, first)
    }

    /// Removes the cursor and its file.
    pub(crate) fn forget_cursor(&self, name: &str) -> Result<(), Error> {
        let mut cursors = lock(&self.cursors);
        let known = cursors.iter().find(|it| it.name.as_str() == name);
        let Some(cursor) = known.cloned() else {
            return Ok(());
        };
        if cursor.busy.load(Ordering::Acquire) {
            let name = name.to_owned();
            return Err(Error::CursorBusy { name });
        }
        // It leaves the list before its file goes: a start would take the file for a lost one.
        let others = cursors.iter().filter(|other| !Arc::ptr_eq(other, &cursor));
        cursor_list::write(&self.dir, others.map(|cursor| &cursor.name))?;
        cursor.remove(&self.dir)?;
        cursors.retain(|other| !Arc::ptr_eq(other, &cursor));
        self.queue.wake_writer();
        Ok(())
    }

    /// The base of the oldest segment that was written at or after this time; the end when there is none.
    pub(crate) fn written_since(&self, since_ms: u64) -> Offset {
        let next = self.next();
        let segment = self.segments.find(|s| s.written_ms() >= since_ms);
        Offset(segment.map_or(next, |segment| segment.identity.base.min(next)))
    }

    /// Moves a cursor back to `to`, or as far as there still are records; tells where it is then.
    pub(crate) fn rewind(&self, cursor: &Cursor, to: u64) -> Result<u64, Error> {
        // What the cursor moves back to is there, and from then on the cursor keeps it.
        self.segments
            .with_first(self.next(), |first| cursor.rewind(to.max(first)))?;
        Ok(cursor.position())
    }

    /// Size of all segment files.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.segments.sum(Segment::file_bytes)
    }

    pub(crate) fn stats(&self) -> Stats {
        let next = self.next();
        let stats_of =
            |cursor: &Arc<Cursor>| CursorStats::new(&cursor.name, cursor.position(), next);
        Stats {
            first_offset: Offset(self.first()),
            next_offset: Offset(next),
            segments: self.segments.len(),
            bytes: self.segments.sum(Segment::used_bytes),
            disk_bytes: self.disk_bytes(),
            max_bytes: self.options.max_bytes,
            full: self.full.load(Ordering::Relaxed),
            no_space: self.no_space.load(Ordering::Relaxed),
            corrupt_records: lock(&self.lost).total(),
            memory_bytes: lock(&self.recent).bytes(),
            cursors: self.cursors().iter().map(stats_of).collect(),
        }
    }
}
