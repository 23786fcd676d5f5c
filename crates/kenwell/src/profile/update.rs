//! What one event writes: a key and fields, in one piece of memory, as they go over the wire.

use std::borrow::Cow;
use std::fmt;

use super::document_names;
use super::merge::{Merge, MergeGroup};
use super::merge_report::ReportPlace;
use super::stamp::Stamp;
use crate::resp::{Arguments, length_bytes, push_argument};

/// The write that one event asks for.
///
/// `Debug` shows sizes only, so that no trait reaches a log.
#[derive(Clone, PartialEq, Eq)]
pub struct ProfileUpdate {
    /// The key, then name and value of each field, encoded as the arguments of the command that writes them.
    arguments: Box<[u8]>,
    /// Where the key begins and ends there, and the fields begin.
    key: (u32, u32),
    /// The number of fields.
    fields: u32,
    /// Bytes of key, names and values.
    bytes: usize,
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

impl ProfileUpdate {
    /// Copies key and fields. `fields` is called twice and must give the same both times.
    pub(super) fn new<'a, I>(key: &[u8], fields: impl Fn() -> I) -> Self
    where
        I: Iterator<Item = (&'a [u8], &'a [u8])>,
    {
        let encoded = |text: &[u8]| length_bytes(text.len()) + text.len();
        let (mut count, mut bytes, mut room) = (0, 0, 0);
        for (name, value) in fields() {
            count += 1;
            bytes += name.len() + value.len();
            room += encoded(name) + encoded(value);
        }
        let mut builder = UpdateBuilder::new(key, room);
        for (name, value) in fields() {
            push_argument(name, &mut builder.arguments);
            push_argument(value, &mut builder.arguments);
        }
        builder.finish(count, bytes)
    }

    /// Copies key and fields. `fields` are encoded: `count` times a name and its value, of `bytes` bytes together.
    pub(super) fn of_arguments(key: &[u8], fields: &[u8], count: usize, bytes: usize) -> Self {
        let mut builder = UpdateBuilder::new(key, fields.len());
        builder.arguments.extend_from_slice(fields);
        builder.finish(count, bytes)
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
        let sets = sets.filter(|_| self.fields > 0).map(Cow::Borrowed);
        let mut removes = Vec::new();
        for name in self.removals() {
            if removes.is_empty() {
                removes.extend([b"HDEL", self.key()].map(Cow::Borrowed));
            }
            removes.push(Cow::Borrowed(name));
            removes.push(Cow::Owned([name, b".*"].concat()));
        }
        if !removes.is_empty() && self.fields > 0 {
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
        let (start, end) = self.key;
        let key = self.arguments.get(start as usize..end as usize);
        key.unwrap_or_default()
    }

    /// Names and values of the fields; no name occurs twice. For a document see [`patches`](Self::patches).
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        let (_, start) = self.key;
        let encoded = self.arguments.get(start as usize..).unwrap_or_default();
        let mut arguments = Arguments::new(encoded);
        let mut next = move || arguments.next().unwrap_or_default();
        (0..self.fields).map(move |_| (next(), next()))
    }

    /// Key and fields as the arguments of an `HSET`, encoded, and the number of fields.
    pub(super) fn arguments(&self) -> (&[u8], usize) {
        (&self.arguments, self.fields as usize)
    }

    /// Bytes of the key, names and values together.
    pub fn bytes(&self) -> usize {
        self.bytes
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
        self.fields == 0 && self.removals().next().is_none()
    }
}

/// An update's key, and fields as they come.
struct UpdateBuilder {
    arguments: Vec<u8>,
    start: usize,
    key_bytes: usize,
}

impl UpdateBuilder {
    /// With room for so many bytes of encoded fields.
    fn new(key: &[u8], room: usize) -> Self {
        let start = length_bytes(key.len());
        let mut arguments = Vec::with_capacity(start + key.len() + room);
        push_argument(key, &mut arguments);
        Self {
            arguments,
            start,
            key_bytes: key.len(),
        }
    }

    /// The update, which has `count` fields now, of `bytes` bytes.
    fn finish(self, count: usize, bytes: usize) -> ProfileUpdate {
        // The flattener's bound and the sizes of keys keep everything far below 4 GiB.
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        ProfileUpdate {
            key: (small(self.start), small(self.start + self.key_bytes)),
            arguments: self.arguments.into_boxed_slice(),
            fields: small(count),
            bytes: self.key_bytes + bytes,
            content: Content::Fields,
            merge: None,
        }
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
            .field("fields", &self.fields)
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
