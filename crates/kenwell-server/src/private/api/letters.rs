//! Finding dead letters: a page of those that match, and how many there are of each kind.

use std::collections::{BTreeMap, HashSet};

use super::dead_letters::Count;
use crate::dead_letters::{DeadLetter, DeadLetters, Error};

/// Event bytes after which a page ends, whatever its count.
const MAX_PAGE_BYTES: usize = 4 << 20;

/// Which letters are acted on.
pub(super) enum Selection {
    Ids(HashSet<String>),
    Reason(String),
    All,
}

impl Selection {
    pub(super) fn has(&self, letter: &DeadLetter) -> bool {
        match self {
            Self::Ids(ids) => ids.contains(&letter.id()),
            Self::Reason(reason) => letter.code() == reason,
            Self::All => true,
        }
    }
}

/// Which letters are shown.
pub(super) struct Page {
    pub(super) destinations: Vec<String>,
    pub(super) reason: Option<String>,
    pub(super) limit: usize,
    /// The last one of the page before: destination, slash, id.
    pub(super) after: Option<String>,
}

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) total: u64,
    pub(super) by_reason: Vec<Count>,
    pub(super) letters: Vec<DeadLetter>,
    pub(super) next: Option<String>,
}

/// Goes through the logs once. `None` when the letter behind which to go on is not there any more.
///
/// Codes are Redis' own, a handful; whatever else stands there counts as `other`.
pub(super) fn find(logs: &DeadLetters, page: &Page) -> Result<Option<Found>, Error> {
    let mut found = Found::default();
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut begun = page.after.is_none();
    let mut full = false;
    let mut bytes = 0;
    for destination in &page.destinations {
        for letter in logs.list(destination)? {
            let letter = match letter {
                Ok(letter) => letter,
                Err(Error::Corrupt { .. }) => continue, // reported when they are retried
                Err(error) => return Err(error),
            };
            let kind = (destination.clone(), letter.code().to_owned());
            *counts.entry(kind).or_default() += 1;
            if page
                .reason
                .as_ref()
                .is_some_and(|reason| letter.code() != reason)
            {
                continue;
            }
            found.total += 1;
            if !begun {
                begun = page.after.as_deref() == Some(&*place(&letter));
                continue;
            }
            full = full || found.letters.len() >= page.limit || bytes >= MAX_PAGE_BYTES;
            if full {
                found.next = found.letters.last().map(place);
                continue;
            }
            bytes += letter.event.len();
            found.letters.push(letter);
        }
    }
    let count = |((destination, reason), count)| Count {
        destination,
        reason,
        count,
    };
    found.by_reason = counts.into_iter().map(count).collect();
    Ok(begun.then_some(found))
}

fn place(letter: &DeadLetter) -> String {
    format!("{}/{}", letter.destination, letter.id())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(offset: u64, code: &str) -> DeadLetter {
        DeadLetter {
            at: 1,
            destination: "profiles".into(),
            offset,
            source: "web".into(),
            key: "user:u".into(),
            reason: format!("redis at h:1: HSET refused: {code} words"),
            received_at: 1,
            event: b"{}".to_vec(),
        }
    }

    fn page(reason: Option<&str>, after: Option<String>) -> Page {
        Page {
            destinations: vec!["profiles".into()],
            reason: reason.map(str::to_owned),
            limit: 2,
            after,
        }
    }

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let logs = DeadLetters::open(directory.path(), 1 << 20).unwrap();
        let codes = ["WRONGTYPE", "NOPERM", "WRONGTYPE", "WRONGTYPE", "WRONGTYPE"];
        let letters: Vec<_> = (0..)
            .zip(codes)
            .map(|(offset, code)| letter(offset, code))
            .collect();
        logs.append("profiles", &letters).unwrap();
        let mut after = None;
        let mut offsets = Vec::new();
        loop {
            let found = find(&logs, &page(Some("WRONGTYPE"), after))
                .unwrap()
                .unwrap();
            assert_eq!(found.total, 4);
            let counts: Vec<_> = found
                .by_reason
                .iter()
                .map(|by| (&*by.reason, by.count))
                .collect();
            assert_eq!(counts, [("NOPERM", 1), ("WRONGTYPE", 4)]);
            offsets.push(
                found
                    .letters
                    .iter()
                    .map(|letter| letter.offset)
                    .collect::<Vec<_>>(),
            );
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(offsets, [[0, 2], [3, 4]]);
        assert!(
            find(&logs, &page(None, Some("profiles/9-9".into())))
                .unwrap()
                .is_none()
        );
    }
}
