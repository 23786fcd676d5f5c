//! Writes that are about to happen, and what they take from older letters.

use std::borrow::Cow;
use std::collections::HashMap;

use kenwell::profile::ProfileUpdate;

/// A write that is about to happen, as far as older letters are concerned by it.
#[derive(Debug)]
pub(super) struct NewerWrite<'a> {
    /// The key.
    pub(super) key: &'a [u8],
    /// The offset of the newest event in it.
    pub(super) by: u64,
    /// Names of what it overwrites, each with the offset below which letters must not write it any more.
    pub(super) below: HashMap<Cow<'a, [u8]>, u64>,
}

/// The writes of events that are delivered, each with the offset of its newest event: letters of the same event
/// lose their fields too.
pub(super) fn delivered(updates: &[(u64, ProfileUpdate)]) -> impl Iterator<Item = NewerWrite<'_>> {
    updates.iter().map(|(offset, update)| {
        let names = update.overwritten_names().into_iter();
        NewerWrite {
            key: update.key(),
            by: *offset,
            below: names.map(|name| (name, offset.saturating_add(1))).collect(),
        }
    })
}

/// The writes of letters, several of a key as one: each field with the offset of the last that sets it.
/// The letters themselves keep their fields, in case they are refused again.
pub(super) fn retried<'a>(
    updates: impl Iterator<Item = (u64, &'a ProfileUpdate)>,
) -> impl Iterator<Item = NewerWrite<'a>> {
    let mut writes: HashMap<&[u8], NewerWrite<'_>> = HashMap::new();
    for (offset, update) in updates {
        let write = writes.entry(update.key()).or_insert_with(|| NewerWrite {
            key: update.key(),
            by: offset,
            below: HashMap::new(),
        });
        write.by = write.by.max(offset);
        for name in update.overwritten_names() {
            let below = write.below.entry(name).or_insert(offset);
            *below = offset.max(*below);
        }
    }
    writes.into_values()
}
