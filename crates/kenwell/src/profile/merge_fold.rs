//! Updates that do more than setting fields: of one event, and several of one key folded into one.

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::ProfileUpdate;
use super::merge::{Merge, MergeGroup, at_and_above};
use super::stamp::Stamp;

/// A group with its fields.
struct GroupParts<'a> {
    group: Cow<'a, MergeGroup>,
    fields: Vec<(&'a [u8], &'a [u8])>,
    /// Its place in the order.
    place: Stamp,
}

/// What newer updates have done.
#[derive(Default)]
struct Newer<'a> {
    /// The fields that count.
    fields: Vec<(&'a [u8], &'a [u8])>,
    /// Where in `fields` a name is, and the place of the update that set it.
    set: HashMap<&'a [u8], (usize, Stamp), RandomState>,
    removed: HashMap<&'a [u8], Stamp, RandomState>,
}

/// An update with these fields, which one event sets and which are sorted by name: the script finds those of earlier
/// events again by that.
pub(super) fn of_event(
    key: &[u8],
    mut fields: Vec<(&[u8], &[u8])>,
    mut group: MergeGroup,
) -> ProfileUpdate {
    fields.sort_unstable();
    group.removals.sort_unstable();
    group.removals.dedup();
    group.fields = fields.len();
    let merge = Merge::new(vec![group]);
    ProfileUpdate::new(key, || fields.iter().copied()).with_merge(merge)
}

/// Folds updates of one key into one that does what they do one after the other: in the order of their stamps, or in
/// that in which they are given when they have none.
pub(super) fn fold<'a>(
    key: &[u8],
    updates: impl Iterator<Item = &'a ProfileUpdate>,
) -> ProfileUpdate {
    let mut parts: Vec<GroupParts<'a>> = Vec::new();
    for (place, update) in (0_u64..).zip(updates) {
        parts.extend(groups_of(update, Stamp::new(0, 0, place)));
    }
    let has_stamps = parts.iter().any(|part| part.group.stamp.is_some());
    // The newest first. Equal stamps can only have come from several journals.
    parts.sort_by_key(|part| std::cmp::Reverse(part.place));
    let mut newer = Newer::default();
    let mut groups = Vec::new();
    for GroupParts {
        group,
        fields,
        place,
    } in parts
    {
        let before = newer.fields.len();
        for (name, value) in fields {
            newer.note_set(name, value, place);
        }
        let count = newer.fields.len() - before;
        let removals = match group {
            Cow::Borrowed(group) => newer.removals(&group.removals, place),
            Cow::Owned(_) => Vec::new(),
        };
        if count > 0 || !removals.is_empty() {
            groups.push(MergeGroup {
                fields: count,
                removals,
                ..group.into_owned()
            });
        }
    }
    let fields = newer.fields;
    if !has_stamps {
        let removals = groups.into_iter().flat_map(|group| group.removals);
        let group = MergeGroup {
            removals: removals.collect(),
            ..MergeGroup::default()
        };
        return of_event(key, fields, group);
    }
    ProfileUpdate::new(key, || fields.iter().copied()).with_merge(Merge::new(groups))
}

/// The groups of an update. One without any sets its fields, and is at `place`.
fn groups_of(update: &ProfileUpdate, place: Stamp) -> Vec<GroupParts<'_>> {
    let mut fields = update.fields();
    let Some(merge) = update.merge() else {
        let fields: Vec<_> = fields.collect();
        let group = MergeGroup {
            fields: fields.len(),
            ..MergeGroup::default()
        };
        return vec![GroupParts {
            group: Cow::Owned(group),
            fields,
            place,
        }];
    };
    let groups = merge.groups.iter().map(|group| GroupParts {
        group: Cow::Borrowed(group),
        fields: fields.by_ref().take(group.fields).collect(),
        place: group.stamp.unwrap_or(place),
    });
    groups.collect()
}

