//! The clocks of a profile: when each of its fields was set, in a key of its own beside the profile.
//!
//! | bytes | content |
//! |---|---|
//! | 1 | version, 1 |
//! | 2 | number of groups when the script last dropped what is not needed any more |
//!
//! and then groups, the newest first. Of a name that several have, the first counts.
//!
//! | bytes | content |
//! |---|---|
//! | 18 | the stamp: when the event happened, when it was received, its offset; 6 bytes each |
//! | 1 | length of the source's id |
//! | n | the source's id |
//! | 4 | length of the names |
//! | n | the names |
//!
//! A name is one byte that says what the event did to it (`=` set it; `-` removed it and everything below it; `~` did
//! both, in this order), one byte of length (255: four more have it), and the name. Numbers are big endian.

use std::sync::OnceLock;

use super::merge::at_and_above;
use super::stamp::Stamp;
use crate::connection::slot_of;

/// What the keys of clocks begin with.
pub(super) const START: &str = "kenwell:clocks:";

/// The version of the format.
pub(super) const VERSION: u8 = 1;

/// The length of a name that has its real length in four more bytes.
const LONG: u8 = u8::MAX;

/// What an event did to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It set the field.
    Set,
    /// It removed the field, and everything below it.
    Removed,
    /// It removed everything below the field, and set the field.
    Replaced,
}

/// When the fields of a profile were set, and what was removed: what is stored beside a profile that is written in
/// the order of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clocks<'a> {
    /// What each event that still counts did, the newest first.
    pub groups: Vec<ClockGroup<'a>>,
}

/// What one event did to a profile, as far as it still counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockGroup<'a> {
    /// The event's place in the order.
    pub stamp: Stamp,
    /// Id of the source that sent it.
    pub source: &'a str,
    /// The names, and what became of them.
    pub names: Vec<(Change, &'a [u8])>,
}

impl<'a> Clocks<'a> {
    /// Reads the value of a [`clocks_key`]; `None` when it is none of a known version.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&[version, _, _], mut rest) = bytes.split_first_chunk::<3>()?;
        if version != VERSION {
            return None;
        }
        let mut groups = Vec::new();
        while !rest.is_empty() {
            let (stamp, behind) = Stamp::read(rest)?;
            let (&length, behind) = behind.split_first()?;
            let (source, behind) = behind.split_at_checked(usize::from(length))?;
            let (length, behind) = behind.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            let (names, behind) = behind.split_at_checked(length)?;
            groups.push(ClockGroup {
                stamp,
                source: std::str::from_utf8(source).ok()?,
                names: read_names(names)?,
            });
            rest = behind;
        }
        Some(Self { groups })
    }

    /// The event that set a field or removed it, and which of both; `None` when none is known.
    pub fn of(&self, name: &[u8]) -> Option<(&ClockGroup<'a>, Change)> {
        let removed_by = |group: &&ClockGroup<'a>| {
            let mut names = group.names.iter();
            names.any(|(change, other)| {
                *change != Change::Set && at_and_above(name).any(|above| above == *other)
            })
        };
        let set_by = |group: &&ClockGroup<'a>| {
            let mut names = group.names.iter();
            names.any(|(change, other)| *change != Change::Removed && *other == name)
        };
        let set = self.groups.iter().find(set_by);
        let removed = self.groups.iter().find(removed_by);
        match (set, removed) {
            // An event sets what it names after it has removed what was there.
            (Some(set), Some(removed)) if set.stamp < removed.stamp => {
                Some((removed, Change::Removed))
            }
            (Some(set), _) => Some((set, Change::Set)),
            (None, removed) => removed.map(|group| (group, Change::Removed)),
        }
    }
}

/// The names that are written one behind the other.
pub(super) fn read_names(mut bytes: &[u8]) -> Option<Vec<(Change, &[u8])>> {
    let mut names = Vec::new();
    while let Some((kind, rest)) = bytes.split_first() {
        let change = match kind {
            b'=' => Change::Set,
            b'-' => Change::Removed,
            b'~' => Change::Replaced,
            _ => return None,
        };
        let (length, rest) = match rest.split_first()? {
            (&LONG, rest) => {
                let (length, rest) = rest.split_first_chunk::<4>()?;
                (usize::try_from(u32::from_be_bytes(*length)).ok()?, rest)
            }
            (&length, rest) => (usize::from(length), rest),
        };
        let (name, rest) = rest.split_at_checked(length)?;
        names.push((change, name));
        bytes = rest;
    }
    Some(names)
}

