//! User ids that cannot be read from keys: HMAC-SHA-256 instead of the id itself.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The shortest secret that is accepted, in bytes.
pub const MIN_SECRET_BYTES: usize = 16;

/// Names users by a keyed hash. A reader of Redis without the secret can neither tell who a user is
/// nor try whether a person is among them.
///
/// The secret cannot be changed later: all keys would get other names.
///
/// ```
/// use kenwell::state::hashing::UserIdHash;
///
/// let hash = UserIdHash::new(b"a secret of 16 bytes or more").unwrap();
/// assert_eq!(hash.name("ada").len(), 64);
/// assert_ne!(hash.name("ada"), hash.name("bob"));
/// ```
#[derive(Clone)]
pub struct UserIdHash(Hmac<Sha256>);

/// The secret has fewer than [`MIN_SECRET_BYTES`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the secret that user ids are hashed with has fewer than {MIN_SECRET_BYTES} bytes; make one with: openssl rand -hex 32"
)]
pub struct ShortSecret;

impl UserIdHash {
    /// Takes the secret, at least [`MIN_SECRET_BYTES`] bytes.
    pub fn new(secret: &[u8]) -> Result<Self, ShortSecret> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(ShortSecret);
        }
        let hash = Hmac::new_from_slice(secret).map_err(|_| ShortSecret)?;
        Ok(Self(hash))
    }

    /// The user's name in keys: 64 lower-case hexadecimal digits.
    pub fn name(&self, user_id: &str) -> String {
        let mut hash = self.0.clone();
        hash.update(user_id.as_bytes());
        let bytes = hash.finalize().into_bytes();
        let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
        bytes
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
            .collect()
    }
}

impl fmt::Debug for UserIdHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("UserIdHash").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 6: a key longer than a block.
    #[test]
    fn it_is_hmac_sha_256() {
        let hash = UserIdHash::new(&[0xaa; 131]).unwrap();
        let name = hash.name("Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(
            name,
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn short_secrets_are_refused_and_debug_tells_none() {
        assert_eq!(
            UserIdHash::new(b"fifteen bytes..").unwrap_err(),
            ShortSecret
        );
        let hash = UserIdHash::new(b"sixteen bytes...").unwrap();
        assert_eq!(format!("{hash:?}"), "UserIdHash { .. }");
    }
}