impl<'a> Newer<'a> {
    /// Takes a field that is set at this place, unless newer ones have set or removed it. Of equal places the larger
    /// value counts, as in the script.
    fn note_set(&mut self, name: &'a [u8], value: &'a [u8], place: Stamp) {
        if let Some((index, at)) = self.set.get(name) {
            if let Some(field) = self.fields.get_mut(*index).filter(|_| *at == place) {
                field.1 = value.max(field.1);
            }
        } else if !self.is_removed(name, |removed| removed > place) {
            self.set.insert(name, (self.fields.len(), place));
            self.fields.push((name, value));
        }
    }

    /// Those removals at this place that newer ones have not made already; they are among these from now on.
    fn removals(&mut self, removals: &'a [Box<[u8]>], place: Stamp) -> Vec<Box<[u8]>> {
        let mut kept = Vec::new();
        for name in removals {
            if !self.is_removed(name, |removed| removed >= place) {
                self.removed.insert(name, place);
                kept.push(name.clone());
            }
        }
        kept
    }

    /// Whether the field, or what it lies below, was removed at a place that counts.
    fn is_removed(&self, name: &[u8], counts: impl Fn(Stamp) -> bool) -> bool {
        !self.removed.is_empty()
            && at_and_above(name)
                .any(|above| self.removed.get(above).is_some_and(|place| counts(*place)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Fields<'a> = &'a [(&'a str, &'a str)];

    fn update(stamp: Option<u64>, removals: &[&str], fields: Fields<'_>) -> ProfileUpdate {
        let group = MergeGroup {
            stamp: stamp.map(|at| Stamp::new(at, 0, 0)),
            removals: removals.iter().map(|name| name.as_bytes().into()).collect(),
            ..MergeGroup::default()
        };
        let fields = fields
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        of_event(b"k", fields.collect(), group)
    }

    fn shown(update: &ProfileUpdate) -> Vec<String> {
        let mut fields = update.fields();
        let mut shown = Vec::new();
        for group in &update.merge().unwrap().groups {
            let at = group.stamp.map_or(0, |stamp| stamp.event_ms);
            let removals = group.removals.iter();
            let removals = removals.map(|name| format!("{at}-{}", str::from_utf8(name).unwrap()));
            shown.extend(removals);
            let sets = fields.by_ref().take(group.fields);
            let text = |bytes| str::from_utf8(bytes).unwrap();
            shown.extend(sets.map(|(name, value)| format!("{at}={}:{}", text(name), text(value))));
        }
        assert_eq!(fields.len(), 0);
        shown
    }

    #[test]
    fn in_the_order_of_arrival_later_ones_win() {
        let updates = [
            update(None, &["a"], &[("b", "1"), ("a.x", "1")]),
            update(None, &["a.x"], &[("c", "2")]),
            update(None, &[], &[("b", "3"), ("a.y", "3")]),
        ];
        let folded = fold(b"k", updates.iter());
        assert_eq!(
            shown(&folded),
            ["0-a", "0-a.x", "0=a.y:3", "0=b:3", "0=c:2"]
        );
        let event = br#"{"userId":"u","traits":{"a":{"z":4}}}"#;
        let plain = crate::profile::update(event, &crate::profile::Layout::default()).unwrap();
        let folded = fold(b"k", [&plain, &updates[0]].into_iter());
        assert_eq!(shown(&folded), ["0-a", "0=a.x:1", "0=b:1"]);
    }

    #[test]
    fn by_time_the_newest_wins_in_whatever_order_they_are_given() {
        let updates = [
            update(Some(1), &[], &[("a.x", "1"), ("b", "1"), ("c", "1")]),
            update(Some(2), &["a"], &[("a.y", "2")]),
            update(Some(3), &["a.z"], &[("b", "3")]),
        ];
        let expected = ["3-a.z", "3=b:3", "2-a", "2=a.y:2", "1=c:1"];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let folded = fold(b"k", order.iter().map(|at| &updates[*at]));
            assert_eq!(shown(&folded), expected);
            let twice = [&folded, &updates[order[0]], &folded];
            assert_eq!(shown(&fold(b"k", twice.into_iter())), expected);
        }
    }
}