/// Appends a name.
pub(super) fn push_name(change: Change, name: &[u8], out: &mut Vec<u8>) {
    out.push(match change {
        Change::Set => b'=',
        Change::Removed => b'-',
        Change::Replaced => b'~',
    });
    match u8::try_from(name.len()) {
        Ok(length) if length < LONG => out.push(length),
        _ => {
            out.push(LONG);
            // Names are bounded far below 4 GiB.
            let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
    out.extend_from_slice(name);
}

/// The key of a profile's clocks: in the same slot of a cluster, whatever the profile's key is, and never the key of
/// two profiles.
///
/// | the profile's key | that of its clocks |
/// |---|---|
/// | has no `}` | `kenwell:clocks:{` key `}` |
/// | has a hash tag | `kenwell:clocks::` key |
/// | has a `}` and no hash tag | `kenwell:clocks:{` a number with the key's slot `}:` key |
pub fn clocks_key(profile: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(START.len() + profile.len() + 8);
    key.extend_from_slice(START.as_bytes());
    if !profile.contains(&b'}') {
        key.push(b'{');
        key.extend_from_slice(profile);
        key.push(b'}');
    } else if has_tag(profile) {
        key.push(b':');
        key.extend_from_slice(profile);
    } else {
        let tag = tag_of_slot(slot_of(profile));
        key.extend_from_slice(format!("{{{tag}}}:").as_bytes());
        key.extend_from_slice(profile);
    }
    key
}

/// Whether only a part of a key decides about its slot.
fn has_tag(key: &[u8]) -> bool {
    let open = key.iter().position(|byte| *byte == b'{');
    let rest = open.and_then(|open| key.get(open + 1..));
    let closed = rest.and_then(|rest| rest.iter().position(|byte| *byte == b'}'));
    closed.is_some_and(|length| length > 0)
}

/// The smallest number whose slot this is.
fn tag_of_slot(slot: u16) -> u32 {
    /// Enough numbers that each slot has one; the test counts them.
    const NUMBERS: u32 = 300_000;
    static TAGS: OnceLock<Vec<u32>> = OnceLock::new();
    let tags = TAGS.get_or_init(|| {
        let mut tags = vec![u32::MAX; 1 << 14];
        for number in 0..NUMBERS {
            let slot = usize::from(slot_of(number.to_string().as_bytes()));
            if let Some(tag) = tags.get_mut(slot) {
                *tag = number.min(*tag);
            }
        }
        tags
    });
    tags.get(usize::from(slot)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_have_the_slot_of_their_profile_and_nobody_elses_key() {
        let profiles = [
            "user:u1",
            "app:user:u1",
            "{app}:user:u1",
            "user:{u}1",
            "user:a{b",
            "user:a}b",
            "user:{}x",
            "user:{}{y}",
            "{user:u1}",
            "user:",
            "{1}:user:a}b",
            "{user:a}b",
            "a}{b}",
            "{{a}",
            "{a}}",
        ];
        let keys: std::collections::HashSet<_> = profiles
            .iter()
            .map(|profile| {
                let key = clocks_key(profile.as_bytes());
                assert_eq!(slot_of(&key), slot_of(profile.as_bytes()), "{profile}");
                assert!(key.starts_with(START.as_bytes()));
                key
            })
            .collect();
        assert_eq!(keys.len(), profiles.len());
        assert_eq!(clocks_key(b"app:user:u1"), b"kenwell:clocks:{app:user:u1}");
        assert_eq!(clocks_key(b"{a}:user:u1"), b"kenwell:clocks::{a}:user:u1");
    }

    #[test]
    fn every_slot_has_a_number() {
        for slot in 0..1_u16 << 14 {
            assert_eq!(slot_of(tag_of_slot(slot).to_string().as_bytes()), slot);
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let long = [b'x'; 300];
        let mut names = Vec::new();
        push_name(Change::Set, b"a.b", &mut names);
        push_name(Change::Removed, b"c", &mut names);
        push_name(Change::Replaced, &long, &mut names);
        let mut bytes = vec![VERSION, 0, 1];
        let stamp = Stamp::new(7, 8, 9);
        stamp.write(&mut bytes);
        bytes.extend_from_slice(b"\x03web");
        bytes.extend_from_slice(&u32::try_from(names.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(&names);
        let clocks = Clocks::read(&bytes).unwrap();
        let [group] = &clocks.groups[..] else {
            panic!()
        };
        assert_eq!(
            (group.stamp, group.source, group.names.len()),
            (stamp, "web", 3)
        );
        let change = |name: &[u8]| clocks.of(name).map(|(_, change)| change);
        assert_eq!(change(b"a.b"), Some(Change::Set));
        assert_eq!((change(b"a"), change(b"a.b.c")), (None, None));
        assert_eq!(
            (change(b"c"), change(b"c.d")),
            (Some(Change::Removed), Some(Change::Removed))
        );
        assert_eq!((change(&long), change(b"cd")), (Some(Change::Set), None));
        for cut in 0..bytes.len() {
            let read = Clocks::read(&bytes[..cut]);
            assert!(read.is_none_or(|clocks| clocks.groups.is_empty()), "{cut}");
        }
    }
}
