//! What one event writes: a key and fields, in one piece of memory.

use std::borrow::Cow;
use std::fmt;

use super::document_names;
use super::merge::{Merge, MergeGroup};
use super::merge_report::ReportPlace;
use super::stamp::Stamp;

/// The write that one event asks for.
///
/// `Debug` shows sizes only, so that no trait reaches a log.
#[derive(Clone, PartialEq, Eq)]
pub struct ProfileUpdate {
    /// The key, then name and value of each field.
    text: Box<[u8]>,
    key_end: u32,
    fields: Box<[Bounds]>,
    content: Content,
    /// What it does beside setting fields; `None` for a plain one, which does nothing else.
    merge: Option<Box<Merge>>,
}

/// What the fields are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Fields of a hash.
    Fields,
    /// Patches of a JSON document, which one after the other is merged with: values without names.
    Patches(Merging),
}

/// How patches of a document can be merged with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Merging {
    /// By Redis: no member of an object is null.
    InRedis,
    /// By us: `JSON.MERGE` would delete what is null, and it must be stored.
    Here,
}

/// Where a field's name and value end; each begins where the one before it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Bounds {
    name_end: u32,
    value_end: u32,
}

impl ProfileUpdate {
    /// Copies key and fields. `fields` is called twice and must give the same both times.
    pub(super) fn new<'a, I>(key: &[u8], fields: impl Fn() -> I) -> Self
    where
        I: Iterator<Item = (&'a [u8], &'a [u8])>,
    {
        let (mut count, mut bytes) = (0, key.len());
        for (name, value) in fields() {
            count += 1;
            bytes += name.len() + value.len();
        }
        let mut text = Vec::with_capacity(bytes);
        let mut bounds = Vec::with_capacity(count);
        // The flattener's bound and the sizes of keys keep every offset far below 4 GiB.
        let end = |text: &Vec<u8>| u32::try_from(text.len()).unwrap_or(u32::MAX);
        text.extend_from_slice(key);
        let key_end = end(&text);
        for (name, value) in fields() {
            text.extend_from_slice(name);
            let name_end = end(&text);
            text.extend_from_slice(value);
            bounds.push(Bounds {
                name_end,
                value_end: end(&text),
            });
        }
        Self {
            text: text.into_boxed_slice(),
            key_end,
            fields: bounds.into_boxed_slice(),
            content: Content::Fields,
            merge: None,
        }
    }

    /// The same, which does more than setting fields.
    pub(super) fn with_merge(self, merge: Merge) -> Self {
        Self {
            merge: Some(Box::new(merge)),
            ..self
        }
    }

    /// Patches of the JSON document at this key, in order.
    pub(super) fn of_document<'a, I>(key: &[u8], merging: Merging, patches: impl Fn() -> I) -> Self
    where
        I: Iterator<Item = &'a [u8]>,
    {
        Self {
            content: Content::Patches(merging),
            ..Self::new(key, || patches().map(|patch| (&b""[..], patch)))
        }
    }

    /// How its patches can be merged; `None` for the fields of a hash.
    pub(super) fn merging(&self) -> Option<Merging> {
        match self.content {
            Content::Fields => None,
            Content::Patches(merging) => Some(merging),
        }
    }

    /// The patches of the JSON document that it writes, in order; `None` for the fields of a hash.
    ///
    /// Each is JSON text. A member that is an object is merged with the object that is there, everything
    /// else takes the place of what is there, `null` included.
    pub fn patches(&self) -> Option<impl ExactSizeIterator<Item = &[u8]>> {
        self.merging()?;
        Some(self.fields().map(|(_, patch)| patch))
    }

