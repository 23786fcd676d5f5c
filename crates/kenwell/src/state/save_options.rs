//! Saving otherwise than the store was set up for.

/// How one save differs from others.
///
/// ```no_run
/// use kenwell::state::SaveOptions;
/// # use kenwell::state::{Error, Record, StateStore};
///
/// # async fn example(store: StateStore, mut record: Record) -> Result<(), Error> {
/// let remembered = SaveOptions::new().ttl_seconds(30 * 86_400);
/// store.save_with("ada", &mut record, &remembered).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SaveOptions {
    pub(super) ttl_seconds: Option<u64>,
    pub(super) if_unchanged: bool,
}

impl SaveOptions {
    /// A save as any other.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long Redis keeps all entries after this save, in whole seconds, at most
    /// [`MAX_TTL_SECONDS`](super::values::MAX_TTL_SECONDS); 0 means for ever. The next save without it gives each entry
    /// [its own](super::Entry::ttl_seconds) time again.
    #[must_use]
    pub fn ttl_seconds(mut self, seconds: u64) -> Self {
        self.ttl_seconds = Some(seconds);
        self
    }

    /// Saves only if nobody else has saved since the record was loaded, as
    /// [`save_if_unchanged`](super::StateStore::save_if_unchanged) does.
    #[must_use]
    pub fn if_unchanged(mut self) -> Self {
        self.if_unchanged = true;
        self
    }
}
