//! Finding dead letters: a page of those that match, and how many there are of each kind.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::dead_letters::{DeadLetter, Error, LetterQuery, OutstandingLetters};

/// Bytes of letters after which a page ends, whatever its count.
const MAX_PAGE_BYTES: usize = 4 << 20;

/// How many letters a destination has for one reason.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeadLetterCount {
    pub(super) destination: String,
    pub(super) reason: String,
    pub(super) count: u64,
}

/// Which letters are retried or discarded.
pub(super) enum LetterSelection {
    Ids(HashSet<String>),
    Reason(String),
    All,
}

impl LetterSelection {
    pub(super) fn has(&self, letter: &DeadLetter) -> bool {
        match self {
            Self::Ids(ids) => ids.contains(&letter.id()),
            Self::Reason(reason) => letter.code() == reason,
            Self::All => true,
        }
    }
}

/// Which letters are asked for.
pub(super) struct PageRequest {
    pub(super) destinations: Vec<(String, Arc<OutstandingLetters>)>,
    pub(super) reason: Option<String>,
    pub(super) limit: usize,
    /// The last one of the page before: destination, slash, id.
    pub(super) after: Option<String>,
}

/// A page of letters, and how many there are on all pages.
#[derive(Default)]
pub(super) struct LetterPage {
    pub(super) total: u64,
    pub(super) by_reason: Vec<DeadLetterCount>,
    pub(super) letters: Vec<DeadLetter>,
    pub(super) next: Option<String>,
}

/// Counts without reading, and reads only the letters of the page. `None` when the letter behind which to
/// go on is not there any more.
pub(super) fn find(page: &PageRequest) -> Result<Option<LetterPage>, Error> {
    let mut found = LetterPage::default();
    let after = page.after.as_deref().map(|place| place.split_once('/'));
    let mut begun = after.is_none();
    let mut bytes = 0;
    for (destination, outstanding) in &page.destinations {
        outstanding.refresh()?;
        for (reason, count) in outstanding.counts().unwrap_or_default() {
            if page.reason.as_ref().is_none_or(|wanted| *wanted == reason) {
                found.total += count;
            }
            found.by_reason.push(DeadLetterCount {
                destination: destination.clone(),
                reason,
                count,
            });
        }
        let after = after.flatten().filter(|(id, _)| id == destination);
        if found.next.is_some() || !(begun || after.is_some()) {
            continue;
        }
        let wanted = LetterQuery {
            reason: page.reason.as_deref(),
            after: after.map(|(_, id)| id),
            letters: page.limit.saturating_sub(found.letters.len()),
            bytes: MAX_PAGE_BYTES.saturating_sub(bytes),
        };
        let Some(picked) = outstanding.page(&wanted)? else {
            continue;
        };
        begun = true;
        bytes += picked.bytes;
        found.letters.extend(picked.letters);
        if picked.more {
            found.next = found.letters.last().map(place);
        }
    }
    Ok(begun.then_some(found))
}

fn place(letter: &DeadLetter) -> String {
    format!("{}/{}", letter.destination, letter.id())
}

#[cfg(test)]
mod tests {
    use kenwell::profile::Layout;

    use super::*;
    use crate::dead_letters::DeadLetters;

    fn letter(destination: &str, offset: u64, code: &str) -> DeadLetter {
        DeadLetter {
            at: 1,
            destination: destination.into(),
            offset,
            source: "web".into(),
            key: "user:u".into(),
            reason: format!("redis at h:1: HSET refused: {code} words"),
            received_at: 1,
            sent_at: None,
            event: b"{}".to_vec(),
        }
    }

    fn page(logs: &DeadLetters, reason: Option<&str>, after: Option<String>) -> PageRequest {
        let destinations = ["profiles", "z"].map(|id| {
            let outstanding = logs.outstanding(id, &Layout::default());
            (id.to_owned(), outstanding)
        });
        PageRequest {
            destinations: destinations.into(),
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
            .map(|(offset, code)| letter("profiles", offset, code))
            .collect();
        logs.append("profiles", &letters).unwrap();
        logs.append("z", &[letter("z", 9, "WRONGTYPE")]).unwrap();
        let mut after = None;
        let mut offsets = Vec::new();
        loop {
            let found = find(&page(&logs, Some("WRONGTYPE"), after))
                .unwrap()
                .unwrap();
            assert_eq!(found.total, 5);
            let counts: Vec<_> = found
                .by_reason
                .iter()
                .map(|by| (&*by.destination, &*by.reason, by.count))
                .collect();
            let expected = [
                ("profiles", "NOPERM", 1),
                ("profiles", "WRONGTYPE", 4),
                ("z", "WRONGTYPE", 1),
            ];
            assert_eq!(counts, expected);
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
        assert_eq!(offsets, [vec![0, 2], vec![3, 4], vec![9]]);
        let gone = page(&logs, None, Some("profiles/9-9".into()));
        assert!(find(&gone).unwrap().is_none());
    }
}
