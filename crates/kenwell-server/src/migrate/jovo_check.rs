//! Looks at the entries that a Jovo app keeps in Redis: which of them the state store understands.

use std::collections::BTreeMap;

use kenwell::connection::Connection;
use kenwell::state::values::{Read, fetch};
use kenwell::state::{
    Entry, Error, HistoryElement, Json, SessionElement, StateStore, StoredElements,
};
use kenwell::{KeyWalk, literal_pattern};
use serde::Serialize;

/// How many entries that are not understood are told one by one; all are counted.
const MAX_SHOWN: usize = 20;

/// How many reasons are told apart: some name a place in the entry, and there are as many places as entries.
const MAX_REASONS: usize = 50;
/// What the others count as.
const OTHER_REASONS: &str = "other reasons";

/// Where the entries are.
pub(crate) struct JovoEntries {
    pub(crate) connection: Connection,
    pub(crate) key_prefix: String,
    pub(crate) key_separator: String,
    /// The ids of the entries, `data` unless the app says otherwise.
    pub(crate) entries: Vec<String>,
}

/// What was found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct JovoReport {
    /// Entries in all.
    pub(crate) entries: u64,
    /// Those that are understood, and would be written byte by byte as they are.
    pub(crate) identical: u64,
    /// Those that are understood, and would be spelled otherwise: the same JSON.
    pub(crate) respelled: u64,
    /// Those that are not understood, by reason.
    pub(crate) not_understood: BTreeMap<String, u64>,
    /// Some of these.
    pub(crate) examples: Vec<UnreadableEntry>,
}

/// An entry that is not understood.
#[derive(Debug, Serialize)]
pub(crate) struct UnreadableEntry {
    pub(crate) key: String,
    pub(crate) reason: String,
}

impl JovoReport {
    /// Whether the state store can take all of them over.
    pub(crate) fn is_whole(&self) -> bool {
        self.not_understood.is_empty()
    }

    fn add(&mut self, key: &[u8], found: Result<Spelling, String>) {
        self.entries += 1;
        match found {
            Ok(Spelling::Identical) => self.identical += 1,
            Ok(Spelling::Other) => self.respelled += 1,
            Err(reason) => {
                let is_told = self.not_understood.contains_key(&reason)
                    || self.not_understood.len() < MAX_REASONS;
                let told = if is_told { &*reason } else { OTHER_REASONS };
                *self.not_understood.entry(told.to_owned()).or_default() += 1;
                if self.examples.len() < MAX_SHOWN {
                    let key = String::from_utf8_lossy(key).into_owned();
                    self.examples.push(UnreadableEntry { key, reason });
                }
            }
        }
    }
}

/// How an entry would be written again.
enum Spelling {
    Identical,
    Other,
}

impl JovoEntries {
    /// Looks at all entries, and calls `progress` with how many that were now and then. Only reads.
    ///
    /// # Errors
    /// Those of the connection, and of names that cannot be a store's.
    pub(crate) async fn check(&self, progress: impl Fn(u64)) -> Result<JovoReport, Error> {
        let mut report = JovoReport::default();
        for id in &self.entries {
            let store = StateStore::builder(self.connection.clone())
                .key_prefix(&self.key_prefix)
                .key_separator(&self.key_separator)
                .entries([Entry::new(id).everything()])
                .elements(StoredElements {
                    session: Some(SessionElement::default()),
                    history: Some(HistoryElement::default()),
                    ..StoredElements::default()
                })
                .build()?;
            let start = self.key_start(id);
            let pattern = format!("{}*", literal_pattern(&start));
            let mut walk = KeyWalk::new(self.connection.clone(), pattern).await?;
            while let Some(keys) = walk.next_page().await? {
                let reads = keys.iter().map(|key| Read {
                    key: key.clone(),
                    refresh_seconds: None,
                });
                let values = fetch(&self.connection, &reads.collect::<Vec<_>>(), None).await?;
                for (key, value) in keys.iter().zip(values.values) {
                    match value {
                        // It was deleted meanwhile.
                        Ok(None) => {}
                        Ok(Some(value)) => {
                            let found = examine(&store, &start, key, &value).await?;
                            report.add(key, found);
                        }
                        Err(error) => report.add(key, Err(reason(&error))),
                    }
                }
                progress(report.entries);
            }
        }
        Ok(report)
    }

    fn key_start(&self, entry: &str) -> String {
        let parts = [&*self.key_prefix, entry, ""];
        let parts = if self.key_prefix.is_empty() {
            &parts[1..]
        } else {
            &parts[..]
        };
        parts.join(&self.key_separator)
    }
}

/// Whether the store understands an entry. An error of the connection is one of the whole.
async fn examine(
    store: &StateStore,
    start: &str,
    key: &[u8],
    value: &[u8],
) -> Result<Result<Spelling, String>, Error> {
    let Some(user) = std::str::from_utf8(key)
        .ok()
        .and_then(|key| key.strip_prefix(start))
    else {
        return Ok(Err("the user's id is no text".to_owned()));
    };
    if user.is_empty() {
        return Ok(Err("the key names no user".to_owned()));
    }
    match store.load(user).await {
        Ok(_) => {}
        Err(Error::Redis(error)) => return Err(Error::Redis(error)),
        Err(error) => return Ok(Err(reason(&error))),
    }
    let same = Json::parse(value).is_ok_and(|json| json.as_str().as_bytes() == value);
    Ok(Ok(if same {
        Spelling::Identical
    } else {
        Spelling::Other
    }))
}

/// Why an entry is not understood, without its key and value.
fn reason(error: &Error) -> String {
    match error {
        Error::Undecodable { source, .. } => source.to_string(),
        Error::Value { source, .. } => source.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_full_of_other_things_is_told_in_a_few_lines() {
        let mut report = JovoReport::default();
        for number in 0..1_000 {
            report.add(b"k", Err(format!("not JSON at byte {number}")));
        }
        report.add(b"k", Err("not JSON at byte 7".to_owned()));
        assert_eq!(report.entries, 1_001);
        assert_eq!(report.not_understood.values().sum::<u64>(), 1_001);
        assert_eq!(report.not_understood.len(), MAX_REASONS + 1);
        assert_eq!(report.not_understood["not JSON at byte 7"], 2);
        assert_eq!(report.not_understood[OTHER_REASONS], 950);
        assert_eq!(report.examples.len(), MAX_SHOWN);
    }
}
