//! Folds the updates of one key in a batch into one write, which remembers the events that it carries.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::ProfileUpdate;

/// Collects a batch of updates and folds those of the same key, in the order they were pushed.
///
/// Holds what it is given: the caller bounds the batch, for instance by [`bytes`](Self::bytes).
///
/// ```
/// use kenwell::profile::{Fold, Layout, update};
///
/// let layout = Layout::default();
/// let mut fold = Fold::default();
/// fold.push(0, update(br#"{"userId":"u1","traits":{"a":1,"b":1}}"#, &layout)?);
/// fold.push(1, update(br#"{"userId":"u2","traits":{"a":5}}"#, &layout)?);
/// fold.push(2, update(br#"{"userId":"u1","traits":{"b":2}}"#, &layout)?);
///
/// let folded = fold.finish();
/// assert_eq!(folded[0].update().key(), b"user:u1");
/// assert_eq!(folded[0].items(), [0, 2]);
/// let fields: Vec<_> = folded[0].update().fields().collect();
/// assert_eq!(fields, [(&b"a"[..], &b"1"[..]), (b"b", b"2")]);
/// assert_eq!(folded[1].items(), [1]);
/// # Ok::<(), kenwell::profile::Ignored>(())
/// ```
#[derive(Debug, Default)]
pub struct Fold {
    users: Vec<KeyUpdates>,
    /// Positions in `users`, by key.
    by_key: HashTable<usize>,
    hasher: RandomState,
    bytes: usize,
}

/// The updates of one key. One is the usual number, and then nothing is copied.
#[derive(Debug)]
struct KeyUpdates {
    first: ProfileUpdate,
    later: Vec<ProfileUpdate>,
    items: Items,
}

/// One key's write, and the items of the batch that it carries.
#[derive(Debug, Clone)]
pub struct FoldedUpdate {
    update: ProfileUpdate,
    items: Items,
    /// The updates of the items; empty when there is one, which is the update itself.
    parts: Vec<ProfileUpdate>,
}

/// Items in the order in which they came. One is the usual number, and then nothing is allocated.
#[derive(Debug, Clone)]
enum Items {
    One(usize),
    Several(Vec<usize>),
}

impl Items {
    fn push(&mut self, item: usize) {
        match self {
            Self::One(first) => *self = Self::Several(vec![*first, item]),
            Self::Several(items) => items.push(item),
        }
    }

    fn as_slice(&self) -> &[usize] {
        match self {
            Self::One(item) => std::slice::from_ref(item),
            Self::Several(items) => items,
        }
    }
}

impl Fold {
    /// A fold with room for so many users. It takes more, too, but then moves what it has.
    pub fn with_capacity(users: usize) -> Self {
        Self {
            users: Vec::with_capacity(users),
            by_key: HashTable::with_capacity(users),
            ..Self::default()
        }
    }

    /// Adds the update that came from the caller's item number `item`.
    pub fn push(&mut self, item: usize, update: ProfileUpdate) {
        let Self {
            users,
            by_key,
            hasher,
            bytes,
        } = self;
        *bytes += update.bytes();
        let hash = hasher.hash_one(update.key());
        let same_key = |&at: &usize| {
            users
                .get(at)
                .is_some_and(|user: &KeyUpdates| user.first.key() == update.key())
        };
        if let Some(&at) = by_key.find(hash, same_key) {
            if let Some(user) = users.get_mut(at) {
                user.later.push(update);
                user.items.push(item);
            }
            return;
        }
        users.push(KeyUpdates {
            first: update,
            later: Vec::new(),
            items: Items::One(item),
        });
        let hash_of =
            |&at: &usize| hasher.hash_one(users.get(at).map_or(&[][..], |user| user.first.key()));
        by_key.insert_unique(hash, users.len() - 1, hash_of);
    }

    /// Bytes of all keys, names and values pushed so far.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing was pushed.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// One update for each key, in the order in which the keys came first. Of fields that several
    /// updates set, the last value stays.
    pub fn finish(self) -> Vec<FoldedUpdate> {
        self.users.into_iter().map(KeyUpdates::fold).collect()
    }
}

