//! What the callers, the readers and the writer's thread have in common.

use std::collections::VecDeque;
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
    /// Oldest first. Only the writer's thread changes the list.
    pub(crate) segments: Mutex<VecDeque<Arc<Segment>>>,
    pub(crate) tail: Mutex<RecentRecords>,
    pub(crate) published: watch::Sender<PublishedEnd>,
    pub(crate) cursors: Mutex<Vec<Arc<Cursor>>>,
    /// Whether nothing tells a new cursor from one whose file was lost.
    pub(crate) unlisted: bool,
    pub(crate) losses: Mutex<LostOffsets>,
    pub(crate) corrupt_records: AtomicU64,
    /// Where each [`RangeReader`](crate::RangeReader) under way began: what deletion waits for besides the cursors.
    pub(crate) held: Mutex<Vec<u64>>,
    pub(crate) full: AtomicBool,
    pub(crate) no_space: AtomicBool,
    /// An ack beyond this offset may allow a segment to be deleted.
    pub(crate) release_at: AtomicU64,
    /// What went wrong when closing.
    pub(crate) farewell: Mutex<Option<Error>>,
}

impl JournalState {
    /// Offset after the last durable record.
    pub(crate) fn next(&self) -> u64 {
        self.published.borrow().next
    }

    /// The oldest offset that is still there.
    pub(crate) fn first(&self) -> u64 {
        let next = self.next();
        let segments = lock(&self.segments);
        segments
            .front()
            .map_or(next, |oldest| oldest.identity.base.min(next))
    }

    /// Counts records lost to damage, once, and says so.
    pub(crate) fn report_lost(&self, place: &Path, lost: &Range<u64>) {
        let records = lock(&self.losses).add(lost);
        if records == 0 {
            return;
        }
        self.corrupt_records.fetch_add(records, Ordering::Relaxed);
        tracing::error!(
            place = %place.display(),
            from = lost.start,
            to = lost.end,
            records,
            "records lost to damage or deletion; reading goes on behind them"
        );
    }

    /// Whether somebody else deleted the file of this segment, which was not found. Not when the whole directory is
    /// away: it may come back.
    pub(crate) fn is_deleted(&self, segment: &Arc<Segment>) -> bool {
        let segments = lock(&self.segments);
        let known = segments.iter().any(|other| Arc::ptr_eq(other, segment));
        known && self.dir.join(LOCK).exists() && !segment.path.exists()
    }

    /// The cursors that deletion waits for.
    pub(crate) fn holding_cursors(&self) -> Vec<Arc<Cursor>> {
        lock(&self.cursors).clone()
    }

    /// From now on nothing from `offset` on is deleted, until [`JournalState::let_go`].
    pub(crate) fn hold(&self, offset: u64) {
        // Under this lock nothing is deleted.
        let segments = lock(&self.segments);
        lock(&self.held).push(offset);
        drop(segments);
    }

    /// Ends one [`JournalState::hold`] of this offset.
    pub(crate) fn let_go(&self, offset: u64) {
        let mut held = lock(&self.held);
        if let Some(at) = held.iter().position(|other| *other == offset) {
            held.swap_remove(at);
        }
        drop(held);
        self.queue.nudge();
    }

    /// The oldest offset that is held.
    pub(crate) fn held(&self) -> u64 {
        lock(&self.held).iter().copied().min().unwrap_or(u64::MAX)
    }

    /// The cursor of this name, made if there is none: at the end of the log, if it is new.
    pub(crate) fn cursor(&self, name: &str) -> Result<Arc<Cursor>, Error> {
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
            // Listed once it is there: a start takes over what has a file and is not listed.
            cursor_list::write(&self.dir, names)?;
            cursors.push(Arc::clone(&cursor));
            cursors.sort_by(|a, b| a.name.cmp(&b.name));
            cursor
        };
        cursor.occupy()?;
        drop(cursors);
        Ok(cursor)
    }

    fn create_cursor(&self, name: CursorName) -> Result<Cursor, Error> {
        let (first, next) = (self.first(), self.next());
        if !self.unlisted || first == next {
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
    pub(crate) fn forget(&self, name: &str) -> Result<(), Error> {
        let mut cursors = lock(&self.cursors);
        if let Some(cursor) = idle(&cursors, name)? {
            // Not listed any more before its file goes: a start would take the file for a lost one.
            let others = cursors.iter().filter(|other| !Arc::ptr_eq(other, &cursor));
            cursor_list::write(&self.dir, others.map(|cursor| &cursor.name))?;
            cursor.remove(&self.dir)?;
            cursors.retain(|other| !Arc::ptr_eq(other, &cursor));
            self.queue.nudge();
        }
        Ok(())
    }

    /// The base of the oldest segment that was written at or after this time; the end when there is none.
    pub(crate) fn written_since(&self, since_ms: u64) -> Offset {
        let next = self.next();
        let segments = lock(&self.segments);
        let found = segments.iter().find(|s| s.written_ms() >= since_ms);
        Offset(found.map_or(next, |segment| segment.identity.base.min(next)))
    }

    /// Moves a cursor back to `to`, or as far as there still are records; tells where it is then.
    pub(crate) fn rewind(&self, cursor: &Cursor, to: u64) -> Result<u64, Error> {
        let next = self.next();
        // Under this lock nothing is deleted, so what the cursor moves back to is there and stays.
        let segments = lock(&self.segments);
        let oldest = segments.front().map_or(next, |s| s.identity.base.min(next));
        cursor.rewind(to.max(oldest))?;
        Ok(cursor.position())
    }

    pub(crate) fn disk_bytes(&self) -> u64 {
        let segments = lock(&self.segments);
        segments.iter().map(|segment| segment.file_bytes()).sum()
    }

    pub(crate) fn stats(&self) -> Stats {
        let next = self.next();
        let cursors = lock(&self.cursors)
            .iter()
            .map(|c| cursor_stats(c, next))
            .collect();
        let segments = lock(&self.segments);
        let (count, bytes) = (
            segments.len(),
            segments.iter().map(|s| s.used_bytes()).sum(),
        );
        drop(segments);
        Stats {
            first_offset: Offset(self.first()),
            next_offset: Offset(next),
            segments: count,
            bytes,
            disk_bytes: self.disk_bytes(),
            max_bytes: self.options.max_bytes,
            full: self.full.load(Ordering::Relaxed),
            no_space: self.no_space.load(Ordering::Relaxed),
            corrupt_records: self.corrupt_records.load(Ordering::Relaxed),
            memory_bytes: lock(&self.tail).bytes(),
            queued_bytes: self.queue.bytes(),
            cursors,
        }
    }
}

/// The cursor of this name, if there is one and nobody reads with it.
fn idle(cursors: &[Arc<Cursor>], name: &str) -> Result<Option<Arc<Cursor>>, Error> {
    let found = cursors.iter().find(|cursor| cursor.name.as_str() == name);
    if found.is_some_and(|cursor| cursor.busy.load(Ordering::Acquire)) {
        return Err(Error::CursorBusy {
            name: name.to_owned(),
        });
    }
    Ok(found.cloned())
}

fn cursor_stats(cursor: &Cursor, next: u64) -> CursorStats {
    let position = cursor.position();
    CursorStats {
        name: cursor.name.as_str().to_owned(),
        position: Offset(position),
        pending: next.saturating_sub(position),
    }
}
