//! The places where an application has its say: keys, and the bytes that are stored.

use std::error::Error as StdError;
use std::fmt;
use std::future::ready;
use std::sync::Arc;

use futures_util::future::BoxFuture;

/// Whatever a hook failed with.
pub type HookError = Box<dyn StdError + Send + Sync>;

/// What a hook that names keys is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRequest {
    /// The user, or the hash of the id where a store [hashes](super::Builder::hash_user_ids) user ids.
    pub user_id: String,
    /// The id of the entry.
    pub entry_id: Arc<str>,
    /// The store's prefix, empty for none.
    pub key_prefix: Arc<str>,
    /// What stands between the parts of a key.
    pub key_separator: Arc<str>,
}

/// What a hook that encodes or decodes is given.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HookValue {
    /// The id of the entry.
    pub entry_id: Arc<str>,
    /// The key it is stored at.
    pub key: Vec<u8>,
    /// To encode: JSON. To decode: what was stored (opened, if it was sealed).
    pub bytes: Vec<u8>,
}

impl fmt::Debug for HookValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HookValue")
            .field("entry_id", &self.entry_id)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

type Answer = Result<Vec<u8>, HookError>;

/// A closure of the application, waited for if need be.
pub(super) struct Hook<Q>(Arc<dyn Fn(Q) -> BoxFuture<'static, Answer> + Send + Sync>);

impl<Q: 'static> Hook<Q> {
    pub(super) fn direct<A, E>(closure: impl Fn(Q) -> Result<A, E> + Send + Sync + 'static) -> Self
    where
        A: Into<Vec<u8>>,
        E: Into<HookError>,
    {
        Self(Arc::new(move |question| {
            let answer = closure(question).map(Into::into).map_err(Into::into);
            Box::pin(ready(answer))
        }))
    }

    pub(super) fn waiting<A, E, F>(closure: impl Fn(Q) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<A, E>> + Send + 'static,
        A: Into<Vec<u8>>,
        E: Into<HookError>,
    {
        Self(Arc::new(move |question| {
            let answer = closure(question);
            Box::pin(async { answer.await.map(Into::into).map_err(Into::into) })
        }))
    }

    pub(super) async fn ask(&self, question: Q) -> Answer {
        (self.0)(question).await
    }
}
