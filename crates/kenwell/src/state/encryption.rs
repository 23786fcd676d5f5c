//! Sealing values: without the key they cannot be read, changed or exchanged.
//!
//! ```
//! use kenwell::state::encryption::{Key, KeyRing};
//!
//! # fn main() -> Result<(), kenwell::state::encryption::Error> {
//! let old = Key::parse("2025", &"1f".repeat(32))?;
//! let new = Key::parse("2026", &"a0".repeat(32))?;
//! let sealed = KeyRing::new(vec![old.clone()])?.seal(b"data:ada", b"{}")?;
//! assert!(sealed.starts_with("kw1.2025."));
//!
//! // The first key seals, all of them open: rotation is putting a new one in front.
//! let ring = KeyRing::new(vec![new, old])?;
//! assert_eq!(ring.open(b"data:ada", sealed.as_bytes())?, b"{}");
//! assert!(ring.seal(b"data:ada", b"{}")?.starts_with("kw1.2026."));
//!
//! // Under another Redis key it is worth nothing.
//! assert!(ring.open(b"data:bob", sealed.as_bytes()).is_err());
//! # Ok(())
//! # }
//! ```
//!
//! # Format
//!
//! ```text
//! kw1.<key id>.<base64url without padding of: 24 bytes nonce, ciphertext, 16 bytes tag>
//! ```
//!
//! XChaCha20-Poly1305 with a random nonce of 192 bits, so that no counter has to be kept and any number
//! of processes may use the same key. The associated data is `kw1.<key id>.` followed by the Redis key:
//! a value cannot be moved to another user or entry, and its header cannot be changed. All of it is
//! ASCII, so that any client reads it as a string.

mod error;
mod key;
mod limits;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

pub use error::Error;
pub use key::{KEY_BYTES, Key};
pub use limits::{MAX_ID_BYTES, MAX_KEYS};

/// How many bytes of a sealed value are nonce.
const NONCE_BYTES: usize = 24;

/// What every value of this version begins with.
const VERSION: &str = "kw1.";

/// Keys by their ids. The first one seals, all of them open.
#[derive(Debug, Clone)]
pub struct KeyRing(Vec<Key>);

impl KeyRing {
    /// Takes keys with different ids, at least one and at most [`MAX_KEYS`]; the first one seals.
    pub fn new(keys: Vec<Key>) -> Result<Self, Error> {
        if keys.is_empty() || keys.len() > MAX_KEYS {
            return Err(Error::KeyCount { count: keys.len() });
        }
        for (index, key) in keys.iter().enumerate() {
            if keys
                .iter()
                .skip(index + 1)
                .any(|other| other.id() == key.id())
            {
                let id = key.id().to_owned();
                return Err(Error::RepeatedId { id });
            }
        }
        Ok(Self(keys))
    }

    /// Seals a value for the Redis key it will be stored at.
    ///
    /// # Errors
    ///
    /// [`Error::Randomness`] when the system gives none, [`Error::TooLong`] beyond 256 GiB.
    pub fn seal(&self, redis_key: &[u8], value: &[u8]) -> Result<String, Error> {
        let key = self.0.first().ok_or(Error::KeyCount { count: 0 })?;
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| Error::Randomness)?;
        let mut sealed = format!("{VERSION}{}.", key.id());
        let payload = Payload {
            msg: value,
            aad: &[sealed.as_bytes(), redis_key].concat(),
        };
        let encrypted = cipher(key).encrypt(&XNonce::from(nonce), payload);
        let encrypted = encrypted.map_err(|_| Error::TooLong)?;
        let body = [&nonce[..], &encrypted].concat();
        URL_SAFE_NO_PAD.encode_string(body, &mut sealed);
        Ok(sealed)
    }

    /// Opens what [`seal`](Self::seal) made for this Redis key.
    ///
    /// # Errors
    ///
    /// [`Error::NotSealed`] for plaintext, [`Error::UnknownVersion`] and [`Error::UnknownKey`] for what
    /// somebody else sealed, [`Error::Refused`] for what was changed, cut, exchanged, or sealed with
    /// another key of the same id.
    pub fn open(&self, redis_key: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let (id, body) = split(sealed)?;
        let key = self.0.iter().find(|key| key.id() == id);
        let key = key.ok_or_else(|| Error::UnknownKey { id: id.to_owned() })?;
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| Error::Refused)?;
        let (nonce, encrypted) = body
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(Error::Refused)?;
        let payload = Payload {
            msg: encrypted,
            aad: &[VERSION.as_bytes(), id.as_bytes(), b".", redis_key].concat(),
        };
        let opened = cipher(key).decrypt(&XNonce::from(*nonce), payload);
        opened.map_err(|_| Error::Refused)
    }
}

/// Whether a value says of itself that it is sealed, in this version or another one. JSON never does.
pub fn is_sealed(value: &[u8]) -> bool {
    !matches!(split(value), Err(Error::NotSealed))
}

