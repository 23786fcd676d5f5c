//! What one event writes: a key and fields, in one piece of memory.

use std::fmt;

use super::merge::{Merge, MergeGroup};

/// The write that one event asks for.
///
/// `Debug` shows sizes only, so that no trait reaches a log.
#[derive(Clone, PartialEq, Eq)]
pub struct ProfileUpdate {
    /// The key, then name and value of each field.
    text: Box<[u8]>,
    key_end: u32,
    fields: Box<[Bounds]>,
    /// What it does beside setting fields; `None` for a plain one, which does nothing else.
    merge: Option<Box<Merge>>,
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

    /// What it does beside setting fields.
    pub(super) fn merge(&self) -> Option<&Merge> {
        self.merge.as_deref()
    }

    /// The names that it removes, with everything below them, before it sets its fields.
    pub fn removals(&self) -> impl Iterator<Item = &[u8]> {
        let groups = self.merge.iter().flat_map(|merge| &merge.groups);
        groups.flat_map(|group| group.removals.iter().map(|name| &**name))
    }

    /// The Redis key.
    pub fn key(&self) -> &[u8] {
        self.text.get(..self.key_end as usize).unwrap_or_default()
    }

    /// Names and values of the fields; no name occurs twice.
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

    /// The same with only those fields and removals whose names are `wanted`; `None` when none is.
    #[must_use]
    pub fn retain(&self, wanted: impl Fn(NamedChange<'_>) -> bool) -> Option<Self> {
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
        let kept = kept.with_merge(Merge { groups });
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
