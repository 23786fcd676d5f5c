//! Which keys an object has had so far, so that a repeated key can replace its earlier self.

use std::hash::BuildHasher;
use std::ops::Range;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Objects with more keys than this get a hash table; fewer are compared one by one.
const MAX_LISTED: usize = 32;

/// The keys of the objects that are open, innermost last.
#[derive(Debug, Default)]
pub(super) struct ObjectKeys {
    /// All their keys, decoded, one after the other.
    bytes: Vec<u8>,
    keys: Vec<Key>,
    objects: Vec<Object>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Key {
    bytes: Range<usize>,
    /// How many fields there were before this key's value.
    fields_before: usize,
}

#[derive(Debug)]
struct Object {
    first_key: usize,
    first_byte: usize,
    /// One bit for each fingerprint that occurred: a clear bit proves a key new.
    fingerprints: u64,
    table: Option<HashTable<usize>>,
}

impl ObjectKeys {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.keys.clear();
        self.objects.clear();
    }

    /// An object begins.
    pub(super) fn enter(&mut self) {
        self.objects.push(Object {
            first_key: self.keys.len(),
            first_byte: self.bytes.len(),
            fingerprints: 0,
            table: None,
        });
    }

    /// The innermost object ends.
    pub(super) fn leave(&mut self) {
        if let Some(object) = self.objects.pop() {
            self.keys.truncate(object.first_key);
            self.bytes.truncate(object.first_byte);
        }
    }

    /// Adds a key to the innermost object, before the value's fields are added to `fields` others.
    /// When the key was there before, gives the fields that its earlier value made.
    pub(super) fn insert(
        &mut self,
        key: kenwell_json::Text<'_>,
        fields: usize,
    ) -> Option<Range<usize>> {
        let start = self.bytes.len();
        key.decode_into(&mut self.bytes);
        let bytes = start..self.bytes.len();
        let index = self.keys.len();
        let earlier = self.find_and_note(&bytes, index);
        self.keys.push(Key {
            bytes,
            fields_before: fields,
        });
        let earlier = earlier?;
        let begin = self.keys.get(earlier)?.fields_before;
        let end = self.keys.get(earlier + 1)?.fields_before;
        Some(begin..end)
    }

    /// The innermost object's latest key, decoded.
    pub(super) fn last(&self) -> &[u8] {
        let key = self.keys.last().map(|key| key.bytes.clone());
        key.and_then(|bytes| self.bytes.get(bytes))
            .unwrap_or_default()
    }

    /// The latest key equal to `bytes`; from now on that is `index`.
    fn find_and_note(&mut self, bytes: &Range<usize>, index: usize) -> Option<usize> {
        let Self {
            bytes: arena,
            keys,
            objects,
            hasher,
        } = self;
        let object = objects.last_mut()?;
        let text = |range: &Range<usize>| arena.get(range.clone()).unwrap_or_default();
        let wanted = text(bytes);
        let is_wanted = |at: usize| keys.get(at).is_some_and(|key| text(&key.bytes) == wanted);
        if let Some(table) = &mut object.table {
            let hash = hasher.hash_one(wanted);
            if let Some(latest) = table.find_mut(hash, |&at| is_wanted(at)) {
                return Some(std::mem::replace(latest, index));
            }
            let rehash =
                |&at: &usize| hasher.hash_one(keys.get(at).map_or(wanted, |key| text(&key.bytes)));
            table.insert_unique(hash, index, rehash);
            return None;
        }
        let bit = 1 << fingerprint(wanted);
        let repeated = object.fingerprints & bit != 0;
        object.fingerprints |= bit;
        let found = repeated
            .then(|| (object.first_key..index).rev().find(|&at| is_wanted(at)))
            .flatten();
        if index - object.first_key >= MAX_LISTED {
            let mut table = HashTable::with_capacity(4 * MAX_LISTED);
            let hash_of =
                |at: usize| hasher.hash_one(keys.get(at).map_or(wanted, |key| text(&key.bytes)));
            for at in object.first_key..=index {
                let name = keys.get(at).map_or(wanted, |key| text(&key.bytes));
                let same =
                    |&other: &usize| keys.get(other).map_or(wanted, |key| text(&key.bytes)) == name;
                match table.find_mut(hash_of(at), same) {
                    Some(latest) => *latest = at,
                    None => drop(table.insert_unique(hash_of(at), at, |&at| hash_of(at))),
                }
            }
            object.table = Some(table);
        }
        found
    }

    /// Gives back what an unusually large object made it allocate.
    pub(super) fn shrink(&mut self, bytes: usize) {
        self.bytes.shrink_to(bytes);
        self.keys.shrink_to(bytes / size_of::<Key>());
        self.objects.shrink_to(bytes / size_of::<Object>());
    }
}

/// A number below 64 that tells most short names apart.
fn fingerprint(name: &[u8]) -> u32 {
    let byte = |at: Option<&u8>| u32::from(at.copied().unwrap_or_default());
    let mixed = byte(name.first())
        .wrapping_mul(7)
        .wrapping_add(byte(name.last()).wrapping_mul(13))
        .wrapping_add(byte(name.get(name.len() / 2)).wrapping_mul(29))
        .wrapping_add(u32::try_from(name.len() & 63).unwrap_or_default());
    mixed & 63
}

#[cfg(test)]
mod tests {
    use super::*;
    use kenwell_json::Reader;

    fn insert(keys: &mut ObjectKeys, key: &str, fields: usize) -> Option<Range<usize>> {
        let quoted = format!("\"{key}\"");
        keys.insert(Reader::new(quoted.as_bytes()).string().unwrap(), fields)
    }

    #[test]
    fn finds_repeated_keys_in_small_and_large_objects() {
        for size in [1, 31, 32, 33, 1000] {
            let mut keys = ObjectKeys::default();
            keys.enter();
            for index in 0..size {
                assert_eq!(insert(&mut keys, &format!("key{index}"), index), None);
            }
            for index in 0..size {
                let earlier = index..index + 1;
                let again = insert(&mut keys, &format!("\\u006bey{index}"), size + index);
                assert_eq!(again, Some(earlier), "{index} of {size}");
            }
            // The second occurrence is the one that a third replaces.
            assert_eq!(insert(&mut keys, "key0", 2 * size), Some(size..size + 1));
            assert_eq!(keys.last(), b"key0");
        }
    }

    #[test]
    fn objects_do_not_see_each_others_keys() {
        let mut keys = ObjectKeys::default();
        keys.enter();
        assert_eq!(insert(&mut keys, "a", 0), None);
        keys.enter();
        assert_eq!(insert(&mut keys, "a", 0), None);
        keys.leave();
        keys.enter();
        assert_eq!(insert(&mut keys, "a", 1), None);
        keys.leave();
        assert_eq!(keys.last(), b"a");
        assert_eq!(insert(&mut keys, "a", 2), Some(0..2));
    }
}
