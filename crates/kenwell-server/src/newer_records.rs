//! Refuses a journal that a newer version has written to: what cannot be read must not be passed over.

use anyhow::Context;
use kenwell_journal::{Journal, Limit, Offset};

use crate::envelope;

/// Looks at the newest record. A version that refuses here never appends behind what it cannot read, so an older one is newer
/// than that only when it can be read, too.
///
/// # Errors
/// The record has a newer version of the envelope, or cannot be read from the disk.
pub(crate) async fn refuse(journal: &Journal) -> anyhow::Result<()> {
    let stats = journal.stats();
    let end = stats.next_offset;
    let Some(newest) = end.0.checked_sub(1).map(Offset) else {
        return Ok(());
    };
    if newest < stats.first_offset {
        return Ok(());
    }
    let records = journal.read_range(newest..end).next(Limit::default()).await;
    let records = records.context("the newest record of the journal cannot be read")?;
    let version = records.and_then(|records| {
        let mut records = records.iter();
        records.find_map(|(_, record)| envelope::newer_version(record))
    });
    match version {
        None => Ok(()),
        Some(version) => anyhow::bail!(
            "the journal was written to by a newer Kenwell: its newest event has version {version} of the envelope, and this \
             one reads up to {}. Nothing was changed\n  fix: start the newer version again; to go back, let it deliver \
             what waits (kenwell journal stats), stop it, and move data_dir/journal away",
            envelope::VERSION
        ),
    }
}
