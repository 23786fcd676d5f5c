//! What came of an update that is watched: which fields it left alone, and what it removed.

use std::sync::{Arc, Mutex, PoisonError};

/// What came of an update. By default it did all that it says, and removed nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct MergeReport {
    /// Places of the update's fields that were left alone, in order.
    pub(super) left_alone: Vec<usize>,
    /// How many fields were removed, and names of them.
    pub(super) removed: ReportedNames,
    /// The same of those that were to be removed, and are newer.
    pub(super) newer: ReportedNames,
}

/// A number of names, and some of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ReportedNames {
    pub(super) count: u64,
    pub(super) names: Vec<Box<[u8]>>,
}

/// Where the report of a watched update is put. What became of an update is no part of it: two of these are always equal.
#[derive(Debug, Clone, Default)]
pub(super) struct ReportPlace(Option<Arc<Mutex<Option<MergeReport>>>>);

impl PartialEq for ReportPlace {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for ReportPlace {}

impl ReportPlace {
    /// An empty one for an update that is watched.
    pub(super) fn watched() -> Self {
        Self(Some(Arc::default()))
    }

    /// Whether a report is wanted.
    pub(super) fn is_watched(&self) -> bool {
        self.0.is_some()
    }

    /// The report of the latest write that was answered.
    pub(super) fn get(&self) -> Option<MergeReport> {
        let place = self.0.as_ref()?;
        place.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts one there.
    pub(super) fn set(&self, report: MergeReport) {
        if let Some(place) = &self.0 {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
        }
    }
}
