//! Looks into a journal from outside, also while its owner is at work.

use std::io;
use std::path::Path;

use crate::directory_scan::DirectoryScan;
use crate::error::Error;
use crate::offset::Offset;
use crate::segment::Segment;
use crate::stats::{CursorStats, Stats};

/// How often files may vanish while they are looked at before that is an error.
const MAX_VANISHED: usize = 100;

/// The state of the journal in `dir`, read from its files without the lock and without changing anything.
///
/// While another process writes, the numbers are those of a moment ago.
///
/// # Errors
/// [`Error::Io`] when the directory or a file in it cannot be read, [`Error::UnknownVersion`].
pub fn inspect(dir: &Path) -> Result<Stats, Error> {
    let mut scan = scan_repeatedly(dir)?;
    if !scan.end.lost.is_empty() {
        // It may only look like damage: the owner was writing there. Damage is what is still there at a second look.
        let first_look = scan.end.lost;
        scan = scan_repeatedly(dir)?;
        scan.end.lost.retain(|lost| first_look.contains(lost));
    }
    let first = scan.first();
    let cursors = scan.cursors.iter().map(|cursor| {
        let position = cursor.stored().map_or(first, |stored| stored.position);
        CursorStats::new(&cursor.name, position, scan.next)
    });
    let leftovers = scan.leftovers.iter();
    let leftovers = leftovers.filter_map(|path| path.metadata().ok());
    let segments = || scan.segments.iter().map(AsRef::as_ref);
    let files = segments().map(Segment::file_bytes);
    Ok(Stats {
        first_offset: Offset(first.min(scan.next)),
        next_offset: Offset(scan.next),
        segments: scan.segments.len(),
        bytes: segments().map(Segment::used_bytes).sum(),
        disk_bytes: files.chain(leftovers.map(|file| file.len())).sum(),
        corrupt_records: scan.lost_at_end(),
        cursors: cursors.collect(),
        ..Stats::default()
    })
}

/// Looks again when the owner removed or renamed a file in between.
pub(crate) fn scan_repeatedly(dir: &Path) -> Result<DirectoryScan, Error> {
    let mut vanished = 0;
    loop {
        match DirectoryScan::new(dir) {
            Err(Error::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound
                    && vanished < MAX_VANISHED
                    && dir.exists() =>
            {
                vanished += 1;
            }
            other => return other,
        }
    }
}
