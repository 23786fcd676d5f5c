//! The outstanding letters in memory: where each stands, why it was refused, and what it may still write.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use kenwell::profile::{NamedChange, ProfileUpdate, Rules, at_and_above};

use super::letter::DeadLetter;
use super::log_line::SupersededFields;
use super::newer_write::{NewerWrite, below_name, removal_name};

/// The most different codes of refusals that are told apart; what comes after them counts as `other`.
const MAX_CODES: usize = 256;

/// The letters of one log, in its order. About 100 bytes a letter and 8 a field; the log's bound bounds it.
#[derive(Debug, Default)]
pub(super) struct Index {
    letters: Vec<IndexedLetter>,
    /// The latest letter of each key, by the key's hash; the others follow from it.
    by_key: HashMap<u64, usize, RandomState>,
    /// The latest letter of each offset; the others follow from it.
    by_offset: HashMap<u64, usize, RandomState>,
    codes: Vec<String>,
    counts: Vec<u64>,
    hasher: RandomState,
}

/// One letter.
#[derive(Debug)]
pub(super) struct IndexedLetter {
    /// Where its line begins.
    pub(super) position: u64,
    /// Bytes of the line.
    pub(super) length: usize,
    pub(super) offset: u64,
    pub(super) at: u64,
    /// Place in `codes`.
    code: usize,
    /// The letter before it of the same key.
    same_key: Option<usize>,
    /// The letter before it with the same offset, of which a repeated delivery makes several.
    same_offset: Option<usize>,
    /// Hashes of the names of the fields, or of the places in a document, that it may still write, and of the removals
    /// that it may still do; sorted.
    open: Box<[u64]>,
    /// Under which names its fields are removed, and which field that concerns, as hashes. Empty where nothing is
    /// ever removed.
    covered: Box<[(u64, u64)]>,
}

/// What a letter may still write.
#[derive(Debug)]
pub(super) enum RemainingFields {
    /// These fields, which nothing newer has set.
    Some(ProfileUpdate),
    /// Nothing: newer events have set all of them.
    None,
    /// No such letter is known.
    Unknown,
}

/// Each of these once, in order.
fn sorted(names: impl Iterator<Item = u64>) -> Box<[u64]> {
    let mut names: Vec<u64> = names.collect();
    names.sort_unstable();
    names.dedup();
    names.into_boxed_slice()
}

impl IndexedLetter {
    /// Whether it may still do what has this name.
    fn may_still(&self, name: u64) -> bool {
        self.open.binary_search(&name).is_ok()
    }

    /// These names, and the fields that are removed under them.
    fn concerned_by(&self, names: &HashSet<u64>) -> HashSet<u64> {
        let covered = self.covered.iter();
        let covered = covered.filter(|(name, _)| names.contains(name));
        let fields = covered.map(|(_, field)| *field);
        names.iter().copied().chain(fields).collect()
    }
}

impl Index {
    /// Adds the letter whose line of `length` bytes begins at `position`, behind all others.
    pub(super) fn add(
        &mut self,
        (position, length): (u64, usize),
        letter: &DeadLetter,
        update: Option<&ProfileUpdate>,
        rules: &Rules,
    ) {
        let place = self.letters.len();
        let code = self.code(letter.code());
        if let Some(count) = self.counts.get_mut(code) {
            *count += 1;
        }
        let same_key = update.and_then(|update| {
            let key = self.hasher.hash_one(update.key());
            self.by_key.insert(key, place)
        });
        let open = update.map_or_else(Box::default, |update| {
            let names = update.names();
            let set = names.iter().map(|name| self.hash(name));
            let removals = update.removals().map(|name| self.hash(&removal_name(name)));
            sorted(set.chain(removals))
        });
        let covered = update
            .filter(|_| rules.may_remove())
            .map_or_else(Box::default, |update| {
                let pairs = update.fields().flat_map(|(name, _)| {
                    let above = at_and_above(name).map(move |above| (above, name));
                    above.map(|(above, name)| (self.hash(&below_name(above)), self.hash(name)))
                });
                pairs.collect()
            });
        let letter = IndexedLetter {
            position,
            length,
            offset: letter.offset,
            at: letter.at,
            code,
            same_key,
            same_offset: self.by_offset.get(&letter.offset).copied(),
            open,
            covered,
        };
        self.by_offset.insert(letter.offset, place);
        self.letters.push(letter);
    }

    /// Takes fields from the letters there are.
    pub(super) fn supersede(&mut self, superseded: &SupersededFields) {
        self.change(superseded, |letter, names| {
            let lost = letter.concerned_by(names);
            let left = letter.open.iter().filter(|name| !lost.contains(name));
            left.copied().collect()
        });
    }

    /// Gives fields back to the letters there are.
    pub(super) fn restore(&mut self, superseded: &SupersededFields) {
        self.change(superseded, |letter, names| {
            let open = letter.open.iter().copied();
            sorted(open.chain(letter.concerned_by(names)))
        });
    }

    fn change(
        &mut self,
        superseded: &SupersededFields,
        change: impl Fn(&IndexedLetter, &HashSet<u64>) -> Box<[u64]>,
    ) {
        let names = superseded.fields.iter();
        let fields: HashSet<u64> = names.map(|name| self.hash(name.as_bytes())).collect();
        for offset in &superseded.letters {
            let mut next = self.by_offset.get(offset).copied();
            while let Some(letter) = next.and_then(|place| self.letters.get_mut(place)) {
                letter.open = change(letter, &fields);
                next = letter.same_offset;
            }
        }
    }

