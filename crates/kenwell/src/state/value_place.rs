//! Which value an error is about.

use std::fmt;
use std::sync::Arc;

/// The most characters of a key that an error shows.
const MAX_SHOWN: usize = 200;

/// Which value of a call is meant: its number, the entry's id when there is one, and its key.
///
/// Keys are shown because what is stored cannot be repaired without them. Control characters and
/// quotes are escaped, and what is longer than 200 characters is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuePlace {
    index: usize,
    entry: Option<Arc<str>>,
    /// A box, so that errors stay small.
    key: Box<str>,
}

impl ValuePlace {
    pub(super) fn new(index: usize, key: &[u8]) -> Self {
        Self {
            index,
            entry: None,
            key: shown(key),
        }
    }

    /// The same place with the entry's id.
    pub(super) fn named(mut self, entry: &Arc<str>) -> Self {
        self.entry = Some(Arc::clone(entry));
        self
    }

    /// Its number among the values of the call, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The id of the entry, when a [`StateStore`](super::StateStore) was asked.
    pub fn entry(&self) -> Option<&str> {
        self.entry.as_deref()
    }

    /// The key, made presentable.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// A key, made presentable. Most are as they are: every call makes the places of its values.
fn shown(key: &[u8]) -> Box<str> {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\'' | b'\\');
    if let (true, Ok(text)) = (key.len() <= MAX_SHOWN, str::from_utf8(key))
        && key.iter().all(is_plain)
    {
        return text.into();
    }
    let text = String::from_utf8_lossy(key);
    let start = text.chars().take(MAX_SHOWN);
    let mut shown: String = start.flat_map(char::escape_debug).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown.into()
}

impl fmt::Display for ValuePlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entry {
            Some(entry) => write!(formatter, "entry `{entry}`")?,
            None => write!(formatter, "entry {}", self.index)?,
        }
        // Whose key is not known yet has none to show.
        if self.key.is_empty() {
            return Ok(());
        }
        write!(formatter, " (key `{}`)", self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_presentable() {
        let place = ValuePlace::new(1, b"data:\"u\n\xff").named(&"data".into());
        assert_eq!(
            place.to_string(),
            "entry `data` (key `data:\\\"u\\n\u{fffd}`)"
        );
        for code in 0..=u8::MAX {
            let key = [b'a', code];
            let escaped: String = String::from_utf8_lossy(&key)
                .chars()
                .flat_map(char::escape_debug)
                .collect();
            assert_eq!(ValuePlace::new(0, &key).key(), escaped);
        }
        let long = ValuePlace::new(1, "ü".repeat(300).as_bytes());
        assert_eq!(long.key().chars().count(), MAX_SHOWN + 1);
        assert_eq!(ValuePlace::new(3, b"").to_string(), "entry 3");
    }
}
