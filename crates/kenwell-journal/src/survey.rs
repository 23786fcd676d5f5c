//! Looks at a journal's directory without changing anything: what is there, what is damaged, where it ends.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cursor::{self, CursorName, Stored};
use crate::directory::{self, Listing};
use crate::error::Error;
use crate::frame;
use crate::identity::{HEADER_BYTES, Identity, NO_PREVIOUS, ParsedHeader, SegmentHeader};
use crate::options::to_ms;
use crate::place::{Place, read_up_to};
use crate::segment::Segment;

/// What a directory holds.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) segments: VecDeque<Arc<Segment>>,
    pub(crate) cursors: Vec<(CursorName, PathBuf, Option<Stored>)>,
    pub(crate) leftovers: Vec<PathBuf>,
    pub(crate) foreign: Vec<PathBuf>,
    /// Segments whose header is damaged.
    pub(crate) bad_headers: Vec<PathBuf>,
    /// Segments whose predecessor is missing.
    pub(crate) after_gaps: Vec<PathBuf>,
    /// The end of the newest segment.
    pub(crate) end: End,
    /// Offset of the next record.
    pub(crate) next: u64,
    /// Number for the next segment.
    pub(crate) next_id: u64,
}

/// Where the newest segment's records end.
#[derive(Debug, Default)]
pub(crate) struct End {
    /// Offset after the last valid record.
    pub(crate) next: u64,
    /// Position after the last valid record.
    pub(crate) position: u64,
    /// Offsets missing before valid records.
    pub(crate) lost: Vec<Range<u64>>,
    /// Bytes of records that were not completely written; at least, if the file was recycled.
    pub(crate) torn_bytes: u64,
}

/// A segment's file and what its header says, if it can be trusted.
type Headed = (Identity, PathBuf, Option<SegmentHeader>, File);

/// Looks at all files in `dir`.
pub(crate) fn survey(dir: &Path) -> Result<Survey, Error> {
    let Listing {
        segments: files,
        cursors,
        leftovers,
        foreign,
    } = directory::list(dir)?;
    let mut opened = Vec::with_capacity(files.len());
    for (identity, path) in files {
        let file = File::open(&path).map_err(Error::io("open", &path))?;
        let header = read_header(identity, &path, &file)?;
        opened.push((identity, path, header, file));
    }
    let is_bad = |(_, path, header, _): &Headed| header.is_none().then(|| path.clone());
    let bad_headers = opened.iter().filter_map(is_bad).collect();
    let after_gaps = after_gaps(&opened);
    let segments = describe(&opened)?;
    let mut end = End::default();
    if let (Some(newest), Some((_, _, header, file))) = (segments.back(), opened.last()) {
        let recycled = header.is_none_or(|header| header.recycled);
        end = find_end(newest, file, recycled)?;
        newest.set_end(end.next);
        newest.set_used_bytes(end.position);
    }
    let cursors = cursors.into_iter().map(|(name, path)| {
        let stored = cursor::read(&path)?;
        Ok((name, path, stored))
    });
    let cursors: Vec<_> = cursors.collect::<Result<_, Error>>()?;
    // A cursor may know of records that a power cut took; their offsets are not given out twice.
    let known = cursors
        .iter()
        .filter_map(|(_, _, stored)| stored.map(|stored| stored.position));
    let bases = segments.iter().map(|segment| segment.identity.base);
    let next = known.chain(bases).fold(end.next, u64::max);
    let next_id = opened
        .iter()
        .map(|(identity, ..)| identity.id + 1)
        .max()
        .unwrap_or(0);
    Ok(Survey {
        segments,
        cursors,
        leftovers,
        foreign,
        bad_headers,
        after_gaps,
        end,
        next,
        next_id,
    })
}

fn read_header(
    identity: Identity,
    path: &Path,
    file: &File,
) -> Result<Option<SegmentHeader>, Error> {
    let bytes = read_up_to(file, 0, 64).map_err(Error::io("read", path))?;
    match SegmentHeader::parse(&bytes) {
        ParsedHeader::Valid(header) if header.identity == identity => Ok(Some(header)),
        ParsedHeader::Valid(_) | ParsedHeader::Damaged => Ok(None),
        ParsedHeader::Newer(version) => Err(Error::UnknownVersion {
            path: path.to_path_buf(),
            version,
        }),
    }
}

fn after_gaps(headed: &[Headed]) -> Vec<PathBuf> {
    let known: BTreeSet<u64> = headed.iter().map(|(identity, ..)| identity.id).collect();
    let missing = |(_, path, header, _): &Headed| {
        let previous = header.map_or(NO_PREVIOUS, |header| header.previous);
        (previous != NO_PREVIOUS && !known.contains(&previous)).then(|| path.clone())
    };
    // Before the oldest one there is nothing to miss: retention took it.
    headed.iter().skip(1).filter_map(missing).collect()
}

/// A segment ends where the next one begins, whatever else it holds: a write that failed may have left more.
fn describe(headed: &[Headed]) -> Result<VecDeque<Arc<Segment>>, Error> {
    let mut segments = VecDeque::with_capacity(headed.len());
    let (mut end, mut written_ms) = (u64::MAX, None);
    for (identity, path, header, file) in headed.iter().rev() {
        let metadata = file.metadata().map_err(Error::io("stat", path))?;
        let segment = Segment::new(*identity, path.clone(), end, metadata.len());
        let modified = metadata.modified().map_or(0, to_ms);
        segment.set_written_ms(written_ms.unwrap_or(modified));
        segments.push_front(Arc::new(segment));
        end = end.min(identity.base);
        written_ms = header.map(|header| header.created_ms);
    }
    Ok(segments)
}

/// Walks over the whole newest segment: only there the end is unknown, and only there can a write be torn.
fn find_end(segment: &Arc<Segment>, file: &File, recycled: bool) -> Result<End, Error> {
    let mut place = Place::new(Arc::clone(segment), segment.identity.base)?;
    let mut end = End {
        next: segment.identity.base,
        position: HEADER_BYTES.min(segment.file_bytes()),
        ..End::default()
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
    end.torn_bytes = torn_bytes(segment, file, end.position, recycled)?;
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