impl KeyUpdates {
    fn fold(self) -> FoldedUpdate {
        let Self {
            first,
            later: mut parts,
            items,
        } = self;
        let update = if parts.is_empty() {
            first
        } else {
            let update = merge(&first, &parts);
            parts.insert(0, first);
            update
        };
        FoldedUpdate {
            update,
            items,
            parts,
        }
    }
}

fn merge(first: &ProfileUpdate, later: &[ProfileUpdate]) -> ProfileUpdate {
    let mut all = std::iter::once(first).chain(later);
    if first.patches().is_some() {
        let patches: Vec<&[u8]> = all.filter_map(ProfileUpdate::patches).flatten().collect();
        return ProfileUpdate::of_patches(first.key(), &patches).unwrap_or_else(|| first.clone());
    }
    if all.any(|update| update.merge().is_some()) {
        return super::merge_fold::fold(first.key(), std::iter::once(first).chain(later));
    }
    let mut places: HashMap<&[u8], usize, RandomState> = HashMap::default();
    let mut fields: Vec<(&[u8], &[u8])> = Vec::new();
    for (name, value) in std::iter::once(first)
        .chain(later)
        .flat_map(ProfileUpdate::fields)
    {
        let place = *places.entry(name).or_insert(fields.len());
        match fields.get_mut(place) {
            Some(field) => field.1 = value,
            None => fields.push((name, value)),
        }
    }
    ProfileUpdate::new(first.key(), || fields.iter().copied())
}

impl FoldedUpdate {
    /// What to write.
    pub fn update(&self) -> &ProfileUpdate {
        &self.update
    }

    /// The same, to change what is told about it.
    pub(super) fn update_mut(&mut self) -> &mut ProfileUpdate {
        &mut self.update
    }

    /// What one item does, where it carries several.
    pub(super) fn part_of(&self, item: usize) -> Option<&ProfileUpdate> {
        let mut parts = self.parts.iter().zip(self.items());
        parts.find_map(|(part, other)| (*other == item).then_some(part))
    }

    /// The caller's items that it carries, in the order they were pushed; never empty.
    pub fn items(&self) -> &[usize] {
        self.items.as_slice()
    }

    /// Each item by itself, in order, for an update that Redis refuses as a whole: one bad event must
    /// not take good ones along. Empty when it carries only one.
    pub fn unfold(&self) -> Vec<Self> {
        let parts = self.parts.iter().zip(self.items());
        parts
            .map(|(update, item)| Self {
                update: update.clone(),
                items: Items::One(*item),
                parts: Vec::new(),
            })
            .collect()
    }
}

impl AsRef<ProfileUpdate> for FoldedUpdate {
    fn as_ref(&self) -> &ProfileUpdate {
        &self.update
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Layout, update};

    #[test]
    fn folding_equals_writing_one_after_the_other() {
        let mut fold = Fold::default();
        let mut expected: HashMap<Vec<u8>, HashMap<Vec<u8>, Vec<u8>>> = HashMap::new();
        for item in 0..2_000_usize {
            let (user, field, other) = (item * 7 % 97, item % 5, item % 3);
            let event = format!(
                r#"{{"userId":{user},"traits":{{"f{field}":{item},"g{other}":"{item}"}}}}"#
            );
            let update = update(event.as_bytes(), &Layout::default()).unwrap();
            let hash = expected.entry(update.key().to_vec()).or_default();
            hash.extend(
                update
                    .fields()
                    .map(|(name, value)| (name.to_vec(), value.to_vec())),
            );
            fold.push(item, update);
        }
        let folded = fold.finish();
        let mut items: Vec<_> = folded
            .iter()
            .flat_map(|user| user.items().to_vec())
            .collect();
        items.sort_unstable();
        assert_eq!(items, (0..2_000).collect::<Vec<_>>());
        assert_eq!(folded.len(), 97);
        for user in &folded {
            assert!(user.items().is_sorted());
            let hash: HashMap<_, _> = user
                .update()
                .fields()
                .map(|(name, value)| (name.to_vec(), value.to_vec()))
                .collect();
            assert_eq!(hash.len(), user.update().fields().len());
            assert_eq!(Some(&hash), expected.get(user.update().key()));
        }
    }
}
