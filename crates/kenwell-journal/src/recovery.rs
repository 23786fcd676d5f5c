//! Opening: takes the lock, surveys the directory, repairs what a crash left, and says what it found.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cursor::Cursor;
use crate::cursor_list::{self, CursorList};
use crate::directory_scan::{DirectoryScan, directory_scan};
use crate::disk::sync_dir;
use crate::error::Error;
use crate::files;
use crate::lost_offsets::LostOffsets;
use crate::offset::Offset;
use crate::segment::Segment;

/// What opening a journal found and did. All of it was logged as well.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Recovery {
    /// Bytes of incompletely written records cut off the end: never acknowledged, so nothing is lost. In a file that
    /// an earlier version recycled this is a lower bound.
    pub torn_bytes: u64,
    /// Records of the newest segment that are lost to damage, or were written behind it and are not there any more. Older segments are checked when they are read; what is
    /// found then is in [`Stats::corrupt_records`](crate::Stats::corrupt_records), together with these.
    pub corrupt_records: u64,
    /// Segments whose header is damaged. Their records are read all the same.
    pub corrupt_segments: usize,
    /// Places where the file of a segment is missing.
    pub missing_segments: usize,
    /// Cursors whose file was damaged: they begin again at the oldest record.
    pub corrupt_cursors: Vec<String>,
    /// Cursors whose file was missing: they begin again at the oldest record.
    pub missing_cursors: Vec<String>,
    /// Files that do not belong to a journal. They were left alone.
    pub ignored_files: Vec<PathBuf>,
    /// The offset of the next record.
    pub next_offset: Offset,
}

/// What a journal starts from.
#[derive(Debug)]
pub(crate) struct RecoveredState {
    pub(crate) segments: VecDeque<Arc<Segment>>,
    pub(crate) cursors: Vec<Arc<Cursor>>,
    pub(crate) next: u64,
    /// Whether nothing tells a new cursor from one whose file was lost.
    pub(crate) unlisted: bool,
    pub(crate) next_id: u64,
    pub(crate) losses: LostOffsets,
    pub(crate) end: Option<Cursor>,
    pub(crate) recovery: Recovery,
}

/// Brings the directory into order. The caller holds its lock.
pub(crate) fn recover(dir: &Path) -> Result<RecoveredState, Error> {
    let directory_scan = directory_scan(dir)?;
    let recovery = report(&directory_scan);
    for leftover in &directory_scan.leftovers {
        std::fs::remove_file(leftover).map_err(Error::io("remove", leftover))?;
    }
    if let Some(newest) = directory_scan.segments.back() {
        cut(newest, directory_scan.end.position)?;
    }
    let mut losses = LostOffsets::default();
    for lost in &directory_scan.end.lost {
        losses.add(lost);
    }
    let oldest = directory_scan
        .segments
        .front()
        .map_or(directory_scan.next, |oldest| oldest.identity.base);
    let cursors = directory_scan
        .cursors
        .into_iter()
        .map(|(name, path, stored)| {
            let cursor = match stored {
                Some(stored) => Cursor::open(name, path, stored)?,
                None => Cursor::create(dir, name, oldest)?,
            };
            Ok(Arc::new(cursor))
        });
    let mut cursors: Vec<Arc<Cursor>> = cursors.collect::<Result<_, Error>>()?;
    cursors.sort_by(|a, b| a.name.cmp(&b.name));
    list(dir, &cursors, &directory_scan.register);
    let listed = matches!(directory_scan.register, CursorList::Known(_));
    let unlisted = !listed && !directory_scan.segments.is_empty();
    let end = Cursor::end(dir, directory_scan.mark, directory_scan.next).map_err(|error| {
        tracing::warn!(%error, "a later start cannot notice when records are missing at the end");
    });
    sync_dir(dir)?;
    Ok(RecoveredState {
        segments: directory_scan.segments,
        cursors,
        next: directory_scan.next,
        unlisted,
        next_id: directory_scan.next_id,
        losses,
        end: end.ok(),
        recovery,
    })
}

/// Brings the list of cursors up to date. A disk that is full for that is no reason not to start.
fn list(dir: &Path, cursors: &[Arc<Cursor>], register: &CursorList) {
    let names: Vec<_> = cursors.iter().map(|cursor| cursor.name.clone()).collect();
    if matches!(register, CursorList::Known(known) if *known == names) {
        return;
    }
    if let Err(error) = cursor_list::write(dir, names.iter()) {
        tracing::warn!(%error, "the list of cursors could not be written; a later start may not notice a missing one");
    }
}

/// Cuts the newest segment behind its last record: it is not written again, a new one will be.
fn cut(newest: &Segment, position: u64) -> Result<(), Error> {
    let path = &newest.path;
    let file = files::open_for_writing(path).map_err(Error::io("open", path))?;
    if newest.file_bytes() > position {
        file.set_len(position)
            .map_err(Error::io("truncate", path))?;
        newest.set_file_bytes(position);
    }
    // Also when there was nothing to cut: after a kill -9 the records may be in the page cache only.
    file.sync_all().map_err(Error::io("fsync", path))
}

fn report(directory_scan: &DirectoryScan) -> Recovery {
    let recovery = Recovery {
        torn_bytes: directory_scan.end.torn_bytes,
        corrupt_records: directory_scan
            .end
            .lost
            .iter()
            .map(|lost| lost.end - lost.start)
            .sum(),
        corrupt_segments: directory_scan.bad_headers.len(),
        missing_segments: directory_scan.after_gaps.len(),
        corrupt_cursors: directory_scan
            .cursors
            .iter()
            .filter(|(name, _, stored)| stored.is_none() && !directory_scan.missing.contains(name))
            .map(|(name, _, _)| name.as_str().to_owned())
            .collect(),
        missing_cursors: directory_scan
            .missing
            .iter()
            .map(|name| name.as_str().to_owned())
            .collect(),
        ignored_files: directory_scan.foreign.clone(),
        next_offset: Offset(directory_scan.next),
    };
    if let Some(newest) = directory_scan.segments.back() {
        let segment = newest.path.display();
        if recovery.torn_bytes > 0 {
            let bytes = recovery.torn_bytes;
            tracing::warn!(%segment, bytes, "cut an incomplete, never acknowledged write off the journal's end");
        }
        if recovery.corrupt_records > 0 {
            let records = recovery.corrupt_records;
            tracing::error!(%segment, records, "records lost to damage; the ones after them are intact");
        }
    }
    for path in &directory_scan.bad_headers {
        tracing::error!(segment = %path.display(), "the segment's header is damaged; its records are read all the same");
    }
    for path in &directory_scan.after_gaps {
        tracing::error!(segment = %path.display(), "the segment before this one is missing, and its records with it");
    }
    let oldest = directory_scan.segments.front();
    let records = oldest.map_or(0, |oldest| {
        directory_scan.next.saturating_sub(oldest.identity.base)
    });
    for cursor in &recovery.corrupt_cursors {
        tracing::error!(
            cursor,
            records,
            "the cursor's file is damaged; it begins again at the oldest record, so that all records there are come again"
        );
    }
    for cursor in &recovery.missing_cursors {
        tracing::error!(
            cursor,
            records,
            "the cursor's file is missing; it begins again at the oldest record, so that all records there are come again"
        );
    }
    if matches!(directory_scan.register, CursorList::Damaged) {
        tracing::warn!("the list of cursors is damaged; it is made anew from their files");
    }
    for path in &directory_scan.foreign {
        tracing::warn!(file = %path.display(), "not a journal's file; left alone");
    }
    recovery
}
