//! From JSON to the bytes in Redis and back: hooks, then sealing.

use std::borrow::Cow;
use std::sync::Arc;

use super::encryption::{self, KeyRing};
use super::hooks::{Hook, HookValue};
use super::{Entry, Error, Json, ValuePlace};

/// How entries are encoded.
#[derive(Default)]
pub(super) struct Codec {
    pub(super) encode: Option<Hook<HookValue>>,
    pub(super) decode: Option<Hook<HookValue>>,
    pub(super) keys: Option<KeyRing>,
    pub(super) plaintext: Plaintext,
    /// The most bytes that one entry may have in Redis.
    pub(super) max_bytes: usize,
}

/// What becomes of plaintext where something sealed should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Plaintext {
    /// It is an error: somebody may have put it there.
    #[default]
    Refuse,
    /// It is read, and sealed with the next save.
    Accept,
}

/// An entry is sealed, and the settings say that it is not.
#[derive(Debug, thiserror::Error)]
#[error("it is encrypted, but the entry is not said to be")]
struct UnexpectedlySealed;

impl Codec {
    /// What an entry's JSON becomes.
    pub(super) async fn encode(
        &self,
        (index, entry): (usize, &Entry),
        key: &[u8],
        json: String,
    ) -> Result<Vec<u8>, Error> {
        let place = || ValuePlace::new(index, key).named(&entry.id);
        let mut bytes = json.into_bytes();
        if let Some(hook) = &self.encode {
            let encoded = hook.ask(question(entry, key, bytes)).await;
            bytes = encoded.map_err(|source| Error::Hook {
                hook: "on_encode_value",
                place: place(),
                source,
            })?;
        }
        if let (true, Some(keys)) = (entry.sealed, &self.keys) {
            let sealed = keys.seal(key, &bytes);
            let sealed = sealed.map_err(|source| unsealed(place(), source))?;
            bytes = sealed.into_bytes();
        }
        if bytes.len() > self.max_bytes {
            return Err(Error::TooLarge {
                place: place(),
                bytes: bytes.len(),
                limit: self.max_bytes,
            });
        }
        Ok(bytes)
    }

    /// The JSON that an entry's bytes stand for.
    pub(super) async fn decode(
        &self,
        (index, entry): (usize, &Entry),
        key: &[u8],
        stored: &[u8],
    ) -> Result<Json, Error> {
        let undecodable = |source| Error::Undecodable {
            place: ValuePlace::new(index, key).named(&entry.id),
            source,
        };
        let opened = self.open(entry, key, stored);
        let mut bytes = opened.map_err(|error| undecodable(error.into()))?;
        if let Some(hook) = &self.decode {
            let decoded = hook.ask(question(entry, key, bytes.into_owned())).await;
            bytes = Cow::Owned(decoded.map_err(undecodable)?);
        } else if encryption::is_sealed(&bytes) {
            return Err(undecodable(UnexpectedlySealed.into()));
        }
        Json::parse(&bytes).map_err(|error| undecodable(error.into()))
    }

    fn open<'a>(
        &self,
        entry: &Entry,
        key: &[u8],
        stored: &'a [u8],
    ) -> Result<Cow<'a, [u8]>, encryption::Error> {
        match &self.keys {
            Some(keys) if entry.sealed => {
                if self.plaintext == Plaintext::Accept && !encryption::is_sealed(stored) {
                    return Ok(Cow::Borrowed(stored));
                }
                keys.open(key, stored).map(Cow::Owned)
            }
            _ => Ok(Cow::Borrowed(stored)),
        }
    }
}

#[cfg(feature = "encryption")]
fn unsealed(place: ValuePlace, source: encryption::Error) -> Error {
    Error::Seal { place, source }
}

#[cfg(not(feature = "encryption"))]
fn unsealed(_place: ValuePlace, source: encryption::Error) -> Error {
    match source {}
}

fn question(entry: &Entry, key: &[u8], bytes: Vec<u8>) -> HookValue {
    HookValue {
        entry_id: Arc::clone(&entry.id),
        key: key.to_vec(),
        bytes,
    }
}
