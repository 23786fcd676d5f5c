//! Where the fields of a profile come from: each field beside the event that its clock names.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Layout;
use super::clocks::{Change, ClockGroup, Clocks};
use super::merge::at_and_above;
use super::stamp::Stamp;
use super::store::{read, read_clocks};
use crate::Error;
use crate::connection::Connection;
use crate::stored::StoredFields;

/// How often a profile is read again when it changes while it is read.
const ATTEMPTS: usize = 3;

/// A field of a profile, or one that is not there any more, and the event that decided about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldOrigin<'a> {
    /// The field's name.
    pub name: &'a [u8],
    /// What is stored; `None` when there is no such field.
    pub value: Option<&'a [u8]>,
    /// What is known of it.
    pub state: OriginState<'a>,
}

/// What the clocks of a profile say of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OriginState<'a> {
    /// It is there, and this event set it.
    Set(FieldEvent<'a>),
    /// It is not there: this event removed it, or what it lies below.
    Removed(FieldEvent<'a>),
    /// This event set it, and it is not there: it has expired, or somebody else deleted it.
    Missing(FieldEvent<'a>),
    /// It is there, and no event is known that set it: it is older than the order of events, or somebody else set it.
    Unknown,
}

/// An event, as the clocks of a profile name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FieldEvent<'a> {
    /// Its place in the order.
    pub stamp: Stamp,
    /// Id of the source that sent it.
    pub source: &'a str,
}

/// A profile and its clocks, as they belong together.
#[derive(Debug, Clone, Default)]
pub struct ProfileWithClocks {
    fields: StoredFields,
    clocks: Option<Vec<u8>>,
}

impl ProfileWithClocks {
    /// Reads a user's profile (`HGETALL`) and its clocks (`GET`, before and after it; when an event came in between, once
    /// more, up to three times). Where nothing is stored it is empty.
    ///
    /// # Errors
    /// Those of the connection, and what Redis answers to either command.
    pub async fn read(
        connection: &Connection,
        layout: &Layout,
        user_id: &str,
    ) -> Result<Self, Error> {
        let key = layout.key(user_id);
        let mut clocks = read_clocks(connection, &key).await?;
        let mut fields = StoredFields::new();
        for _ in 0..ATTEMPTS {
            fields = read(connection, layout, user_id).await?.unwrap_or_default();
            let after = read_clocks(connection, &key).await?;
            let is_settled = after == clocks;
            clocks = after;
            if is_settled {
                break;
            }
        }
        Ok(Self { fields, clocks })
    }

    /// Where each field comes from, sorted by name: of all that are there, that were removed and still have a clock, and
    /// that are missing. A removal is named by what was removed, unless something is stored at or below that name.
    ///
    /// Clocks of an unknown version count as none.
    pub fn origins(&self) -> Vec<FieldOrigin<'_>> {
        let index = ClockIndex::new(self.clocks.as_deref());
        let mut origins: BTreeMap<&[u8], FieldOrigin<'_>> = BTreeMap::new();
        let mut above = HashSet::new();
        for (name, value) in &self.fields {
            above.extend(at_and_above(name));
            origins.insert(name, index.origin(name, Some(value)));
        }
        for name in index.set.keys() {
            let origin = index.origin(name, None);
            if matches!(origin.state, OriginState::Missing(_)) {
                origins.entry(name).or_insert(origin);
            }
        }
        for name in index.removed.keys().filter(|name| !above.contains(*name)) {
            let origin = index.origin(name, None);
            origins.entry(name).or_insert(origin);
        }
        origins.into_values().collect()
    }

    /// Where one field comes from; `None` when it is not there and nothing is known of it.
    pub fn origin_of<'a>(&'a self, name: &'a [u8]) -> Option<FieldOrigin<'a>> {
        let value = self.fields.iter().find(|(other, _)| other == name);
        let value = value.map(|(_, value)| &**value);
        let index = ClockIndex::new(self.clocks.as_deref());
        let origin = index.origin(name, value);
        let is_known = value.is_some() || origin.state != OriginState::Unknown;
        is_known.then_some(origin)
    }
}

/// The clocks of a profile by name. Of a name that several groups have, the first counts, which is the newest.
struct ClockIndex<'a> {
    groups: Vec<ClockGroup<'a>>,
    /// Names that were set, with the place of the group.
    set: HashMap<&'a [u8], usize>,
    /// Names that were removed, with everything below them, likewise.
    removed: HashMap<&'a [u8], usize>,
}

impl<'a> ClockIndex<'a> {
    fn new(stored: Option<&'a [u8]>) -> Self {
        let groups = stored.and_then(Clocks::read);
        let groups = groups.map_or_else(Vec::new, |clocks| clocks.groups);
        let (mut set, mut removed) = (HashMap::new(), HashMap::new());
        for (place, group) in groups.iter().enumerate() {
            for (change, name) in &group.names {
                if *change != Change::Removed {
                    set.entry(*name).or_insert(place);
                }
                if *change != Change::Set {
                    removed.entry(*name).or_insert(place);
                }
            }
        }
        Self {
            groups,
            set,
            removed,
        }
    }

