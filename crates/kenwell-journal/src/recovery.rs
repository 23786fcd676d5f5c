//! Opening: takes the lock, surveys the directory, repairs what a crash left, and says what it found.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cursor::Cursor;
use crate::disk::sync_dir;
use crate::error::Error;
use crate::files;
use crate::losses::Losses;
use crate::offset::Offset;
use crate::register::{self, Register};
use crate::segment::Segment;
use crate::survey::{Survey, survey};

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
pub(crate) struct Recovered {
    pub(crate) segments: VecDeque<Arc<Segment>>,
    pub(crate) cursors: Vec<Arc<Cursor>>,
    pub(crate) next: u64,
    /// Whether nothing tells a new cursor from one whose file was lost.
    pub(crate) unlisted: bool,
    pub(crate) next_id: u64,
    pub(crate) losses: Losses,
    pub(crate) end: Option<Cursor>,
    pub(crate) recovery: Recovery,
}

/// Brings the directory into order. The caller holds its lock.
pub(crate) fn recover(dir: &Path) -> Result<Recovered, Error> {
    let survey = survey(dir)?;
    let recovery = report(&survey);
    for leftover in &survey.leftovers {
        std::fs::remove_file(leftover).map_err(Error::io("remove", leftover))?;
    }
    if let Some(newest) = survey.segments.back() {
        cut(newest, survey.end.position)?;
    }
    let mut losses = Losses::default();
    for lost in &survey.end.lost {
        losses.add(lost);
    }
    let oldest = survey
        .segments
        .front()
        .map_or(survey.next, |oldest| oldest.identity.base);
    let cursors = survey.cursors.into_iter().map(|(name, path, stored)| {
        let cursor = match stored {
            Some(stored) => Cursor::open(name, path, stored)?,
            None => Cursor::create(dir, name, oldest)?,
        };
        Ok(Arc::new(cursor))
    });
    let mut cursors: Vec<Arc<Cursor>> = cursors.collect::<Result<_, Error>>()?;
    cursors.sort_by(|a, b| a.name.cmp(&b.name));
    list(dir, &cursors, &survey.register);
    let listed = matches!(survey.register, Register::Known(_));
    let unlisted = !listed && !survey.segments.is_empty();
    let end = Cursor::end(dir, survey.mark, survey.next).map_err(|error| {
        tracing::warn!(%error, "a later start cannot notice when records are missing at the end");
    });
    sync_dir(dir)?;
    Ok(Recovered {
        segments: survey.segments,
        cursors,
        next: survey.next,
        unlisted,
        next_id: survey.next_id,
        losses,
        end: end.ok(),
        recovery,
    })
}

/// Brings the list of cursors up to date. A disk that is full for that is no reason not to start.
fn list(dir: &Path, cursors: &[Arc<Cursor>], register: &Register) {
    let names: Vec<_> = cursors.iter().map(|cursor| cursor.name.clone()).collect();
    if matches!(register, Register::Known(known) if *known == names) {
        return;
    }
    if let Err(error) = register::write(dir, names.iter()) {
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

fn report(survey: &Survey) -> Recovery {
    let recovery = Recovery {
        torn_bytes: survey.end.torn_bytes,
        corrupt_records: survey
            .end
            .lost
            .iter()
            .map(|lost| lost.end - lost.start)
            .sum(),
        corrupt_segments: survey.bad_headers.len(),
        missing_segments: survey.after_gaps.len(),
        corrupt_cursors: survey
            .cursors
            .iter()
            .filter(|(name, _, stored)| stored.is_none() && !survey.missing.contains(name))
            .map(|(name, _, _)| name.as_str().to_owned())
            .collect(),
        missing_cursors: survey
            .missing
            .iter()
            .map(|name| name.as_str().to_owned())
            .collect(),
        ignored_files: survey.foreign.clone(),
        next_offset: Offset(survey.next),
    };
    if let Some(newest) = survey.segments.back() {
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
    for path in &survey.bad_headers {
        tracing::error!(segment = %path.display(), "the segment's header is damaged; its records are read all the same");
    }
    for path in &survey.after_gaps {
        tracing::error!(segment = %path.display(), "the segment before this one is missing, and its records with it");
    }
    let oldest = survey.segments.front();
    let records = oldest.map_or(0, |oldest| survey.next.saturating_sub(oldest.identity.base));
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
    if matches!(survey.register, Register::Damaged) {
        tracing::warn!("the list of cursors is damaged; it is made anew from their files");
    }
    for path in &survey.foreign {
        tracing::warn!(file = %path.display(), "not a journal's file; left alone");
    }
    recovery
}
