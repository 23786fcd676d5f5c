//! Entries: how a record is spread over Redis keys.

use std::sync::Arc;

/// One Redis key of a record: which parts it holds, and for how long.
///
/// ```
/// use kenwell::state::Entry;
///
/// let entries = [
///     Entry::new("user").user().created_at().updated_at(),
///     Entry::new("session").session().ttl_seconds(900),
///     Entry::new("history").history().encrypted(),
/// ];
/// # assert_eq!(entries[1].id(), "session");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "an entry's flags are the configuration's own words"
)]
pub struct Entry {
    pub(super) id: Arc<str>,
    pub(super) user: bool,
    pub(super) session: bool,
    pub(super) history: bool,
    pub(super) created_at: bool,
    pub(super) updated_at: bool,
    pub(super) ttl_seconds: Option<u64>,
    pub(super) sealed: bool,
}

impl Entry {
    /// An entry that holds nothing yet. Its id is part of the key.
    pub fn new(id: &str) -> Self {
        Self {
            id: id.into(),
            user: false,
            session: false,
            history: false,
            created_at: false,
            updated_at: false,
            ttl_seconds: None,
            sealed: false,
        }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Holds the user's data.
    #[must_use]
    pub fn user(mut self) -> Self {
        self.user = true;
        self
    }

    /// Holds the session.
    #[must_use]
    pub fn session(mut self) -> Self {
        self.session = true;
        self
    }

    /// Holds the history.
    #[must_use]
    pub fn history(mut self) -> Self {
        self.history = true;
        self
    }

    /// Holds the time of the first save.
    #[must_use]
    pub fn created_at(mut self) -> Self {
        self.created_at = true;
        self
    }

    /// Holds the time of the last save.
    #[must_use]
    pub fn updated_at(mut self) -> Self {
        self.updated_at = true;
        self
    }

    /// Holds all of it, as the default entry `data` does.
    #[must_use]
    pub fn everything(self) -> Self {
        self.user().session().history().created_at().updated_at()
    }

    pub(super) fn holds_nothing(&self) -> bool {
        ![
            self.user,
            self.session,
            self.history,
            self.created_at,
            self.updated_at,
        ]
        .contains(&true)
    }

    /// How long Redis keeps it after a save, in whole seconds; 0 means for ever, as does saying
    /// nothing. The time begins anew with each save, and with each load when the store
    /// [refreshes](super::Builder::refresh_on_load).
    #[must_use]
    pub fn ttl_seconds(mut self, seconds: u64) -> Self {
        self.ttl_seconds = Some(seconds).filter(|&seconds| seconds > 0);
        self
    }

    /// Is sealed with the store's [key ring](super::Builder::encryption).
    #[cfg(feature = "encryption")]
    #[must_use]
    pub fn encrypted(mut self) -> Self {
        self.sealed = true;
        self
    }
}