    fn event(&self, place: usize) -> Option<FieldEvent<'a>> {
        let group = self.groups.get(place)?;
        Some(FieldEvent {
            stamp: group.stamp,
            source: group.source,
        })
    }

    fn origin<'b>(&self, name: &'b [u8], value: Option<&'b [u8]>) -> FieldOrigin<'b>
    where
        'a: 'b,
    {
        let set = self.set.get(name).and_then(|place| self.event(*place));
        let removed = at_and_above(name).filter_map(|above| self.removed.get(above));
        let removed = removed.min().and_then(|place| self.event(*place));
        // An event sets what it names after it has removed what was there.
        let last = match (set, removed) {
            (Some(set), Some(removed)) if set.stamp < removed.stamp => {
                OriginState::Removed(removed)
            }
            (Some(set), _) => OriginState::Set(set),
            (None, Some(removed)) => OriginState::Removed(removed),
            (None, None) => OriginState::Unknown,
        };
        let state = match (last, value) {
            (OriginState::Set(set), None) => OriginState::Missing(set),
            (OriginState::Removed(_), Some(_)) => OriginState::Unknown,
            (last, _) => last,
        };
        FieldOrigin { name, value, state }
    }
}

#[cfg(test)]
mod tests {
    use super::super::clocks::{VERSION, push_name};
    use super::*;

    /// Time, source, and names by what was done to them.
    type Group<'a> = (u64, &'a str, &'a [(Change, &'a str)]);

    /// A profile whose clocks have these groups, the newest first.
    fn profile(fields: &[(&str, &str)], groups: &[Group<'_>]) -> ProfileWithClocks {
        let mut clocks = vec![VERSION, 0, 0];
        for (time, source, changes) in groups {
            let mut names = Vec::new();
            for (change, name) in *changes {
                push_name(*change, name.as_bytes(), &mut names);
            }
            Stamp::new(*time, time + 1, time + 2).write(&mut clocks);
            clocks.push(u8::try_from(source.len()).unwrap());
            clocks.extend_from_slice(source.as_bytes());
            clocks.extend_from_slice(&u32::try_from(names.len()).unwrap().to_be_bytes());
            clocks.extend_from_slice(&names);
        }
        let bytes = |text: &str| text.as_bytes().to_vec();
        let fields = fields
            .iter()
            .map(|(name, value)| (bytes(name), bytes(value)));
        ProfileWithClocks {
            fields: fields.collect(),
            clocks: Some(clocks),
        }
    }

    fn told(origin: &FieldOrigin<'_>) -> String {
        let name = String::from_utf8_lossy(origin.name);
        let (state, event) = match origin.state {
            OriginState::Set(event) => ("set", event),
            OriginState::Removed(event) => ("removed", event),
            OriginState::Missing(event) => ("missing", event),
            OriginState::Unknown => return format!("{name} unknown"),
        };
        format!("{name} {state} {} {}", event.stamp.event_ms, event.source)
    }

    #[test]
    fn each_field_has_the_newest_event_that_decided_about_it() {
        use Change::{Removed, Replaced, Set};
        let profile = profile(
            &[("a", "1"), ("b.c", "2"), ("old", "3"), ("back", "4")],
            &[
                (9, "web", &[(Set, "a"), (Removed, "gone")]),
                (8, "app", &[(Removed, "b"), (Set, "b.c"), (Removed, "back")]),
                (7, "app", &[(Set, "a"), (Set, "b.d"), (Replaced, "lost")]),
                (6, "app", &[(Set, "gone"), (Set, "back")]),
            ],
        );
        let all: Vec<_> = profile.origins().iter().map(told).collect();
        let expected = [
            "a set 9 web",
            "b.c set 8 app",
            "back unknown", // removed, and there again: somebody else
            "gone removed 9 web",
            "lost missing 7 app",
            "old unknown",
        ];
        // Nothing of `b`, which was removed: something is stored below it.
        assert_eq!(all, expected);
        let one = |name: &str| profile.origin_of(name.as_bytes()).as_ref().map(told);
        assert_eq!(one("a").unwrap(), "a set 9 web");
        assert_eq!(one("b.d").unwrap(), "b.d removed 8 app");
        assert_eq!(one("gone.below").unwrap(), "gone.below removed 9 web");
        assert_eq!(one("never"), None);
    }

    #[test]
    fn clocks_that_cannot_be_read_count_as_none() {
        let mut profile = profile(&[("a", "1")], &[(9, "web", &[(Change::Set, "a")])]);
        profile.clocks.as_mut().unwrap()[0] = VERSION + 1;
        assert_eq!(told(&profile.origins()[0]), "a unknown");
        profile.clocks = None;
        assert_eq!(told(&profile.origins()[0]), "a unknown");
    }
}
