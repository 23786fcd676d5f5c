//! Looks into a journal from outside, also while its owner is at work.

use std::io;
use std::path::Path;

use crate::directory_scan::{DirectoryScan, directory_scan};
use crate::error::Error;
use crate::offset::Offset;
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
    let mut directory_scan = steady(dir)?;
    if !directory_scan.end.lost.is_empty() {
        // It may only look like damage: the owner was writing there. Damage is what is still there at a second look.
        let first_look = directory_scan.end.lost;
        directory_scan = steady(dir)?;
        directory_scan
            .end
            .lost
            .retain(|lost| first_look.contains(lost));
    }
    let first = directory_scan
        .segments
        .front()
        .map_or(directory_scan.next, |oldest| oldest.identity.base);
    let cursors = directory_scan.cursors.iter().map(|(name, _, stored)| {
        let position = stored.map_or(first, |stored| stored.position);
        CursorStats {
            name: name.as_str().to_owned(),
            position: Offset(position),
            pending: directory_scan.next.saturating_sub(position),
        }
    });
    let leftovers = directory_scan
        .leftovers
        .iter()
        .filter_map(|path| path.metadata().ok());
    let files = directory_scan
        .segments
        .iter()
        .map(|segment| segment.file_bytes());
    Ok(Stats {
        first_offset: Offset(first.min(directory_scan.next)),
        next_offset: Offset(directory_scan.next),
        segments: directory_scan.segments.len(),
        bytes: directory_scan
            .segments
            .iter()
            .map(|segment| segment.used_bytes())
            .sum(),
        disk_bytes: files.chain(leftovers.map(|file| file.len())).sum(),
        corrupt_records: directory_scan
            .end
            .lost
            .iter()
            .map(|lost| lost.end - lost.start)
            .sum(),
        cursors: cursors.collect(),
        ..Stats::default()
    })
}

/// Looks again when the owner removed or renamed a file in between.
fn steady(dir: &Path) -> Result<DirectoryScan, Error> {
    let mut vanished = 0;
    loop {
        match directory_scan(dir) {
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
