//! What an update does beside setting fields: what it removes, and its place in the order of its user's updates.

use super::stamp::Stamp;

/// What an update does beside setting fields. One event is one group; an update that several were folded into has
/// several, which change different fields, the newest event first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Merge {
    pub(super) groups: Vec<MergeGroup>,
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

/// The names that a field lies at or below: `a`, `a.b` and `a.b.c` of `a.b.c`.
pub fn at_and_above(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let dots = name.iter().enumerate().filter(|(_, byte)| **byte == b'.');
    let above = dots.map(|(dot, _)| name.get(..dot).unwrap_or_default());
    above.chain([name])
}

/// Whether a name lies at or below another one.
pub(super) fn is_at_or_below(name: &[u8], other: &[u8]) -> bool {
    let rest = name.strip_prefix(other);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lie_below_names() {
        let above: Vec<_> = at_and_above(b"a..b").collect();
        assert_eq!(above, [&b"a"[..], b"a.", b"a..b"]);
        assert!(is_at_or_below(b"a.b", b"a") && is_at_or_below(b"a", b"a"));
        assert!(!is_at_or_below(b"ab", b"a") && !is_at_or_below(b"a", b"a.b"));
    }
}
