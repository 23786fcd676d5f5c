//! Looks at a journal's directory without changing anything: what is there, what is damaged, where the log ends.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cursor::{self, CursorName, END_MARK, StoredPosition};
use crate::cursor_list::{self, CursorList};
use crate::directory::{self, DirectoryListing};
use crate::error::Error;
use crate::files;
use crate::frame;
use crate::options::to_ms;
use crate::segment::Segment;
use crate::segment_header::{
    HEADER_BYTES, NO_PREVIOUS, ParsedHeader, SegmentHeader, SegmentIdentity,
};
use crate::segment_reader::{SegmentReader, read_up_to};

/// What a directory holds.
#[derive(Debug)]
pub(crate) struct DirectoryScan {
    pub(crate) segments: VecDeque<Arc<Segment>>,
    /// Those that have a file, and those that are listed only.
    pub(crate) cursors: Vec<FoundCursor>,
    pub(crate) cursor_list: CursorList,
    pub(crate) leftovers: Vec<PathBuf>,
    pub(crate) foreign: Vec<PathBuf>,
    /// Segments whose header is damaged.
    pub(crate) damaged_headers: Vec<PathBuf>,
    /// Segments whose predecessor is missing.
    pub(crate) after_gaps: Vec<PathBuf>,
    /// How far the log was written, if its file says so.
    pub(crate) end_mark: Option<StoredPosition>,
    /// The end of the newest segment, and what is missing there.
    pub(crate) end: LogEnd,
    /// Offset of the next record.
    pub(crate) next: u64,
    /// Number for the next segment.
    pub(crate) next_segment_id: u64,
}

/// A cursor in the directory.
#[derive(Debug)]
pub(crate) struct FoundCursor {
    pub(crate) name: CursorName,
    pub(crate) path: PathBuf,
    pub(crate) file: CursorFile,
}

/// What a cursor's file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CursorFile {
    Valid(StoredPosition),
    Damaged,
    /// The cursor is listed and has no file.
    Missing,
}

/// Where the newest segment's records end.
#[derive(Debug, Default)]
pub(crate) struct LogEnd {
    /// Offset after the last valid record.
    pub(crate) next: u64,
    /// Position after the last valid record.
    pub(crate) position: u64,
    /// Offsets missing before valid records.
    pub(crate) lost: Vec<Range<u64>>,
    /// Bytes of records that were not completely written; at least, if an earlier version recycled the file.
    pub(crate) torn_bytes: u64,
}

/// What is known of a segment's file without reading its records. The file is not kept open: there may be more of
/// them than a process may open.
struct SegmentFile {
    identity: SegmentIdentity,
    path: PathBuf,
    /// `None` when it is damaged.
    header: Option<SegmentHeader>,
    length: u64,
    modified_ms: u64,
}

impl DirectoryScan {
    /// Looks at all files in `dir`.
    pub(crate) fn new(dir: &Path) -> Result<Self, Error> {
        // Before the segments: while their owner is at work they may only hold more than it says.
        let end_mark = read_end_mark(dir)?;
        let DirectoryListing {
            segments,
            cursors,
            leftovers,
            foreign,
        } = directory::list(dir)?;
        let files = segments
            .into_iter()
            .map(|(identity, path)| read_header(identity, path));
        let files: Vec<_> = files.collect::<Result<_, Error>>()?;
        let segments = describe(&files);
        let mut end = LogEnd::default();
        if let (Some(newest), Some(file)) = (segments.back(), files.last()) {
            let recycled = file.header.is_none_or(|header| header.recycled);
            end = find_end(newest, recycled)?;
            newest.set_end(end.next);
            newest.set_used_bytes(end.position);
        }
        let (cursors, cursor_list) = find_cursors(dir, cursors)?;
        // A cursor may know of records that a power cut took; their offsets are not given out twice.
        let known = cursors.iter().filter_map(FoundCursor::stored);
        let known = known.chain(end_mark).map(|stored| stored.position);
        let bases = segments.iter().map(|segment| segment.identity.base);
        let next = known.chain(bases).fold(end.next, u64::max);
        if !segments.is_empty() && end.next < next {
            end.lost.push(end.next..next);
        }
        let damaged = files.iter().filter(|file| file.header.is_none());
        let ids = files.iter().map(|file| file.identity.id + 1);
        Ok(Self {
            damaged_headers: damaged.map(|file| file.path.clone()).collect(),
            after_gaps: after_gaps(&files),
            next_segment_id: ids.max().unwrap_or(0),
            segments,
            cursors,
            cursor_list,
            leftovers,
            foreign,
            end_mark,
            end,
            next,
        })
    }

    /// The oldest offset there is; `next` when there is no segment.
    pub(crate) fn first(&self) -> u64 {
        let oldest = self.segments.front();
        oldest.map_or(self.next, |oldest| oldest.identity.base)
    }

    /// How many records are missing in the newest segment or behind it.
    pub(crate) fn lost_at_end(&self) -> u64 {
        self.end.lost.iter().map(|lost| lost.end - lost.start).sum()
    }
}

