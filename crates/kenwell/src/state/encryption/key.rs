//! One secret and the name by which sealed values refer to it.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::error::Error;
use super::limits::MAX_ID_BYTES;

/// The length of a key's secret.
pub const KEY_BYTES: usize = 32;

/// Both alphabets are met in the wild, with padding and without.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// A secret of 256 bits with an id. It is wiped from memory when it is dropped, and never shown.
#[derive(Clone)]
pub struct Key {
    id: String,
    secret: Zeroizing<[u8; KEY_BYTES]>,
}

impl Key {
    /// Takes the secret's bytes. The id has 1 to [`MAX_ID_BYTES`] letters, digits, `-` and `_`; it
    /// stands in every value that the key seals.
    pub fn new(id: &str, secret: [u8; KEY_BYTES]) -> Result<Self, Error> {
        let secret = Zeroizing::new(secret);
        if !is_id(id) {
            return Err(Error::BadId);
        }
        Ok(Self {
            id: id.to_owned(),
            secret,
        })
    }

    /// Takes the secret as text: 64 hexadecimal digits, or base64 of 32 bytes (either alphabet, padded
    /// or not). A passphrase is no key.
    pub fn parse(id: &str, text: &str) -> Result<Self, Error> {
        let bad = || Error::BadKey { id: id.to_owned() };
        let text = text.trim();
        let bytes = Zeroizing::new(hexadecimal(text).or_else(|| base64(text)).ok_or_else(bad)?);
        let secret = bytes.first_chunk().filter(|_| bytes.len() == KEY_BYTES);
        Self::new(id, *secret.ok_or_else(bad)?)
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn secret(&self) -> &[u8; KEY_BYTES] {
        &self.secret
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Key").field(&self.id).finish()
    }
}

pub(super) fn is_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MAX_ID_BYTES).contains(&id.len()) && id.bytes().all(allowed)
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    if text.len() != 2 * KEY_BYTES {
        return None;
    }
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let byte = |pair: &[u8; 2]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
    text.as_bytes()
        .as_chunks::<2>()
        .0
        .iter()
        .map(byte)
        .collect()
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let alphabet = if text.contains(['-', '_']) {
        alphabet::URL_SAFE
    } else {
        alphabet::STANDARD
    };
    GeneralPurpose::new(&alphabet, LENIENT).decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_from_hexadecimal_and_base64() {
        let secret = [0xfb; KEY_BYTES];
        for text in [
            "fb".repeat(32),
            format!(" {} \n", "FB".repeat(32)),
            "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=".to_owned(),
            "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s".to_owned(),
        ] {
            assert_eq!(Key::parse("k", &text).unwrap().secret(), &secret, "{text}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_repeating_it() {
        for text in [
            "",
            "secret",
            &"fb".repeat(31),
            &"fb".repeat(33),
            &"zz".repeat(32),
            "+/v7",
        ] {
            let error = Key::parse("main", text).unwrap_err();
            assert!(
                matches!(&error, Error::BadKey { id } if id == "main"),
                "{text}"
            );
            assert!(text.len() < 3 || !error.to_string().contains(text));
        }
        for id in ["", "a.b", "ü", " ", &"x".repeat(33)] {
            assert_eq!(
                Key::new(id, [0; KEY_BYTES]).unwrap_err(),
                Error::BadId,
                "{id}"
            );
        }
    }
}