/// Cuts a sealed value into the id of its key and its body.
fn split(sealed: &[u8]) -> Result<(&str, &[u8]), Error> {
    let mut parts = sealed.splitn(3, |&byte| byte == b'.');
    let (version, id, body) = (parts.next(), parts.next(), parts.next());
    let number = version.and_then(|version| version.strip_prefix(b"kw"));
    match number {
        Some(number @ [_, ..]) if number.iter().all(u8::is_ascii_digit) => {
            if number != b"1" {
                return Err(Error::UnknownVersion);
            }
        }
        _ => return Err(Error::NotSealed),
    }
    let id = id
        .and_then(|id| str::from_utf8(id).ok())
        .filter(|id| key::is_id(id));
    id.zip(body).ok_or(Error::Refused)
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.secret().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(keys: &[(&str, u8)]) -> KeyRing {
        let key = |&(id, byte)| Key::new(id, [byte; KEY_BYTES]).unwrap();
        KeyRing::new(keys.iter().map(key).collect()).unwrap()
    }

    #[test]
    fn what_is_sealed_can_be_opened_and_never_looks_the_same() {
        let ring = ring(&[("a", 1)]);
        for value in [&b""[..], b"{}", &[0xff; 1000]] {
            let (one, two) = (
                ring.seal(b"k", value).unwrap(),
                ring.seal(b"k", value).unwrap(),
            );
            assert_ne!(one, two);
            assert!(is_sealed(one.as_bytes()) && one.is_ascii());
            assert_eq!(ring.open(b"k", one.as_bytes()).unwrap(), value);
        }
    }

    #[test]
    fn every_single_changed_or_missing_character_is_refused() {
        let ring = ring(&[("a", 1), ("b", 1)]);
        let sealed = ring.seal(b"data:u1", b"{\"role\":\"guest\"}").unwrap();
        for at in 0..sealed.len() {
            assert!(
                ring.open(b"data:u1", &sealed.as_bytes()[..at]).is_err(),
                "cut at {at}"
            );
            for other in [b'A', b'b', b'.', b'2', 0xff] {
                let mut changed = sealed.clone().into_bytes();
                if std::mem::replace(&mut changed[at], other) != other {
                    assert!(ring.open(b"data:u1", &changed).is_err(), "changed at {at}");
                }
            }
        }
        let longer = format!("{sealed}A");
        assert!(matches!(
            ring.open(b"data:u1", longer.as_bytes()),
            Err(Error::Refused)
        ));
    }

    #[test]
    fn what_was_sealed_for_another_redis_key_or_with_another_key_is_refused() {
        let sealed = ring(&[("a", 1)]).seal(b"data:u1", b"{}").unwrap();
        for (ring, redis_key) in [
            (ring(&[("a", 1)]), &b"data:u2"[..]),
            (ring(&[("a", 1)]), b"data:u"),
            (ring(&[("a", 1)]), b""),
            (ring(&[("a", 2)]), b"data:u1"),
        ] {
            let opened = ring.open(redis_key, sealed.as_bytes());
            assert!(matches!(opened, Err(Error::Refused)), "{opened:?}");
        }
        // The id is authenticated too: another id for the same secret does not help.
        let renamed = sealed.replacen("kw1.a.", "kw1.b.", 1);
        let opened = ring(&[("a", 1), ("b", 1)]).open(b"data:u1", renamed.as_bytes());
        assert!(matches!(opened, Err(Error::Refused)), "{opened:?}");
        let unknown = ring(&[("b", 1)]).open(b"data:u1", sealed.as_bytes());
        assert!(
            matches!(&unknown, Err(Error::UnknownKey { id }) if id == "a"),
            "{unknown:?}"
        );
    }

    #[test]
    fn plaintext_and_other_versions_are_told_apart() {
        let ring = ring(&[("a", 1)]);
        for plain in [
            &b"{\"user\":1}"[..],
            b"",
            b"kw",
            b"kw.a.b",
            b"kwx.a.b",
            b"\"kw1.a.b\"",
        ] {
            assert!(!is_sealed(plain));
            assert!(matches!(ring.open(b"k", plain), Err(Error::NotSealed)));
        }
        let other = ring.open(b"k", b"kw2.a.b");
        assert!(matches!(other, Err(Error::UnknownVersion)) && is_sealed(b"kw2.a.b"));
        for cut in [
            &b"kw1"[..],
            b"kw1.",
            b"kw1.a",
            b"kw1.a.",
            b"kw1..AAAA",
            b"kw1.a b.AAAA",
        ] {
            assert!(matches!(ring.open(b"k", cut), Err(Error::Refused)) && is_sealed(cut));
        }
    }

    #[test]
    fn a_ring_rotates() {
        let (old, both) = (ring(&[("1", 1)]), ring(&[("2", 2), ("1", 1)]));
        let sealed = old.seal(b"k", b"x").unwrap();
        assert_eq!(both.open(b"k", sealed.as_bytes()).unwrap(), b"x");
        let sealed = both.seal(b"k", b"x").unwrap();
        assert!(sealed.starts_with("kw1.2."));
        assert!(old.open(b"k", sealed.as_bytes()).is_err());
    }

    #[test]
    fn wrong_rings_are_refused_and_debug_tells_no_secret() {
        assert!(matches!(
            KeyRing::new(vec![]),
            Err(Error::KeyCount { count: 0 })
        ));
        let key = Key::new("a", [0xab; KEY_BYTES]).unwrap();
        let twice = KeyRing::new(vec![key.clone(), key.clone()]);
        assert!(matches!(twice, Err(Error::RepeatedId { .. })));
        let debug = format!("{:?}", KeyRing::new(vec![key]).unwrap());
        assert!(!debug.contains("171") && !debug.contains("ab"), "{debug}");
    }
}