impl FoundCursor {
    /// The position in its file, if that can be read.
    pub(crate) fn stored(&self) -> Option<StoredPosition> {
        match self.file {
            CursorFile::Valid(stored) => Some(stored),
            CursorFile::Damaged | CursorFile::Missing => None,
        }
    }
}

/// Reads the files of cursors and their list.
fn find_cursors(
    dir: &Path,
    files: Vec<(CursorName, PathBuf)>,
) -> Result<(Vec<FoundCursor>, CursorList), Error> {
    let mut cursors = Vec::new();
    for (name, path) in files {
        let stored = cursor::read(&path)?;
        let file = stored.map_or(CursorFile::Damaged, CursorFile::Valid);
        cursors.push(FoundCursor { name, path, file });
    }
    let list = cursor_list::read(dir)?;
    if let CursorList::Valid(names) = &list {
        for name in names {
            if cursors.iter().all(|cursor| cursor.name != *name) {
                cursors.push(FoundCursor {
                    name: name.clone(),
                    path: dir.join(name.file_name()),
                    file: CursorFile::Missing,
                });
            }
        }
    }
    Ok((cursors, list))
}

fn read_end_mark(dir: &Path) -> Result<Option<StoredPosition>, Error> {
    match cursor::read(&dir.join(END_MARK)) {
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other,
    }
}

fn read_header(identity: SegmentIdentity, path: PathBuf) -> Result<SegmentFile, Error> {
    let file = files::open(&path).map_err(Error::io("open", &path))?;
    let metadata = file.metadata().map_err(Error::io("stat", &path))?;
    let bytes = read_up_to(&file, 0, 64).map_err(Error::io("read", &path))?;
    let header = match SegmentHeader::parse(&bytes) {
        ParsedHeader::Valid(header) if header.identity == identity => Some(header),
        ParsedHeader::Valid(_) | ParsedHeader::Damaged => None,
        ParsedHeader::Newer(version) => return Err(Error::UnknownVersion { path, version }),
    };
    Ok(SegmentFile {
        identity,
        path,
        header,
        length: metadata.len(),
        modified_ms: metadata.modified().map_or(0, to_ms),
    })
}

fn after_gaps(files: &[SegmentFile]) -> Vec<PathBuf> {
    let known: BTreeSet<u64> = files.iter().map(|file| file.identity.id).collect();
    let has_gap_before = |file: &&SegmentFile| {
        let previous = file.header.map_or(NO_PREVIOUS, |header| header.previous);
        previous != NO_PREVIOUS && !known.contains(&previous)
    };
    // Before the oldest one there is nothing to miss: retention took it.
    let after = files.iter().skip(1).filter(has_gap_before);
    after.map(|file| file.path.clone()).collect()
}

/// A segment ends where the next one begins, whatever else it holds: a write that failed may have left more.
fn describe(files: &[SegmentFile]) -> VecDeque<Arc<Segment>> {
    let mut segments = VecDeque::with_capacity(files.len());
    let (mut end, mut written_ms) = (u64::MAX, None);
    for file in files.iter().rev() {
        let segment = Segment::new(file.identity, file.path.clone(), end, file.length);
        segment.set_written_ms(written_ms.unwrap_or(file.modified_ms));
        segments.push_front(Arc::new(segment));
        end = end.min(file.identity.base);
        written_ms = file.header.map(|header| header.created_ms);
    }
    segments
}

/// Reads the whole newest segment: only there the end is unknown, and only there can a write be torn.
fn find_end(segment: &Arc<Segment>, recycled: bool) -> Result<LogEnd, Error> {
    let mut reader = SegmentReader::open(Arc::clone(segment), segment.identity.base)?;
    let mut end = LogEnd {
        next: segment.identity.base,
        position: HEADER_BYTES.min(segment.file_bytes()),
        ..LogEnd::default()
    };
    loop {
        let chunk = reader.read_chunk(u64::MAX)?;
        end.lost.extend(chunk.lost);
        if let Some(last) = chunk.frames.last() {
            end.position = chunk.position + last.bytes.end as u64;
            end.next = last.offsets.end;
        }
        if chunk.is_last {
            break;
        }
    }
    end.torn_bytes = torn_bytes(segment, &segment.open()?, end.position, recycled)?;
    Ok(end)
}

/// How many bytes after the last valid record look like a record that was being written.
fn torn_bytes(segment: &Segment, file: &File, from: u64, recycled: bool) -> Result<u64, Error> {
    let failed = |error| Error::io("read", &segment.path)(error);
    let head = read_up_to(file, from, frame::HEADER).map_err(failed)?;
    let begun = head.iter().any(|byte| *byte != 0);
    if recycled {
        // What follows the end may be left from an earlier life of the file; only its first bytes tell.
        return Ok(if begun { head.len() as u64 } else { 0 });
    }
    let (mut at, mut torn) = (from, 0);
    loop {
        let bytes = read_up_to(file, at, 1024 * 1024).map_err(failed)?;
        if bytes.is_empty() {
            return Ok(torn);
        }
        if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
            torn = at + last as u64 + 1 - from;
        }
        at += bytes.len() as u64;
    }
}
