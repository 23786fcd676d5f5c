//! What became of the fields that one event names, for people who watch.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::merge::at_and_above;
use super::merge_report::{MergeReport, ReportedNames};
use super::{FoldedUpdate, ProfileUpdate};

/// The most names of each kind that are told.
const MAX_NAMES: usize = 100;
/// The most bytes of a name.
const MAX_NAME_BYTES: usize = 250;

/// What became of the fields that one event names, when it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldChanges {
    /// They have the value that the event says, whatever they had before.
    pub written: FieldNames,
    /// The event is older than what they have, by the order of events or because a later event was written together
    /// with it. Those count, too, that it was to remove.
    pub left_alone: FieldNames,
    /// The event has removed them: by a null, or by a nested object that took their place.
    pub removed: FieldNames,
}

/// A number of fields, and the names of 100 of them, cut at 250 bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldNames {
    /// How many fields.
    pub count: u64,
    /// Their names, or some of them.
    pub names: Vec<Box<[u8]>>,
}

impl FieldNames {
    fn push(&mut self, name: &[u8]) {
        self.count += 1;
        if self.names.len() < MAX_NAMES {
            let shown = name.get(..name.len().min(MAX_NAME_BYTES));
            self.names.push(shown.unwrap_or_default().into());
        }
    }
}

impl FoldedUpdate {
    /// Has the next write tell what it leaves alone and removes, where only Redis can say that. It then costs Redis a little
    /// more if there is something to tell.
    pub fn watch(&mut self) {
        self.update_mut().watch();
    }

    /// What became of the fields of one of its items; to be asked once it is written. `None` where that is not known: of
    /// documents, and of what was not [watched](Self::watch).
    pub fn changes_of(&self, item: usize) -> Option<FieldChanges> {
        let written = self.update();
        if written.patches().is_some() {
            return None;
        }
        let report = match written.merge() {
            None => MergeReport::default(),
            Some(merge) => merge.report.get()?,
        };
        let (event, is_alone) = match self.part_of(item) {
            Some(part) => (part, false),
            None => (written, true),
        };
        let mut changes = fields(event, written, &report);
        let mut removed = names_below(&report.removed, event, is_alone);
        let newer = names_below(&report.newer, event, is_alone);
        std::mem::swap(&mut changes.removed, &mut removed);
        changes.left_alone.count += newer.count;
        let room = MAX_NAMES.saturating_sub(changes.left_alone.names.len());
        changes
            .left_alone
            .names
            .extend(newer.names.into_iter().take(room));
        Some(changes)
    }
}

/// The fields that an event sets, as part of what was written.
fn fields(event: &ProfileUpdate, written: &ProfileUpdate, report: &MergeReport) -> FieldChanges {
    let mut changes = FieldChanges::default();
    let places: HashMap<&[u8], (usize, &[u8]), RandomState> = written
        .fields()
        .enumerate()
        .map(|(place, (name, value))| (name, (place, value)))
        .collect();
    for (name, value) in event.fields() {
        let is_written = places.get(name).is_some_and(|(place, last)| {
            *last == value && report.left_alone.binary_search(place).is_err()
        });
        if is_written {
            changes.written.push(name);
        } else {
            changes.left_alone.push(name);
        }
    }
    changes
}

/// Those of the reported names that are at or below what the event removes: all of them when it was written alone.
fn names_below(reported: &ReportedNames, event: &ProfileUpdate, is_alone: bool) -> FieldNames {
    if is_alone {
        return FieldNames {
            count: reported.count,
            names: reported.names.clone(),
        };
    }
    let mut below = FieldNames::default();
    for name in &reported.names {
        let mut removals = event.removals();
        if removals.any(|removed| at_and_above(name).any(|above| above == removed)) {
            below.push(name);
        }
    }
    below
}
