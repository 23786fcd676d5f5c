//! What opening a journal does about its directory: repairs what a crash left, and says what it found.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cursor::Cursor;
use crate::cursor_list::{self, CursorList};
use crate::directory_scan::{CursorFile, DirectoryScan, FoundCursor};
use crate::disk::sync_dir;
use crate::error::Error;
use crate::error_chain::ErrorChain;
use crate::files;
use crate::offset::Offset;
use crate::segment::Segment;

/// What opening a journal found and did. All of it was logged as well.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Recovery {
    /// Bytes of incompletely written records cut off the end: never acknowledged, so nothing is lost. In a file that
    /// an earlier version recycled this is a lower bound.
    pub torn_bytes: u64,
    /// Records of the newest segment that are lost to damage, or were written behind it and are not there any more.
    /// Older segments are checked when they are read; what is found then is in
    /// [`Stats::corrupt_records`](crate::Stats::corrupt_records), together with these.
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

impl Recovery {
    /// What the scan of a directory says.
    pub(crate) fn new(scan: &DirectoryScan) -> Self {
        let names = |file: CursorFile| {
            let cursors = scan.cursors.iter().filter(|cursor| cursor.file == file);
            let names = cursors.map(|cursor| cursor.name.as_str().to_owned());
            names.collect()
        };
        Self {
            torn_bytes: scan.end.torn_bytes,
            corrupt_records: scan.lost_at_end(),
            corrupt_segments: scan.damaged_headers.len(),
            missing_segments: scan.after_gaps.len(),
            corrupt_cursors: names(CursorFile::Damaged),
            missing_cursors: names(CursorFile::Missing),
            ignored_files: scan.foreign.clone(),
            next_offset: Offset(scan.next),
        }
    }
}

/// Brings the directory into order. The caller holds its lock. Returns the cursors, and the one that follows the end of
/// the log, unless that cannot be made.
pub(crate) fn repair(
    dir: &Path,
    scan: &DirectoryScan,
) -> Result<(Vec<Arc<Cursor>>, Option<Cursor>), Error> {
    for leftover in &scan.leftovers {
        std::fs::remove_file(leftover).map_err(Error::io("remove", leftover))?;
    }
    if let Some(newest) = scan.segments.back() {
        cut(newest, scan.end.position)?;
    }
    let cursors = scan.cursors.iter().map(|found| {
        let FoundCursor { name, path, file } = found;
        let cursor = match *file {
            CursorFile::Valid(stored) => Cursor::open(name.clone(), path.clone(), stored)?,
            CursorFile::Damaged | CursorFile::Missing => {
                Cursor::create(dir, name.clone(), scan.first())?
            }
        };
        Ok(Arc::new(cursor))
    });
    let mut cursors: Vec<Arc<Cursor>> = cursors.collect::<Result<_, Error>>()?;
    cursors.sort_by(|a, b| a.name.cmp(&b.name));
    update_list(dir, &cursors, &scan.cursor_list);
    let end_mark = Cursor::end_mark(dir, scan.end_mark, scan.next).map_err(|error| {
        tracing::warn!(error = %ErrorChain(&error), "a later start cannot notice when records are missing at the end");
    });
    sync_dir(dir)?;
    Ok((cursors, end_mark.ok()))
}

/// Brings the list of cursors up to date. A disk that is full for that is no reason not to start.
fn update_list(dir: &Path, cursors: &[Arc<Cursor>], list: &CursorList) {
    let names: Vec<_> = cursors.iter().map(|cursor| cursor.name.clone()).collect();
    if matches!(list, CursorList::Valid(listed) if *listed == names) {
        return;
    }
    if let Err(error) = cursor_list::write(dir, names.iter()) {
        tracing::warn!(error = %ErrorChain(&error), "the list of cursors could not be written; a later start may not notice a missing one");
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

/// Logs what was found.
pub(crate) fn log(recovery: &Recovery, scan: &DirectoryScan) {
    if let Some(newest) = scan.segments.back() {
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
    for path in &scan.damaged_headers {
        tracing::error!(segment = %path.display(), "the segment's header is damaged; its records are read all the same");
    }
    for path in &scan.after_gaps {
        tracing::error!(segment = %path.display(), "the segment before this one is missing, and its records with it");
    }
    let records = scan.next.saturating_sub(scan.first());
    for (cursors, what) in [
        (&recovery.corrupt_cursors, "damaged"),
        (&recovery.missing_cursors, "missing"),
    ] {
        for cursor in cursors {
            tracing::error!(
                cursor,
                records,
                "the cursor's file is {what}; it begins again at the oldest record, so that all records from there on are delivered again"
            );
        }
    }
    if matches!(scan.cursor_list, CursorList::Damaged) {
        tracing::warn!("the list of cursors is damaged; it is made anew from their files");
    }
    for path in &scan.foreign {
        tracing::warn!(file = %path.display(), "not a journal's file; left alone");
    }
}
