//! Writes that are about to happen, and what they take from older letters.

use std::borrow::Cow;
use std::collections::HashMap;

use kenwell::profile::{ProfileUpdate, Rules, at_and_above};

/// A write that is about to happen, as far as older letters are concerned by it.
#[derive(Debug)]
pub(super) struct NewerWrite<'a> {
    /// The key.
    pub(super) key: &'a [u8],
    /// The offset of the newest event in it.
    pub(super) by: u64,
    /// Names of what it overwrites, and of [what removes](removal_name) or [is removed](below_name), each with the offset
    /// below which letters must not do it any more.
    pub(super) below: HashMap<Cow<'a, [u8]>, u64>,
}

/// By what the removal of a field, and of everything below it, is known among the names of fields.
pub(super) fn removal_name(name: &[u8]) -> Vec<u8> {
    [b"\0remove ", name].concat()
}

/// By what a field and everything below it is known together.
pub(super) fn below_name(name: &[u8]) -> Vec<u8> {
    [b"\0below ", name].concat()
}

/// What letters must not do any more once the update is written: set the same fields, set what it removes, or remove
/// what it sets.
fn names<'a>(update: &'a ProfileUpdate, rules: &Rules) -> Vec<Cow<'a, [u8]>> {
    let mut names = update.overwritten_names();
    if !rules.may_remove() {
        return names;
    }
    let removals = update.fields().flat_map(|(name, _)| at_and_above(name));
    names.extend(removals.map(|above| Cow::Owned(removal_name(above))));
    let removed = update.removals();
    names.extend(removed.map(|name| Cow::Owned(below_name(name))));
    names
}

/// The writes of events that are delivered, each with the offset of its newest event: letters of the same event
/// lose their fields too.
pub(super) fn delivered<'a>(
    updates: &'a [(u64, ProfileUpdate)],
    rules: &'a Rules,
) -> impl Iterator<Item = NewerWrite<'a>> {
    updates.iter().map(|(offset, update)| {
        let below = offset.saturating_add(1);
        NewerWrite {
            key: update.key(),
            by: *offset,
            below: names(update, rules)
                .into_iter()
                .map(|name| (name, below))
                .collect(),
        }
    })
}

/// The writes of letters, several of a key as one: each field with the offset of the last that sets it.
/// The letters themselves keep their fields, in case they are refused again.
pub(super) fn retried<'a>(
    updates: impl Iterator<Item = (u64, &'a ProfileUpdate)>,
    rules: &Rules,
) -> impl Iterator<Item = NewerWrite<'a>> {
    let mut writes: HashMap<&[u8], NewerWrite<'_>> = HashMap::new();
    for (offset, update) in updates {
        let write = writes.entry(update.key()).or_insert_with(|| NewerWrite {
            key: update.key(),
            by: offset,
            below: HashMap::new(),
        });
        write.by = write.by.max(offset);
        for name in names(update, rules) {
            let below = write.below.entry(name).or_insert(offset);
            *below = offset.max(*below);
        }
    }
    writes.into_values()
}
