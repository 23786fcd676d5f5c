//! What several tests do: open a journal, and fill segments of 4 KiB.

use std::path::Path;

use kenwell_journal::{Batch, Error, Journal, Options, open};

/// Size of the segments.
pub(crate) const SEGMENT: u64 = 4096;

pub(crate) fn start(dir: &Path, options: Options) -> Journal {
    open(dir, options).unwrap().0
}

/// Appends records of 1,000 bytes, of which three fit a segment.
pub(crate) async fn append(journal: &Journal, records: u64) -> Result<(), Error> {
    for _ in 0..records {
        let mut batch = Batch::new();
        batch.push(&[&[b'x'; 1000]]);
        journal.append(batch).await?;
    }
    Ok(())
}
