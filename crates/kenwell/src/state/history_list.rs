//! A history beside the record: a turn more costs the same, however many there are.

use super::{Entry, HistoryElement};

/// The most turns that a history list keeps.
pub const MAX_HISTORY_LIST: usize = 10_000;

/// How a history list is stored.
pub(super) struct HistoryList {
    /// Its id, its time to live, and whether its items are sealed.
    pub(super) entry: Entry,
    pub(super) element: HistoryElement,
}
