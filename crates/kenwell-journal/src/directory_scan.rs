//! Looks at a journal's directory without changing anything: what is there, what is damaged, where it ends.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cursor::{self, CursorName, StoredPosition};
use crate::cursor_list::{self, CursorList};
use crate::directory::{self, DirectoryListing, END};
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
    /// With what their files say; nothing when a file is damaged or missing.
    pub(crate) cursors: Vec<(CursorName, PathBuf, Option<StoredPosition>)>,
    /// The list of cursors beside their files.
    pub(crate) register: CursorList,
    /// Cursors that are listed and have no file.
    pub(crate) missing: Vec<CursorName>,
    pub(crate) leftovers: Vec<PathBuf>,
    pub(crate) foreign: Vec<PathBuf>,
    /// Segments whose header is damaged.
    pub(crate) bad_headers: Vec<PathBuf>,
    /// Segments whose predecessor is missing.
    pub(crate) after_gaps: Vec<PathBuf>,
    /// How far the log was written, if its file says so.
    pub(crate) mark: Option<StoredPosition>,
    /// The end of the newest segment, and what is missing there.
    pub(crate) end: LogEnd,
    /// Offset of the next record.
    pub(crate) next: u64,
    /// Number for the next segment.
    pub(crate) next_id: u64,
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

/// Looks at all files in `dir`.
pub(crate) fn directory_scan(dir: &Path) -> Result<DirectoryScan, Error> {
    // Before the segments: while their owner is at work they may only hold more than it says.
    let mark = read_mark(dir)?;
    let DirectoryListing {
        segments: files,
        cursors,
        leftovers,
        foreign,
    } = directory::list(dir)?;
    let headed = files
        .into_iter()
        .map(|(identity, path)| head(identity, path));
    let headed: Vec<_> = headed.collect::<Result<_, Error>>()?;
    let is_bad = |headed: &&SegmentFile| headed.header.is_none();
    let bad_headers = headed
        .iter()
        .filter(is_bad)
        .map(|it| it.path.clone())
        .collect();
    let after_gaps = after_gaps(&headed);
    let segments = describe(&headed);
    let mut end = LogEnd::default();
    if let (Some(newest), Some(last)) = (segments.back(), headed.last()) {
        let recycled = last.header.is_none_or(|header| header.recycled);
        end = find_end(newest, recycled)?;
        newest.set_end(end.next);
        newest.set_used_bytes(end.position);
    }
    let cursors = cursors.into_iter().map(|(name, path)| {
        let stored = cursor::read(&path)?;
        Ok((name, path, stored))
    });
    let mut cursors: Vec<_> = cursors.collect::<Result<_, Error>>()?;
    let register = cursor_list::read(dir)?;
    let mut missing = Vec::new();
    if let CursorList::Known(listed) = &register {
        missing.extend(
            listed
                .iter()
                .filter(|name| !has_file(&cursors, name))
                .cloned(),
        );
    }
    let without_file = missing
        .iter()
        .map(|name| (name.clone(), dir.join(name.file_name()), None));
    cursors.extend(without_file.collect::<Vec<_>>());
    // A cursor may know of records that a power cut took; their offsets are not given out twice.
    let known = cursors
        .iter()
        .filter_map(|(_, _, stored)| *stored)
        .chain(mark)
        .map(|stored| stored.position);
    let bases = segments.iter().map(|segment| segment.identity.base);
    let next = known.chain(bases).fold(end.next, u64::max);
    if !segments.is_empty() && end.next < next {
        end.lost.push(end.next..next);
    }
    let next_id = headed
        .iter()
        .map(|it| it.identity.id + 1)
        .max()
        .unwrap_or(0);
    Ok(DirectoryScan {
        segments,
        cursors,
        register,
        missing,
        leftovers,
        foreign,
        bad_headers,
        after_gaps,
        mark,
        end,
        next,
        next_id,
    })
}

fn has_file(cursors: &[(CursorName, PathBuf, Option<StoredPosition>)], name: &CursorName) -> bool {
    cursors.iter().any(|(with_file, _, _)| with_file == name)
}

fn read_mark(dir: &Path) -> Result<Option<StoredPosition>, Error> {
    let path = dir.join(END);
    match cursor::read(&path) {
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other,
    }
}

/// Reads a segment's header.
fn head(identity: SegmentIdentity, path: PathBuf) -> Result<SegmentFile, Error> {
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

fn after_gaps(headed: &[SegmentFile]) -> Vec<PathBuf> {
    let known: BTreeSet<u64> = headed.iter().map(|it| it.identity.id).collect();
    let missing = |it: &&SegmentFile| {
        let previous = it.header.map_or(NO_PREVIOUS, |header| header.previous);
        previous != NO_PREVIOUS && !known.contains(&previous)
    };
    // Before the oldest one there is nothing to miss: retention took it.
    let after = headed.iter().skip(1).filter(missing);
    after.map(|it| it.path.clone()).collect()
}

/// A segment ends where the next one begins, whatever else it holds: a write that failed may have left more.
fn describe(headed: &[SegmentFile]) -> VecDeque<Arc<Segment>> {
    let mut segments = VecDeque::with_capacity(headed.len());
    let (mut end, mut written_ms) = (u64::MAX, None);
    for it in headed.iter().rev() {
        let segment = Segment::new(it.identity, it.path.clone(), end, it.length);
        segment.set_written_ms(written_ms.unwrap_or(it.modified_ms));
        segments.push_front(Arc::new(segment));
        end = end.min(it.identity.base);
        written_ms = it.header.map(|header| header.created_ms);
    }
    segments
}

/// Walks over the whole newest segment: only there the end is unknown, and only there can a write be torn.
fn find_end(segment: &Arc<Segment>, recycled: bool) -> Result<LogEnd, Error> {
    let mut place = SegmentReader::new(Arc::clone(segment), segment.identity.base)?;
    let mut end = LogEnd {
        next: segment.identity.base,
        position: HEADER_BYTES.min(segment.file_bytes()),
        ..LogEnd::default()
    };
    loop {
        let piece = place.step(u64::MAX)?;
        end.lost.extend(piece.lost);
        if let Some(found) = piece.found.last() {
            end.position = piece.position + found.bytes.end as u64;
            end.next = found.offsets.end;
        }
        if piece.last {
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
