//! Why state was not loaded or saved.

#[cfg(feature = "encryption")]
use super::encryption;
use super::hooks::HookError;
use super::{JsonError, ValuePlace};

/// What went wrong. Nothing in it tells a stored value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Redis could not be reached, or refused the whole.
    #[error(transparent)]
    Redis(#[from] crate::Error),
    /// Redis refused one value. Where all values of a save lie together, none was saved.
    #[error("{place}: {source}")]
    Value {
        /// Which one.
        place: ValuePlace,
        /// Why.
        source: crate::Error,
    },
    /// The user's profile could not be read.
    #[error("profile (key `{key}`): {source}", key = place.key())]
    Profile {
        /// Its key.
        place: ValuePlace,
        /// Why.
        source: crate::Error,
    },
    /// The connection broke during a save that must not be repeated blindly: whether it happened is
    /// not known. Load again to see.
    #[error("whether this was saved is not known, load again to see: {source}")]
    Uncertain {
        /// What broke.
        source: crate::Error,
    },
    /// The connection broke, whether this took effect is not known, and a newer call on one of its keys was
    /// sent meanwhile: repeating it would undo that one. Load to see what is stored.
    #[error(
        "whether this took effect is not known, and a newer call on the same key has overtaken it: {source}"
    )]
    Overtaken {
        /// What broke.
        source: crate::Error,
    },
    /// It was done, but may be undone: an older call on one of its keys was given up without an answer, Redis
    /// does not permit to end its connection (`CLIENT KILL`), and so it may be executed late. Repeat it after
    /// a minute, or give the right.
    #[error(
        "this was done, but an older call on the same key that was given up may still be executed and undo it; permit +client|kill and +client|info, or repeat it after a minute"
    )]
    Unsettled,
    /// A time to live that Redis cannot count.
    #[error(
        "{place}: a time to live of {seconds} s is more than {} s",
        super::limits::MAX_TTL_SECONDS
    )]
    Ttl {
        /// Which value.
        place: ValuePlace,
        /// What was asked for, in seconds.
        seconds: u64,
    },
    /// More keys in one call than one round trip should carry.
    #[error("{count} keys in one call are more than {}", super::limits::MAX_KEYS)]
    TooManyKeys {
        /// How many there were.
        count: usize,
    },
    /// In a cluster, one step can only touch keys of one slot.
    #[error(
        "{place}: its slot differs from that of the keys before, and a cluster cannot compare and save keys of different slots in one step; put the same `{{hash tag}}` into all of them"
    )]
    SeveralSlots {
        /// The first key of another slot.
        place: ValuePlace,
    },
    /// The store was set up in a way that cannot work.
    #[error("state store, `{setting}`: {problem}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no user without an id.
    #[error("the user id is empty")]
    NoUser,
    /// A hook of the application failed. Nothing was sent.
    #[error("{place}: {hook} failed: {source}")]
    Hook {
        /// Which hook.
        hook: &'static str,
        /// For which value.
        place: ValuePlace,
        /// What it failed with.
        source: HookError,
    },
    /// Something is stored, and it cannot be decoded: not JSON, not a record, not sealed with a key of
    /// the ring, or not to the hook's liking.
    #[error("{place} cannot be decoded: {source}")]
    Undecodable {
        /// Which value.
        place: ValuePlace,
        /// Why.
        source: HookError,
    },
    /// The record was loaded without an entry that cannot be decoded, and saving it would overwrite
    /// that one.
    #[error(
        "{place} could not be decoded when the record was loaded, and would be overwritten; call overwrite_unreadable first if it shall be"
    )]
    Unreadable {
        /// The first such entry.
        place: ValuePlace,
    },
    /// A value could not be sealed.
    #[cfg(feature = "encryption")]
    #[error("{place} cannot be encrypted: {source}")]
    Seal {
        /// Which value.
        place: ValuePlace,
        /// Why.
        source: encryption::Error,
    },
    /// An entry is larger than the store allows. Nothing was sent.
    #[error("{place}: {bytes} bytes are more than max_entry_bytes, {limit}")]
    TooLarge {
        /// Which entry.
        place: ValuePlace,
        /// How large it is, encoded.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// What was to be kept has no JSON, or cannot be read as the type that was asked for.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The function that was to change the record failed. Nothing was saved.
    #[error("the record was not changed: {source}")]
    Change {
        /// What it failed with.
        source: HookError,
    },
    /// Somebody else has saved since the record was loaded. Nothing was written: load again, and
    /// repeat the change.
    #[error("somebody else has saved since this record was loaded")]
    Conflict,
}

impl Error {
    /// What Redis, or the way to it, said; `None` when it was not about that.
    pub fn redis(&self) -> Option<&crate::Error> {
        match self {
            Self::Redis(source)
            | Self::Value { source, .. }
            | Self::Profile { source, .. }
            | Self::Uncertain { source }
            | Self::Overtaken { source } => Some(source),
            _ => None,
        }
    }

    /// Whether the very same call can succeed later, without anybody changing anything in it or in the program's
    /// settings.
    ///
    /// Not for [`Uncertain`](Self::Uncertain) and [`Overtaken`](Self::Overtaken): load first, and see
    /// whether there is something left to save.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Redis(source) | Self::Value { source, .. } | Self::Profile { source, .. } => {
                source.is_retryable() && !is_about_settings(source)
            }
            _ => false,
        }
    }
}

/// Whether the program has to say something else about the server.
fn is_about_settings(error: &crate::Error) -> bool {
    use crate::Error::{OtherKind, Settings, UnknownMaster};
    matches!(
        error,
        Settings { .. } | OtherKind { .. } | UnknownMaster { .. }
    )
}
