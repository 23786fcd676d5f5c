//! What an update does beside setting fields: what it removes, and its place in the order of its user's updates.

use super::merge_report::ReportPlace;
use super::stamp::Stamp;

/// What an update does beside setting fields. One event is one group; an update that several were folded into has
/// several, which change different fields, the newest event first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Merge {
    pub(super) groups: Vec<MergeGroup>,
    /// Where what became of it is put.
    pub(super) report: ReportPlace,
}

impl Merge {
    /// What these groups do.
    pub(super) fn new(groups: Vec<MergeGroup>) -> Self {
        Self {
            groups,
            report: ReportPlace::default(),
        }
    }
}

/// What one event does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct MergeGroup {
    /// Its place in the order; `None` where the order is that of arrival.
    pub(super) stamp: Option<Stamp>,
    /// The source that sent it.
    pub(super) source: Box<str>,
    /// How many fields of the update it sets: those behind the ones of the groups before it.
    pub(super) fields: usize,
    /// What it removes before it sets them: the fields of these names, and everything below.
    pub(super) removals: Vec<Box<[u8]>>,
}

/// The most names that a field lies below: those that end at its first dots. A name may be long and full of dots, and
/// each of these is looked up, here and by the script.
pub const MAX_LEVELS: usize = 32;

/// The names that a field lies at or below: `a`, `a.b` and `a.b.c` of `a.b.c`; [`MAX_LEVELS`] and its own at most.
pub fn at_and_above(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let dots = name.iter().enumerate().filter(|(_, byte)| **byte == b'.');
    let above = dots.map(|(dot, _)| name.get(..dot).unwrap_or_default());
    above.take(MAX_LEVELS).chain([name])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lie_below_names() {
        let above: Vec<_> = at_and_above(b"a..b").collect();
        assert_eq!(above, [&b"a"[..], b"a.", b"a..b"]);
        let deep = [&b"a"[..]; 100].join(&b'.');
        let above: Vec<_> = at_and_above(&deep).collect();
        assert_eq!(above.len(), MAX_LEVELS + 1);
        assert_eq!((above[31].len(), above[32].len()), (63, 199));
    }
}
