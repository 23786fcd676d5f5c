//! Why a key is no key, or a value was not opened.

/// What went wrong. No message tells a secret or a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A key ring without keys, or with too many.
    #[error("a key ring has 1 to {} keys, not {count}", super::limits::MAX_KEYS)]
    KeyCount {
        /// How many there were.
        count: usize,
    },
    /// Two keys with one id.
    #[error("two encryption keys have the id `{id}`")]
    RepeatedId {
        /// The id.
        id: String,
    },
    /// An id that cannot stand in a sealed value.
    #[error(
        "an encryption key's id has 1 to {} characters of A-Z, a-z, 0-9, `-` and `_`",
        super::limits::MAX_ID_BYTES
    )]
    BadId,
    /// A key of another length, or text that is no key.
    #[error(
        "the encryption key `{id}` is not 32 bytes, written as 64 hexadecimal digits or as base64; make one with: openssl rand -hex 32"
    )]
    BadKey {
        /// Its id.
        id: String,
    },
    /// The system gave no random numbers.
    #[error("the system gives no random numbers")]
    Randomness,
    /// A value that the cipher cannot take.
    #[error("the value is too long to be encrypted")]
    TooLong,
    /// The value is not sealed at all.
    #[error("it is not encrypted, but should be")]
    NotSealed,
    /// A later version of this library has sealed it.
    #[error("it is encrypted in a way that this version does not know")]
    UnknownVersion,
    /// Sealed with a key that the ring does not have.
    #[error("it is encrypted with the key `{id}`, which is not in the key ring")]
    UnknownKey {
        /// The id of that key.
        id: String,
    },
    /// Not what was sealed for this place with this key.
    #[error("it was changed, cut, copied from another key, or encrypted with another secret")]
    Refused,
}
