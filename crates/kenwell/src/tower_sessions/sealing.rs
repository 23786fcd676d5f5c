//! Whether sessions are encrypted, and by what.

use std::borrow::Cow;

use tower_sessions_core::session_store::Error;

#[cfg(feature = "encryption")]
use crate::state::encryption::{KeyRing, is_sealed};

/// How sessions are sealed; as it is by default, not at all.
#[derive(Debug, Clone, Default)]
pub(super) struct Sealing {
    #[cfg(feature = "encryption")]
    pub(super) keys: Option<KeyRing>,
    #[cfg(feature = "encryption")]
    pub(super) plaintext: Plaintext,
}

/// What becomes of plaintext where something sealed should be.
#[cfg(feature = "encryption")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Plaintext {
    #[default]
    Refuse,
    Accept,
}

impl Sealing {
    /// What is stored of a text at this key.
    #[cfg(feature = "encryption")]
    pub(super) fn seal(&self, key: &[u8], text: String) -> Result<String, Error> {
        let Some(keys) = &self.keys else {
            return Ok(text);
        };
        let sealed = keys.seal(key, text.as_bytes());
        sealed.map_err(|error| Error::Encode(error.to_string()))
    }

    /// The text that is stored at this key.
    #[cfg(feature = "encryption")]
    pub(super) fn open<'a>(&self, key: &[u8], stored: &'a str) -> Result<Cow<'a, str>, Error> {
        let Some(keys) = &self.keys else {
            return Ok(Cow::Borrowed(stored));
        };
        if self.plaintext == Plaintext::Accept && !is_sealed(stored.as_bytes()) {
            return Ok(Cow::Borrowed(stored));
        }
        let opened = keys.open(key, stored.as_bytes());
        let opened = opened.map_err(|error| Error::Decode(error.to_string()))?;
        let text = String::from_utf8(opened);
        text.map(Cow::Owned)
            .map_err(|_told| Error::Decode("what was sealed is no text".to_owned()))
    }

    /// Nothing is sealed.
    #[cfg(not(feature = "encryption"))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "as with encryption"
    )]
    pub(super) fn seal(&self, _key: &[u8], text: String) -> Result<String, Error> {
        Ok(text)
    }

    /// Nothing is sealed.
    #[cfg(not(feature = "encryption"))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "as with encryption"
    )]
    pub(super) fn open<'a>(&self, _key: &[u8], stored: &'a str) -> Result<Cow<'a, str>, Error> {
        Ok(Cow::Borrowed(stored))
    }
}
