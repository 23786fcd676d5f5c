//! Why a dialogue was not loaded, stored or removed.

use std::fmt::{Debug, Display};

use kenwell::state;

/// What went wrong. The names are those of teloxide's own storage.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisStorageError<SE: Debug + Display> {
    /// A dialogue has no form that the serializer can write; or what is stored is none that it can read, as when the
    /// program's type has changed.
    #[error("dialogue of a chat: {0}")]
    SerdeError(SE),
    /// Redis could not be reached, or refused; or somebody else was faster each time.
    #[error(transparent)]
    RedisError(#[from] state::Error),
    /// There is no dialogue to remove.
    #[error("this chat has no dialogue")]
    DialogueNotFound,
}

impl<SE: Debug + Display> RedisStorageError<SE> {
    /// Whether the same call can succeed later without being changed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::RedisError(error) if error.is_retryable())
    }
}