    /// Whether letters of the update's key might be concerned when it is written.
    pub(super) fn has_key_of(&self, update: &ProfileUpdate) -> bool {
        !self.by_key.is_empty()
            && self
                .by_key
                .contains_key(&self.hasher.hash_one(update.key()))
    }

    /// What the write takes from older letters: one line for those that lose the same fields.
    pub(super) fn superseded_by(&self, write: &NewerWrite<'_>) -> Vec<SupersededFields> {
        let mut next = self.by_key.get(&self.hasher.hash_one(write.key)).copied();
        let below = write.below.iter();
        let below: HashMap<u64, (&[u8], u64)> = below
            .map(|(name, below)| (self.hash(name), (&**name, *below)))
            .collect();
        let mut lost: BTreeMap<Vec<String>, BTreeSet<u64>> = BTreeMap::new();
        while let Some(letter) = next.and_then(|place| self.letters.get(place)) {
            next = letter.same_key;
            let covering = letter.covered.iter();
            let covering = covering.filter(|(_, field)| letter.may_still(*field));
            let names = letter.open.iter().chain(covering.map(|(name, _)| name));
            let newer = names.filter_map(|name| below.get(name));
            let mut names: Vec<String> = newer
                .filter(|(_, below)| letter.offset < *below)
                .map(|(name, _)| String::from_utf8_lossy(name).into_owned())
                .collect();
            names.sort_unstable();
            names.dedup();
            lost.entry(names).or_default().insert(letter.offset);
        }
        let lost = lost.into_iter().filter(|(names, _)| !names.is_empty());
        lost.map(|(fields, letters)| SupersededFields {
            by: write.by,
            letters: letters.into_iter().collect(),
            fields,
        })
        .collect()
    }

    /// What is left of the update of the letter whose line begins at `position`.
    pub(super) fn remaining(
        &self,
        position: u64,
        offset: u64,
        update: &ProfileUpdate,
    ) -> RemainingFields {
        let place = self
            .letters
            .binary_search_by_key(&position, |letter| letter.position);
        let letter = place.ok().and_then(|place| self.letters.get(place));
        let Some(letter) = letter.filter(|letter| letter.offset == offset) else {
            return RemainingFields::Unknown;
        };
        let remaining = update.retain(|change| match change {
            NamedChange::Set(name) => letter.may_still(self.hash(name)),
            NamedChange::Removal(name) => letter.may_still(self.hash(&removal_name(name))),
        });
        remaining.map_or(RemainingFields::None, RemainingFields::Some)
    }

    /// The letters, in the log's order, each with the code of its refusal.
    pub(super) fn letters(&self) -> impl Iterator<Item = (&IndexedLetter, &str)> {
        self.letters.iter().map(|letter| {
            let code = self.codes.get(letter.code);
            (letter, code.map_or("other", String::as_str))
        })
    }

    /// How many letters there are for each code.
    pub(super) fn counts(&self) -> BTreeMap<String, u64> {
        let counts = self.codes.iter().zip(&self.counts);
        counts.map(|(code, count)| (code.clone(), *count)).collect()
    }

    fn code(&mut self, code: &str) -> usize {
        let code = if self.codes.len() < MAX_CODES {
            code
        } else {
            "other"
        };
        if let Some(place) = self.codes.iter().position(|known| known == code) {
            return place;
        }
        self.codes.push(code.to_owned());
        self.counts.push(0);
        self.codes.len() - 1
    }

    /// By the name as it stands in the log, where it is text.
    fn hash(&self, name: &[u8]) -> u64 {
        self.hasher.hash_one(&*String::from_utf8_lossy(name))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use kenwell::profile::{Flattener, Layout, NullTraits};

    use super::super::newer_write::delivered;
    use super::*;

    /// Comparing each name with each would take minutes, in which nothing is delivered.
    #[test]
    fn letters_of_very_many_fields_take_no_time() {
        let rules = Rules {
            null_traits: NullTraits::Delete,
            ..Rules::default()
        };
        let layout = Layout {
            rules,
            ..Layout::default()
        };
        let event = |value: &str| {
            let fields = (0..100_000).map(|at| format!(r#""n{at}.x":{value}"#));
            let fields: Vec<_> = fields.collect();
            format!(
                r#"{{"userId":"u","traits":{{"a":1,{}}}}}"#,
                fields.join(",")
            )
        };
        let read = |event: &str| Flattener::default().update(event.as_bytes(), &layout);
        let (older, newer) = (read(&event("1")).unwrap(), read(&event("null")).unwrap());
        let letter = DeadLetter {
            offset: 1,
            at: 0,
            sent_at: None,
            destination: String::new(),
            source: String::new(),
            key: String::new(),
            received_at: 0,
            reason: "ERR no".to_owned(),
            event: Vec::new(),
        };
        let begun = Instant::now();
        let mut index = Index::default();
        index.add((0, 1), &letter, Some(&older), &rules);
        let updates = [(2, newer)];
        let writes = delivered(&updates, &rules);
        let superseded: Vec<_> = writes.flat_map(|it| index.superseded_by(&it)).collect();
        let left = |index: &Index| match index.remaining(0, 1, &older) {
            RemainingFields::Some(update) => update.fields().len(),
            RemainingFields::None | RemainingFields::Unknown => 0,
        };
        for it in &superseded {
            index.supersede(it);
        }
        // "a" is set by both.
        assert_eq!(left(&index), 0);
        for it in &superseded {
            index.restore(it);
        }
        assert_eq!(left(&index), 100_001);
        assert!(begun.elapsed() < Duration::from_mins(1));
    }
}
