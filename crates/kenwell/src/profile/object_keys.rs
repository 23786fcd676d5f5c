//! Which keys an object has had so far, so that a repeated key can replace its earlier self.

use std::hash::BuildHasher;
use std::ops::Range;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use kenwell_json::Text;

/// Objects with more keys than this get a hash table; fewer are compared one by one.
const MAX_LISTED: usize = 32;

/// The keys of the objects that are open, innermost last. They stay where they are in the input, unless they have to be
/// decoded.
#[derive(Debug, Default)]
pub(super) struct ObjectKeys {
    /// Those that were decoded, one after the other.
    decoded: Vec<u8>,
    keys: Vec<Key>,
    objects: Vec<Object>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Key {
    place: Place,
    length: usize,
    /// How many fields there were before this key's value.
    fields_before: usize,
}

/// Where a key lies.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// In the input, so many bytes before its end.
    Input(usize),
    /// Among those that were decoded, from here on.
    Decoded(usize),
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
        self.decoded.clear();
        self.keys.clear();
        self.objects.clear();
    }

    /// An object begins.
    pub(super) fn enter(&mut self) {
        self.objects.push(Object {
            first_key: self.keys.len(),
            first_byte: self.decoded.len(),
            fingerprints: 0,
            table: None,
        });
    }

    /// The innermost object ends.
    pub(super) fn leave(&mut self) {
        if let Some(object) = self.objects.pop() {
            self.keys.truncate(object.first_key);
            self.decoded.truncate(object.first_byte);
        }
    }

    /// Adds a key of `input` to the innermost object, before the value's fields are added to `fields` others.
    /// When the key was there before, gives the fields that its earlier value made.
    #[inline]
    pub(super) fn insert(
        &mut self,
        input: &[u8],
        key: &Text<'_>,
        fields: usize,
    ) -> Option<Range<usize>> {
        let fingerprint = match key.verbatim() {
            Some(raw) => {
                self.keys.push(Key {
                    place: Place::Input(key.bytes_to_end()),
                    length: raw.len(),
                    fields_before: fields,
                });
                fingerprint(raw)
            }
            None => self.decode(key, fields),
        };
        let object = self.objects.last_mut()?;
        let bit = 1 << fingerprint;
        let is_new = object.fingerprints & bit == 0;
        object.fingerprints |= bit;
        let index = self.keys.len() - 1;
        if is_new && index - object.first_key < MAX_LISTED {
            return None;
        }
        let earlier = self.find_and_note(input, index)?;
        let begin = self.keys.get(earlier)?.fields_before;
        let end = self.keys.get(earlier + 1)?.fields_before;
        Some(begin..end)
    }

    /// Decodes and adds a key; its fingerprint.
    #[inline(never)]
    fn decode(&mut self, key: &Text<'_>, fields: usize) -> u32 {
        let start = self.decoded.len();
        key.decode_into(&mut self.decoded);
        self.keys.push(Key {
            place: Place::Decoded(start),
            length: self.decoded.len() - start,
            fields_before: fields,
        });
        fingerprint(self.decoded.get(start..).unwrap_or_default())
    }

    /// The innermost object's latest key, decoded, whose bytes are in the same input.
    #[inline]
    pub(super) fn last<'a>(&'a self, input: &'a [u8]) -> &'a [u8] {
        let key = self.keys.last().map(|key| key.bytes(input, &self.decoded));
        key.unwrap_or_default()
    }

    /// The latest key equal to the one at `index`, which takes its place from now on.
    #[inline(never)]
    fn find_and_note(&mut self, input: &[u8], index: usize) -> Option<usize> {
        let Self {
            decoded,
            keys,
            objects,
            hasher,
        } = self;
        let object = objects.last_mut()?;
        let text = |at: usize| {
            let key = keys.get(at).map(|key| key.bytes(input, decoded));
            key.unwrap_or_default()
        };
        let wanted = text(index);
        if let Some(table) = &mut object.table {
            let hash = hasher.hash_one(wanted);
            if let Some(latest) = table.find_mut(hash, |&at| text(at) == wanted) {
                return Some(std::mem::replace(latest, index));
            }
            table.insert_unique(hash, index, |&at| hasher.hash_one(text(at)));
            return None;
        }
        let found = (object.first_key..index)
            .rev()
            .find(|&at| text(at) == wanted);
        if index - object.first_key >= MAX_LISTED {
            let mut table = HashTable::with_capacity(4 * MAX_LISTED);
            let hash_of = |at: usize| hasher.hash_one(text(at));
            for at in object.first_key..=index {
                match table.find_mut(hash_of(at), |&other: &usize| text(other) == text(at)) {
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
        self.decoded.shrink_to(bytes);
        self.keys.shrink_to(bytes / size_of::<Key>());
        self.objects.shrink_to(bytes / size_of::<Object>());
    }
}

impl Key {
    #[inline]
    fn bytes<'a>(&self, input: &'a [u8], decoded: &'a [u8]) -> &'a [u8] {
        let from = match self.place {
            Place::Input(to_end) => input.get(input.len().wrapping_sub(to_end)..),
            Place::Decoded(start) => decoded.get(start..),
        };
        let bytes = from.and_then(|from| from.get(..self.length));
        bytes.unwrap_or_default()
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

    /// Keys as they stand in one input, to be taken one by one.
    struct Input<'a> {
        reader: Reader<'a>,
        keys: ObjectKeys,
    }

    impl<'a> Input<'a> {
        fn of(json: &'a str) -> Self {
            let mut reader = Reader::new(json.as_bytes());
            reader.enter_array().unwrap();
            Self {
                reader,
                keys: ObjectKeys::default(),
            }
        }

        fn insert(&mut self, fields: usize) -> Option<Range<usize>> {
            assert!(self.reader.next_element().unwrap());
            let key = self.reader.string().unwrap();
            self.keys.insert(self.reader.input(), &key, fields)
        }

        fn last(&self) -> &[u8] {
            self.keys.last(self.reader.input())
        }
    }

    #[test]
    fn finds_repeated_keys_in_small_and_large_objects() {
        for size in [1, 31, 32, 33, 1000] {
            let first = (0..size).map(|index| format!("\"key{index}\""));
            let again = (0..size).map(|index| format!("\"\\u006bey{index}\""));
            let all: Vec<_> = first.chain(again).chain(["\"key0\"".to_owned()]).collect();
            let json = format!("[{}]", all.join(","));
            let mut input = Input::of(&json);
            input.keys.enter();
            for index in 0..size {
                assert_eq!(input.insert(index), None);
                assert_eq!(input.last(), format!("key{index}").as_bytes());
            }
            for index in 0..size {
                let earlier = index..index + 1;
                let again = input.insert(size + index);
                assert_eq!(again, Some(earlier), "{index} of {size}");
                assert_eq!(input.last(), format!("key{index}").as_bytes());
            }
            // The second occurrence is the one that a third replaces.
            assert_eq!(input.insert(2 * size), Some(size..size + 1));
            assert_eq!(input.last(), b"key0");
        }
    }

    #[test]
    fn objects_do_not_see_each_others_keys() {
        let mut input = Input::of(r#"["a","a","a","a"]"#);
        input.keys.enter();
        assert_eq!(input.insert(0), None);
        input.keys.enter();
        assert_eq!(input.insert(0), None);
        input.keys.leave();
        input.keys.enter();
        assert_eq!(input.insert(1), None);
        input.keys.leave();
        assert_eq!(input.last(), b"a");
        assert_eq!(input.insert(2), Some(0..2));
    }
}
