//! What is made for somebody who did not say: write keys, and ids from names.

use crate::config::MAX_ID;

/// Characters of a write key; as long as RudderStack's. 160 bits nobody can guess.
const KEY_CHARACTERS: usize = 27;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new random write key: letters and digits only, so that no shell, URL or header minds it.
///
/// # Errors
/// When the operating system has no random bytes.
pub fn write_key() -> std::io::Result<String> {
    let mut key = String::with_capacity(KEY_CHARACTERS);
    while key.len() < KEY_CHARACTERS {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes)?;
        // Bytes beyond the alphabet are dropped: folded back, some characters would come more often.
        let characters = bytes
            .iter()
            .filter_map(|byte| ALPHABET.get(usize::from(byte & 63)));
        let missing = KEY_CHARACTERS - key.len();
        key.extend(characters.take(missing).map(|byte| char::from(*byte)));
    }
    Ok(key)
}

/// An id that says what the name says and is not `taken`; `otherwise` when the name says nothing.
pub(crate) fn id_from_name(name: &str, otherwise: &str, taken: &[String]) -> String {
    let mut id = String::new();
    for character in name.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_lowercase() || character.is_ascii_digit() {
            id.push(character);
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
    }
    // Room for a number at the end.
    id.truncate(MAX_ID - 8);
    let id = id.trim_end_matches('-');
    let id = if id.is_empty() { otherwise } else { id };
    let mut candidate = id.to_owned();
    let mut number = 1u64;
    while taken.contains(&candidate) {
        number += 1;
        candidate = format!("{id}-{number}");
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_keys_are_long_and_never_the_same() {
        let (one, two) = (write_key().unwrap(), write_key().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), KEY_CHARACTERS);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }

    #[test]
    fn ids_come_from_names_and_are_never_taken() {
        let id = |name, taken: &[&str]| {
            let taken: Vec<_> = taken.iter().map(ToString::to_string).collect();
            id_from_name(name, "source", &taken)
        };
        assert_eq!(id("My Web Shop!", &[]), "my-web-shop");
        assert_eq!(id("My Web Shop!", &["my-web-shop"]), "my-web-shop-2");
        assert_eq!(id("  ++ ", &[]), "source");
        assert_eq!(id("東京", &["source", "source-2"]), "source-3");
        assert_eq!(id(&"x".repeat(200), &[]).len(), MAX_ID - 8);
    }
}