    /// The commands that write it, word for word, for people to read. Of a document that is read before, and then
    /// replaced, only what is merged with it is known here. Where a script removes fields and sets others, it is what
    /// that comes to, unless Redis has something newer.
    pub fn words(&self) -> impl Iterator<Item = Cow<'_, [u8]>> {
        let (name, path): (&[u8], &[&[u8]]) = match self.merging() {
            None => (b"HSET", &[]),
            Some(Merging::InRedis) => (b"JSON.MERGE", &[b"$"]),
            Some(Merging::Here) => (b"JSON.SET", &[b"$", b"(the document, merged with)"]),
        };
        let has_names = self.merging().is_none();
        let fields = self.fields().flat_map(move |(name, value)| {
            let name = has_names.then_some(name);
            name.into_iter().chain([value])
        });
        let start = [name, self.key()].into_iter();
        let sets = start.chain(path.iter().copied()).chain(fields);
        let sets = sets.filter(|_| !self.fields.is_empty()).map(Cow::Borrowed);
        let mut removes = Vec::new();
        for name in self.removals() {
            if removes.is_empty() {
                removes.extend([b"HDEL", self.key()].map(Cow::Borrowed));
            }
            removes.push(Cow::Borrowed(name));
            removes.push(Cow::Owned([name, b".*"].concat()));
        }
        if !removes.is_empty() && !self.fields.is_empty() {
            removes.push(Cow::Borrowed(b";"));
        }
        removes.into_iter().chain(sets)
    }

    /// Names for all that it may set: of fields, or of places in a document. An update sets what it can still set
    /// as long as [`retain`](Self::retain) finds these wanted.
    pub fn names(&self) -> Vec<Cow<'_, [u8]>> {
        match self.content {
            Content::Fields => self.fields().map(|(name, _)| Cow::Borrowed(name)).collect(),
            Content::Patches(_) => document_names::of(self.fields().map(|(_, patch)| patch)),
        }
    }

    /// The [names](Self::names) that older updates of the same key lose when this one is written.
    pub fn overwritten_names(&self) -> Vec<Cow<'_, [u8]>> {
        match self.content {
            Content::Fields => self.names(),
            Content::Patches(_) => {
                document_names::overwritten_by(self.fields().map(|(_, patch)| patch))
            }
        }
    }

    /// Copies key and fields that lie one behind the other in `text`, each name before its value. `ends` has where each
    /// name and value ends there.
    pub(super) fn of_text(
        key: &[u8],
        text: &[u8],
        ends: impl ExactSizeIterator<Item = (u32, u32)>,
    ) -> Self {
        // The flattener's bound and the sizes of keys keep every offset far below 4 GiB.
        let key_end = u32::try_from(key.len()).unwrap_or(u32::MAX);
        let fields = ends.map(|(name_end, value_end)| Bounds {
            name_end: key_end.saturating_add(name_end),
            value_end: key_end.saturating_add(value_end),
        });
        Self {
            text: [key, text].concat().into_boxed_slice(),
            key_end,
            fields: fields.collect(),
            content: Content::Fields,
            merge: None,
        }
    }

    /// Has the next write tell what it leaves alone and removes, if a script writes it.
    pub(super) fn watch(&mut self) {
        if let Some(merge) = &mut self.merge {
            merge.report = ReportPlace::watched();
        }
    }

    /// What it does beside setting fields.
    pub(super) fn merge(&self) -> Option<&Merge> {
        self.merge.as_deref()
    }

    /// The names that it removes, with everything below them, before it sets its fields.
    pub fn removals(&self) -> impl Iterator<Item = &[u8]> {
        let groups = self.merge.iter().flat_map(|merge| &merge.groups);
        groups.flat_map(|group| group.removals.iter().map(|name| &**name))
    }

    /// The place of its newest event in the order of events; `None` where the order is that of arrival.
    pub fn stamp(&self) -> Option<Stamp> {
        self.merge()?.groups.first()?.stamp
    }

    /// The Redis key.
    pub fn key(&self) -> &[u8] {
        self.text.get(..self.key_end as usize).unwrap_or_default()
    }

    /// Names and values of the fields; no name occurs twice. For a document see [`patches`](Self::patches).
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        let mut start = self.key_end as usize;
        self.fields.iter().map(move |bounds| {
            let (middle, end) = (bounds.name_end as usize, bounds.value_end as usize);
            let name = self.text.get(start..middle).unwrap_or_default();
            start = end;
            (name, self.text.get(middle..end).unwrap_or_default())
        })
    }

    /// Bytes of the key, names and values together.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The same with only what has [names](Self::names) that are `wanted`, and removals that are; `None` when nothing is.
    #[must_use]
    pub fn retain(&self, wanted: impl Fn(NamedChange<'_>) -> bool) -> Option<Self> {
        if let Some(patches) = self.patches() {
            let is_set = |name: &[u8]| wanted(NamedChange::Set(name));
            let kept: Vec<Vec<u8>> = patches
                .filter_map(|patch| document_names::retain(patch, &is_set))
                .collect();
            return Self::of_patches(self.key(), &kept);
        }
        let kept = Self::new(self.key(), || {
            self.fields()
                .filter(|(name, _)| wanted(NamedChange::Set(name)))
        });
        let Some(merge) = &self.merge else {
            return (!kept.is_empty()).then_some(kept);
        };
        let mut fields = self.fields();
        let mut kept_of = |group: &MergeGroup| MergeGroup {
            fields: fields
                .by_ref()
                .take(group.fields)
                .filter(|(name, _)| wanted(NamedChange::Set(name)))
                .count(),
            removals: group
                .removals
                .iter()
                .filter(|name| wanted(NamedChange::Removal(name)))
                .cloned()
                .collect(),
            ..group.clone()
        };
        let groups = merge.groups.iter().map(&mut kept_of).collect();
        let kept = kept.with_merge(Merge::new(groups));
        (!kept.is_empty()).then_some(kept)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.removals().next().is_none()
    }
}

/// One of the things that an update does, by the name that it does it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedChange<'a> {
    /// It sets the field.
    Set(&'a [u8]),
    /// It removes the field, and everything below it.
    Removal(&'a [u8]),
}

impl AsRef<Self> for ProfileUpdate {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl fmt::Debug for ProfileUpdate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ProfileUpdate")
            .field("fields", &self.fields.len())
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::NamedChange;
    use crate::profile::{Layout, update};

    #[test]
    fn retains_the_wanted_fields() {
        let event = br#"{"userId":"u","traits":{"a":1,"b":2,"c":3}}"#;
        let all = update(event, &Layout::default()).unwrap();
        let some = all.retain(|it| it != NamedChange::Set(b"b")).unwrap();
        assert_eq!(some.key(), b"user:u");
        let fields: Vec<_> = some.fields().collect();
        assert_eq!(fields, [(&b"a"[..], &b"1"[..]), (b"c", b"3")]);
        assert_eq!(all.retain(|_| true), Some(all.clone()));
        assert_eq!(all.retain(|_| false), None);
    }

    #[test]
    fn debug_shows_no_traits() {
        let event = br#"{"userId":"hunter","traits":{"secret":"2"}}"#;
        let shown = format!("{:?}", update(event, &Layout::default()).unwrap());
        assert_eq!(shown, "ProfileUpdate { fields: 1, bytes: 18, .. }");
    }
}
