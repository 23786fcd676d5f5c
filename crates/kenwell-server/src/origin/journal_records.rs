//! The journal's records by their offsets: of the server's own open journal, or of its files.

use std::ops::{ControlFlow, Range};

use kenwell_journal::{Error, Journal, Limit, Offset, Snapshot};

/// Where records are read.
pub(crate) enum JournalRecords {
    /// In the journal that this process has open.
    Open(Journal),
    /// In the files of a journal that another process may have open.
    Files(Snapshot),
    /// No server has run here.
    Nowhere,
}

impl JournalRecords {
    /// The offsets that there may be records of.
    pub(super) fn offsets(&self) -> Range<u64> {
        match self {
            Self::Open(journal) => {
                let stats = journal.stats();
                stats.first_offset.0..stats.next_offset.0
            }
            Self::Files(snapshot) => {
                let offsets = snapshot.offsets();
                offsets.start.0..offsets.end.0
            }
            Self::Nowhere => 0..0,
        }
    }

    /// Calls `each` with those records of a range that there are, in order, until it breaks off.
    pub(super) async fn read(
        &self,
        range: Range<u64>,
        mut each: impl FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        match self {
            Self::Open(journal) => read_open(journal, range, each).await,
            // Blocks, which is well: only a command reads files, and it has nothing else to do.
            Self::Files(snapshot) => snapshot
                .read(Offset(range.start)..Offset(range.end), |offset, record| {
                    each(offset.0, record)
                }),
            Self::Nowhere => Ok(()),
        }
    }
}

async fn read_open(
    journal: &Journal,
    range: Range<u64>,
    mut each: impl FnMut(u64, &[u8]) -> ControlFlow<()>,
) -> Result<(), Error> {
    // Nothing is deleted between finding the oldest record and holding it: what is not there counts as damage when it
    // is read. And what is not appended yet would be waited for.
    let everything = journal.read_range(Offset(0)..Offset(0));
    let stats = journal.stats();
    let from = stats.first_offset.max(Offset(range.start));
    let end = stats.next_offset.min(Offset(range.end));
    let mut reader = journal.read_range(from..end);
    drop(everything);
    while let Some(records) = reader.next(Limit::default()).await? {
        for (offset, record) in records.iter() {
            if each(offset.0, record).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}
